"""Clocks that go wrong: ours, and Klaviyo's."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from pipeline import Pipeline

from target_klaviyo_segments.clock import SystemClock
from target_klaviyo_segments.sandbox.app import Response
from tests.faults.runs import HastyClock, expected, run_inside, segment

HOUR = 3600


class SteppedClock(HastyClock):
    """Set back or forth by so much, once, in the middle of a run."""

    def __init__(self, step, after_readings):
        super().__init__()
        self._step = step
        self._readings_left = after_readings

    def now(self):
        self._readings_left -= 1
        return super().now() + (self._step if self._readings_left < 0 else 0)


@pytest.mark.parametrize("readings", [3, 10, 20, 40])
@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forth"])
def test_clock_set_in_the_middle(hasty, open_network, tmp_path, step, readings):
    """The run ends, soon, and what it says is true."""
    network = open_network(hasty)
    clock = SteppedClock(step, readings)
    outcome = run_inside(segment(), network.url, tmp_path, hasty, clock=clock)
    outcome.assert_sound()
    assert outcome.seconds < 10


class SetClock(Pipeline):
    """A machine whose clock is set back or forth by so much, once a run is under way; its report and its log."""

    step = 0

    @property
    def wires(self):
        began = self.clock.now()
        wall = lambda: self.clock.now() + (self.step if self.clock.now() > began + 1 else 0)  # noqa: E731  # a clock
        return replace(super().wires, wall=wall)


@pytest.mark.parametrize("step", [-2 * HOUR, 2 * HOUR], ids=["back", "forth"])
def test_wall_clock_set_in_the_middle(tmp_path, caplog, step):
    """An export takes as long as it takes, and the page shows no quota that hours would have let through."""
    caplog.set_level("INFO")
    pipeline = SetClock(tmp_path, job_seconds=5.0, limits=False)
    pipeline.step = step
    assert pipeline.run(segment(), batch_size_rows=10), pipeline.error
    (over,) = [line for line in caplog.messages if " is over: " in line]
    assert 4 <= int(re.search(r" in (-?\d+) s$", over)[1]) <= 20
    report = pipeline.report
    assert report["started_at"] <= report["ended_at"]
    (export,) = report["streams"]["people"]["exports"]
    assert export["began_at"] < export["ended_at"]
    page = (pipeline.work_dir / "report.html").read_text()
    assert " h<" not in page
    assert ("import jobs sent; when is not known" in page) == (step > 0)


def test_wall_clock_not_consulted():
    """Waits and time-outs go by a clock that nobody can set."""
    before = time.monotonic()
    now = SystemClock().now()
    assert before <= now <= time.monotonic()


def test_klaviyos_clock_goes_backwards(tmp_path):
    """Rate windows and jobs by a server's clock that was set back by an hour."""
    pipeline = Pipeline(tmp_path)
    pipeline.sandbox._now = lambda: pipeline.clock.now() - (HOUR if len(pipeline.sandbox.requests) > 5 else 0)
    pipeline.run(segment(), batch_size_rows=10, job_timeout_seconds=60)
    pipeline.assert_balanced()
    if pipeline.error is None:
        assert set(pipeline.members()) == expected(segment())


@pytest.mark.parametrize("day", ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "no day at all"])
def test_dates_of_another_time(tmp_path, day):
    """Dates in headers are held against each other, never against this machine's."""
    pipeline = Pipeline(tmp_path)
    refused = []

    def once(request):
        if request.method != "POST" or refused:
            return None
        refused.append(request)
        return Response(429, {"date": day, "retry-after": day})

    pipeline.sandbox.interceptors.append(once)
    assert pipeline.run(segment(), batch_size_rows=10), pipeline.error
    assert set(pipeline.members()) == expected(segment())
