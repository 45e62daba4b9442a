"""People whom Klaviyo has as they are: sent again, or skipped when the settings say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import LIST, Pipeline, command, record, schema, state
from thorough import thorough

SKIP = {"unchanged_profiles": "skip"}
DAY = 86_400


def people(count=3, **properties):
    return [schema(), *(record(f"p{number}@x.io", **properties) for number in range(count))]


def jobs(pipeline):
    return sum(entry.method == "POST" for entry in pipeline.sandbox.requests)


def test_everybody_is_sent_again_unless_asked_otherwise(pipeline):
    """The default trusts nobody's memory."""
    for _ in range(2):
        assert pipeline.run(people())
    assert pipeline.totals["delivered"] == 3
    assert pipeline.totals["unchanged"] == 0


def test_unchanged_people_are_skipped_and_no_job_begins(pipeline):
    """The second run costs Klaviyo nothing, and STATE goes out all the same."""
    assert pipeline.run(people(), **SKIP)
    before = jobs(pipeline)
    assert pipeline.run([*people(), state(1)], **SKIP)
    assert (pipeline.totals["unchanged"], pipeline.totals["delivered"]) == (3, 0)
    assert jobs(pipeline) == before
    assert pipeline.states == [1]
    pipeline.assert_balanced()


def test_a_changed_person_is_sent_and_the_others_are_not(pipeline):
    """One value is enough."""
    assert pipeline.run(people(3, tier="silver"), **SKIP)
    changed = [schema(), *(record(f"p{n}@x.io", tier="gold" if n == 1 else "silver") for n in range(4))]
    assert pipeline.run(changed, **SKIP)
    assert (pipeline.totals["unchanged"], pipeline.totals["delivered"]) == (2, 2)
    assert pipeline.members()["p1@x.io"]["properties"]["tier"] == "gold"
    assert "p3@x.io" in pipeline.members()


def test_a_delivery_too_long_ago_is_made_again(pipeline):
    """Somebody may have changed the profile in Klaviyo meanwhile."""
    assert pipeline.run(people(), **SKIP)
    pipeline.clock.sleep(6 * DAY)
    assert pipeline.run(people(), **SKIP)
    assert pipeline.totals["unchanged"] == 3
    pipeline.clock.sleep(2 * DAY)
    assert pipeline.run(people(), **SKIP)
    assert pipeline.totals["delivered"] == 3
    pipeline.clock.sleep(1)
    assert pipeline.run(people(), **SKIP, resend_after_days=0)
    assert pipeline.totals["delivered"] == 3


def test_another_list_has_a_memory_of_its_own(pipeline):
    """To be on one list is not to be on the other."""
    pipeline.sandbox.add_list("OTHER1", "Others")
    assert pipeline.run(people(), **SKIP)
    assert pipeline.run(people(), **SKIP, list_id="OTHER1")
    assert pipeline.totals["delivered"] == 3
    assert len(pipeline.members("OTHER1")) == 3


def test_a_row_that_klaviyo_rejected_is_never_taken_for_unchanged(pipeline):
    """It was not delivered, however often it comes."""
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if row["email"] == "p1@x.io" else None)
    for _ in range(2):
        assert pipeline.run(people(), **SKIP)
        assert pipeline.totals["rejected"] == 1
    assert pipeline.totals["unchanged"] == 2


def test_what_klaviyo_had_before_a_rejection_is_not_taken_for_unchanged(pipeline):
    """Delivered, then rejected in another form, then back in the first form: nobody knows what Klaviyo has."""
    assert pipeline.run(people(1, tier="silver"), **SKIP)
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if row["properties"]["tier"] == "gold" else None)
    assert pipeline.run(people(1, tier="gold"), **SKIP)
    assert pipeline.run(people(1, tier="silver"), **SKIP)
    assert pipeline.totals["delivered"] == 1


def test_an_older_form_after_a_newer_one_in_the_same_run_is_not_unchanged(pipeline):
    """What is on its way counts, not what was delivered before."""
    assert pipeline.run(people(1, tier="silver"), **SKIP)
    rows = [schema(), record("p0@x.io", tier="gold"), record("q@x.io"), record("p0@x.io", tier="silver")]
    assert pipeline.run([*rows, record("r@x.io")], **SKIP, batch_size_rows=2, max_in_flight=1)
    assert pipeline.members()["p0@x.io"]["properties"]["tier"] == "silver"
    pipeline.assert_balanced()


def test_full_sends_everybody(server, tmp_path):
    """`--full` outranks the setting for one run."""
    for arguments, delivered in ((), 2), ((), 0), (("--full",), 2):
        done = command(people(2), server.url, tmp_path, *arguments, **SKIP)
        assert done.returncode == 0, done.stderr.decode()
        assert json.loads((tmp_path / "work" / "report.json").read_text())["totals"]["delivered"] == delivered


