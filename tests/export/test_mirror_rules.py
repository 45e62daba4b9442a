"""Whether a mirror may take leavers off the list: nobody leaves when anything looks wrong, and the words say why."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.export import modes
from target_klaviyo_segments.export.modes import MirrorPlan, Permission, Refusal, may_remove
from target_klaviyo_segments.report.tally import Tally


def plan(*, members=1000, leavers=100, gap=None, allow=None, percent=20, **counts):
    tally = Tally(**({"delivered": 900} | counts))
    tally.read = tally.settled
    return MirrorPlan(
        stream="vips",
        gap=gap,
        tally=tally,
        members_before=members,
        leavers=leavers,
        max_removal_percent=percent,
        max_rejected_percent=50,
        allow_removals=allow,
    )


def test_a_whole_segment_may_lose_a_few():
    """A tenth of the members, where a fifth may leave."""
    assert may_remove(plan()) == Permission(100, takes_stock=False)


def test_nobody_needs_to_leave():
    """The usual day."""
    assert may_remove(plan(leavers=0)) == Permission(0, takes_stock=False)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"gap": "the input did not end by itself"}, modes.INCOMPLETE, "not be complete: the input did not end"),
        ({"delivered": 0, "rejected": 5, "merged": 1}, modes.EMPTY, "no row was delivered or unchanged"),
        ({"failed": 1}, modes.FAILED_ROWS, "1 rows failed. Run again"),
        (
            {"rejected": 901},
            modes.TOO_MANY_REJECTED,
            (
                r"901 of 1801 rows were rejected, more than `max_rejected_percent` \(50\) allows, and they may be of "
                r"members. See the rejects"
            ),
        ),
        ({"leavers": 201}, modes.TOO_MANY_LEAVERS, "201 of 1000 members .*--allow-removals 201`, or raise `max_rem"),
        ({"leavers": 201, "allow": 200}, modes.TOO_MANY_LEAVERS, "and more than `--allow-removals 200`"),
        ({"leavers": 1, "members": 0}, modes.TOO_MANY_LEAVERS, "1 of 0 members"),
    ],
)
def test_what_looks_wrong_is_refused_with_its_reason(changes, code, words):
    """Each by itself."""
    refusal = may_remove(plan(**changes))
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert re.search(words, refusal.reason)


def test_the_numbers_are_in_every_refusal():
    """Whoever reads the one line can tell what happened."""
    refusal = may_remove(plan(gap="it broke", rejected=3, unchanged=7, merged=2))
    assert refusal.reason == (
        "stream `vips`: nobody was taken off the list, because the segment may not be complete: it broke. "
        "Rows: read 912, delivered 900, unchanged 7, merged 2, rejected 3, failed 0; "
        "members before: 1000, leavers: 100"
    )


@pytest.mark.parametrize(("percent", "most"), [(0, 0), (0.1, 1), (20, 200), (100, 1000)])
def test_the_limit_itself_is_allowed(percent, most):
    """20 percent of 1,000 are 200 people, not 199 and not 201."""
    assert isinstance(may_remove(plan(leavers=most, percent=percent)), Permission)
    if most < 1000:
        assert isinstance(may_remove(plan(leavers=most + 1, percent=percent)), Refusal)


def test_one_run_may_be_allowed_more():
    """The number is at least that of the leavers."""
    assert may_remove(plan(leavers=900, allow=900)) == Permission(900, takes_stock=False)
    assert may_remove(plan(leavers=900, allow=5000)) == Permission(900, takes_stock=False)


def test_a_number_lifts_no_other_rule_and_adds_none():
    """`--allow-removals` is about how many leave; a smaller number than the percentage allows changes nothing."""
    for wrong in ({"gap": "it broke"}, {"delivered": 0}, {"failed": 1}, {"rejected": 5000}):
        assert isinstance(may_remove(plan(**wrong, allow=10_000)), Refusal)
    assert may_remove(plan(allow=5)) == Permission(100, takes_stock=False)


def test_the_first_run_takes_stock():
    """Nobody of ours was on the list: nobody can have left, and that is no refusal."""
    assert may_remove(plan(members=0, leavers=0)) == Permission(0, takes_stock=True)


def test_a_segment_that_did_not_change_is_not_empty():
    """Every row was unchanged."""
    assert isinstance(may_remove(plan(delivered=0, unchanged=900)), Permission)


@given(
    counts=st.fixed_dictionaries(
        {name: st.integers(0, 50) for name in ("delivered", "unchanged", "merged", "rejected", "failed")}
    ),
    members=st.integers(0, 100),
    leaving=st.integers(0, 100),
    percent=st.integers(0, 100),
    allow=st.none() | st.integers(0, 100),
    gap=st.sampled_from([None, "it broke"]),
)
def test_a_permission_keeps_every_rule(counts, members, leaving, percent, allow, gap):
    """Nobody is taken off because of a combination that nobody thought of."""
    leavers = min(leaving, members)
    verdict = may_remove(plan(members=members, leavers=leavers, gap=gap, allow=allow, percent=percent, **counts))
    few = leavers * 100 <= percent * members or (allow is not None and leavers <= allow)
    whole = gap is None and counts["failed"] == 0 and counts["delivered"] + counts["unchanged"] > 0
    rejected_heavy = counts["rejected"] >= 20 and counts["rejected"] * 2 > sum(counts.values())
    assert isinstance(verdict, Permission) == (few and whole and not rejected_heavy)
    if isinstance(verdict, Permission):
        assert verdict == Permission(leavers, takes_stock=members == 0)
