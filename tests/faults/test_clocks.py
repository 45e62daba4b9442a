"""Clocks that go wrong: ours, and Klaviyo's."""

from __future__ import annotations

import time

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
