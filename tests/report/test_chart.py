"""The chart of jobs against the quota."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.report.chart import allowed, chart_of
from target_klaviyo_segments.report.words import duration, share

QUOTA = [{"jobs": 10, "seconds": 1}, {"jobs": 150, "seconds": 60}]
STARTED = "2026-11-25T14:00:00+00:00"


def report(submitted, ended=None, step=1.0, exports=()):
    pace = {"began_at": STARTED, "step_seconds": step, "submitted": submitted, "ended": ended or submitted}
    return {"pace": pace | {"quota": QUOTA}, "streams": {"people": {"exports": list(exports)}}}


@pytest.mark.parametrize(
    ("seconds", "jobs"), [(0.0, 0), (0.5, 10), (1.0, 10), (14.5, 150), (60.0, 150), (60.5, 160), (120.0, 300)]
)
def test_the_quota_is_a_burst_inside_of_each_minute(seconds, jobs):
    """10 a second until the 150 of the minute are used up."""
    assert allowed(QUOTA, seconds) == jobs


def test_a_run_as_fast_as_allowed_is_told_so():
    """Ten jobs in each of five seconds are all that may be sent."""
    assert chart_of(report([10] * 5)).quota_used == 100


def test_no_jobs_no_chart():
    """Nothing is drawn of nothing."""
    assert chart_of(report([0])) is None
    assert chart_of({"pace": None, "streams": {}}) is None


def test_an_export_stands_where_its_time_was():
    """From a quarter of the run to its half."""
    times = {"began_at": "2026-11-25T14:00:01+00:00", "ended_at": "2026-11-25T14:00:02+00:00"}
    chart = chart_of(report([1, 1, 1, 1], exports=[{"number": 1, "profiles": 5, **times}]))
    assert [(bar.label, bar.left, bar.width) for bar in chart.bars] == [("people", 25, 25)]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=120), st.floats(0.1, 90_000))
@settings(max_examples=60)
def test_any_run_stays_on_the_plot(steps, step):
    """Lines begin at nothing, never fall, and stay within the axes; ended jobs never stand above those sent."""
    submitted = [sent for sent, _ in steps]
    ended = [min(sent, done) for sent, done in steps]
    chart = chart_of(report(submitted, ended, step))
    if not sum(submitted):
        assert chart is None
        return
    for line in (chart.submitted, chart.ended, chart.quota):
        points = [tuple(map(float, point.split(","))) for point in line.split()]
        assert points[0] == (0.0, 100.0)
        assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in points)
        assert all(a[0] <= b[0] and a[1] >= b[1] for a, b in itertools.pairwise(points))
    assert 0 < chart.quota_used <= 100
    assert len(chart.x_ticks) <= 6


@given(st.integers(0, 10**7), st.integers(0, 10**7))
@settings(max_examples=60)
def test_a_share_is_never_rounded_to_nothing_nor_to_all(part, whole):
    """0% and 100% are said only when they are true."""
    told = share(min(part, whole), whole)
    assert (told == "0%") == (not part or not whole)
    assert (told == "100%") == (0 < whole <= part)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "unknown"), (0.123, "0.12 s"), (34.2, "34.2 s"), (59.97, "1 min"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_durations(seconds, told):
    """As people say them."""
    assert duration(seconds) == told
