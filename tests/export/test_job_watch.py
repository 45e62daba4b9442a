"""When open jobs are looked at: at once where everybody waits for them, seldom else, and never beyond the quota."""

from __future__ import annotations

import queue
import threading

import pytest

from target_klaviyo_segments.export.events import JobEnded
from target_klaviyo_segments.export.jobs import JobWatch
from target_klaviyo_segments.klaviyo.protocol import JobStatus


class SteppedClock:
    """Time that a sleeper moves on, and only up to `end`: there it sleeps until it is woken."""

    def __init__(self, end):
        self.end, self.time = end, 0.0
        self.at_end, self.woken = threading.Event(), threading.Event()

    def now(self):
        return self.time

    def sleep(self, seconds):
        if self.time + seconds > self.end:
            self.at_end.set()
            self.woken.wait(10)
        elif not self.woken.is_set():
            self.time += seconds

    def wake(self):
        self.woken.set()


class Jobs:
    """Jobs that end at their times, and when they were looked at."""

    def __init__(self, clock, ends):
        self.clock, self.ends, self.looks = clock, ends, []

    def import_jobs(self):
        self.looks.append(self.clock.now())
        yield [self.import_job(name) for name in self.ends]

    def import_job(self, name):
        ended = self.clock.now() >= self.ends[name]
        return JobStatus(
            name,
            "complete" if ended else "processing",
            ended,
            total=1,
            completed=1,
            failed=0,
            created_at=None,
        )

    def import_errors(self, _name):
        return iter(())


def watched(ends, *, until, awaited):
    """Watch the jobs to a moment; when each was reported, and all looks."""
    clock = SteppedClock(until)
    jobs, reported = Jobs(clock, ends), {}
    inbox = queue.SimpleQueue()

    def post(event):
        inbox.put(event)
        if isinstance(event, JobEnded):
            reported[event.status.id] = clock.now()
            if len(reported) == len(ends):
                clock.at_end.set()

    watch = JobWatch(jobs, clock=clock, post=post, job_timeout_seconds=3600)
    watch.awaited = awaited
    for name in ends:
        watch.watch(name)
    assert clock.at_end.wait(10)
    clock.wake()
    watch.stop()
    return reported, jobs.looks


@pytest.mark.parametrize("end", [0.0, 0.3, 5.0])
def test_a_job_that_everybody_waits_for_is_seen_soon(end):
    """The wait at the end of a run is the job's, and at most half as much again."""
    reported, _ = watched({"a": end}, until=60.0, awaited=True)
    assert end <= reported["a"] <= end * 1.5 + 0.05


def test_while_rows_come_the_quota_is_saved():
    """A run that reads looks soon while the quota has room, and then no more often than it allows for ever."""
    _, looks = watched({f"job-{n}": n * 0.05 for n in range(2_000)}, until=110.0, awaited=False)
    assert sum(look < 10 for look in looks) == pytest.approx(10 / 0.2, abs=2)
    assert sum(40 <= look < 100 for look in looks) <= 60 / 0.55 + 1


@pytest.mark.parametrize("awaited", [True, False])
def test_looks_stay_within_the_quota(awaited):
    """150 in a minute, whatever happens: beyond it Klaviyo answers 429, and other integrations ask too."""
    ends = {f"job-{n}": n * 0.1 for n in range(1_200)}  # each look finds some that ended: the next would come at once
    _, looks = watched(ends | {"endless": 1e9}, until=120.0, awaited=awaited)
    assert max(sum(first <= look < first + 60 for look in looks) for first in looks) <= 150