@thorough(12)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=12), min_size=2, max_size=4),
    st.integers(1, 4),
)
def test_skipping_never_changes_what_is_on_the_list(tmp_path_factory, runs, rows):
    """With and without, the list is that of the last row of each person; the sum is right in both."""
    with_skip, without = (Pipeline(tmp_path_factory.mktemp("work")) for _ in range(2))
    for run in runs:
        lines = [schema(), *(record(f"p{person}@x.io", tier=tier) for person, tier in run), state(1)]
        for pipeline, skip in (with_skip, SKIP), (without, {}):
            assert pipeline.run(lines, **skip, batch_size_rows=rows), pipeline.error
            pipeline.assert_balanced()
        tiers = [
            {email: member["properties"]["tier"] for email, member in pipeline.members(LIST).items()}
            for pipeline in (with_skip, without)
        ]
        assert tiers[0] == tiers[1]
    assert Path(with_skip.work_dir / "ledger.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("leave", ["mirror", "marker"])
def test_who_is_in_two_segments_of_a_list_stays_though_the_second_had_nothing_new(pipeline, leave):
    """The row of the other stream was the same to the byte: it counts as having them all the same."""
    keyed = schema(keys=("id",), id={}, email={}, _sdc_deleted_at={})
    others = [{**keyed, "stream": "others"}, record("a@x.io", "others", id=1)]
    assert pipeline.run([keyed, record("a@x.io", id=1), record("b@x.io", id=2)], **SKIP)
    assert pipeline.run(others, **SKIP)
    rows = [record("b@x.io", id=2), record("a@x.io", id=1, _sdc_deleted_at="now")]
    gone = rows[:1] if leave == "mirror" else rows
    lines = [
        keyed,
        *({**row, "version": 1} for row in gone),
        {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1},
    ]
    mode = {"sync_mode": "mirror", "max_removal_percent": 100} if leave == "mirror" else {}
    assert pipeline.run(lines, **SKIP, **mode), pipeline.error
    assert sorted(pipeline.members()) == ["a@x.io", "b@x.io"]
    assert pipeline.run(others, **SKIP)
    assert pipeline.totals["unchanged"] == 1


def of(stream, *names, **properties):
    return [schema(stream), *(record(f"{name}@x.io", stream, **properties) for name in names)]


TWO = SKIP | {"segments": {"gold": {"list_id": LIST}, "vip": {"list_id": "Vip123"}}}


@pytest.fixture
def two(pipeline):
    """Two lists, which different streams go to."""
    pipeline.sandbox.add_list("Vip123", "Vip")
    return pipeline


def tier(pipeline, name="a"):
    return pipeline.sandbox.profiles[f"{name}@x.io"]["properties"]["tier"]


def test_whom_another_list_was_given_otherwise_since_is_sent_again(two):
    """Profiles are the account's: `skip` leaves out nobody whom Klaviyo has otherwise than their row says."""
    gold, vip = of("gold", "a", "b", tier="gold"), of("vip", "a", tier="vip")
    assert two.run(gold, **TWO)
    assert two.run(vip, **TWO)
    assert tier(two) == "vip"
    assert two.run(gold, **TWO)
    assert (tier(two), two.totals["unchanged"], two.totals["delivered"]) == ("gold", 1, 1)
    assert two.run(gold, **TWO)
    assert (tier(two), two.totals["unchanged"]) == ("gold", 2)
    assert two.run([*gold, *vip], **TWO)
    assert two.run([*gold, *vip], **TWO)
    assert (tier(two), two.totals["unchanged"], two.totals["delivered"]) == ("vip", 1, 2)


def test_whom_another_list_was_given_the_same_is_skipped(two):
    """Segments of one table: everybody's row says the same in each."""
    both = [*of("gold", "a", "b", tier="x"), *of("vip", "a", tier="x")]
    assert two.run(both, **TWO)
    assert two.run(both, **TWO)
    assert (two.totals["unchanged"], two.totals["delivered"]) == (3, 0)


@pytest.mark.parametrize("how", ["leaves", "late"])
def test_what_another_list_was_given_last_counts_also_when_nobody_knows_it_any_more(two, how):
    """Who left it is forgotten; and of a job that was given up nobody knows whether it came."""
    gold, vip = of("gold", "a", tier="gold"), of("vip", "a", tier="vip")
    assert two.run([*gold, *vip], **TWO)
    assert two.run(gold, **TWO)
    if how == "leaves":
        assert two.run(vip, **TWO)
        gone = {"type": "RECORD", "stream": "vip", "record": {"email": "a@x.io", "_sdc_deleted_at": "2026-11-24"}}
        assert two.run([schema("vip"), gone], **TWO)
        assert two.members("Vip123") == {}
    else:
        two.sandbox.job_seconds = 100
        assert not two.run(vip, **TWO, job_timeout_seconds=10)
        two.clock.sleep(200)
        two.sandbox.job_seconds = 0
    assert two.run(gold, **TWO)
    assert (tier(two), two.totals["delivered"]) == ("gold", 1)
