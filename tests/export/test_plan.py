"""The plan's room, held against the people to send."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from target_klaviyo_segments.errors import RunStopped
from target_klaviyo_segments.export.plan import PlanLimit

USAGE = SimpleNamespace(used=90, maximum=100)


def test_people_who_fit_pass_in_silence():
    """Ten are left, ten are sent."""
    assert PlanLimit(USAGE, "fail").admit(10) is None


def test_a_warning_comes_once_with_used_plan_and_needed():
    """The user learns the numbers, not a line a batch."""
    plan = PlanLimit(USAGE, "warn")
    warning = plan.admit(11)
    assert "90 of 100" in warning
    assert "11 or more" in warning
    assert plan.admit(11) is None
    assert plan.needed == 22


def test_fail_stops_before_more_than_fits_is_sent():
    """What was admitted stands; the batch that would exceed is not counted as sent."""
    plan = PlanLimit(USAGE, "fail")
    plan.admit(6)
    with pytest.raises(RunStopped, match=r"90 of 100 .* 12 or more .* 6 of them were sent before"):
        plan.admit(6)
    assert plan.needed == 6


@pytest.mark.parametrize(("usage", "action"), [(None, "fail"), (USAGE, "ignore")])
def test_an_unknown_or_ignored_plan_stops_nobody(usage, action):
    """No scope for it, or not wanted."""
    assert PlanLimit(usage, action).admit(1_000_000) is None


def members(bench, list_id="LIST01"):
    return sorted(bench.klaviyo.members(list_id))


def test_the_plan_warns_once_and_sends(bench):
    """Used, plan and needed in the message."""
    run = bench(usage=SimpleNamespace(used=9, maximum=10))
    for number in range(12):
        run.read(f"p{number}")
    assert run.finish()
    (warning,) = run.warnings
    assert "9 of 10" in warning
    assert len(members(run)) == 12


def test_the_plan_stops_before_more_is_sent_than_fits(bench):
    """`on_plan_limit: fail`."""
    run = bench(usage=SimpleNamespace(used=4, maximum=10), plan="fail")
    with pytest.raises(RunStopped, match="4 of 10"):
        for number in range(12):
            run.read(f"p{number}")
    run.break_off()
    assert len(members(run)) == 4
    assert run.lane().tally.balanced
