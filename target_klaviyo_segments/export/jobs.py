"""Open import jobs, watched together by one thread, until each has ended and its errors are read."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.errors import NotFound
from target_klaviyo_segments.export.events import Event, JobEnded, JobLost, JobPeople, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.klaviyo.protocol import JobStatus, RowError

# The listing has 150 requests a minute: 40 as fast as they are of use, then one in 0.55 s.
# https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_jobs
SECONDS_PER_REQUEST = 60 / 109
BURST_REQUESTS = 40
# The first look at a job when everybody waits for it, and when there are rows to be read meanwhile. The errors of jobs
# have the quota of the jobs themselves: those that are read late, many at once, keep the end of the run waiting.
FIRST_SWEEP_SECONDS = 0.02
PATIENT_SWEEP_SECONDS = 0.2
SLOWEST_SWEEP_SECONDS = 5.0
_SWEEP_GROWTH = 1.5
# How soon a sleeping watch sees that somebody waits, and the part of its sleep that this is at most.
_SLICE_SECONDS = 0.05
_SLICES = 20
_PAGE = 100
_SPARE_PAGES = 3  # other integrations' jobs stand in the listing too


class JobReader(Protocol):
    """What the watch asks Klaviyo."""

    def import_jobs(self) -> Iterator[Iterable[JobStatus]]:
        """Pages of the account's jobs, newest first."""
        ...

    def import_job(self, job_id: str) -> JobStatus:
        """One job."""
        ...

    def import_errors(self, job_id: str) -> Iterator[RowError]:
        """Import errors of all pages."""
        ...

    def job_emails(self, job_id: str) -> Iterator[str]:
        """E-mails of the profiles that a job brought in."""
        ...


class JobWatch:
    """Reports each job once: ended with its errors, or lost.

    `awaited` is set while nothing can go on before a job ends: only then looks may use up the quota's burst.
    """

    def __init__(
        self, reader: JobReader, *, clock: Clock, post: Callable[[Event], None], job_timeout_seconds: float
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._post = post
        self._timeout = job_timeout_seconds
        self._inbox: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._open: dict[str, float] = {}
        self.awaited = False
        self._was_awaited = False
        self._delay = PATIENT_SWEEP_SECONDS
        self._paid = float("-inf")  # until when requests so far would have come evenly
        self._thread = threading.Thread(target=guarded, args=(self._run, post), name="job-watch", daemon=True)
        self._thread.start()

    def watch(self, job_id: str) -> None:
        """Report this job when it ends."""
        self._inbox.put(("watch", job_id))

    def ask_people(self, job_id: str) -> None:
        """Report who an ended job brought in."""
        self._inbox.put(("people", job_id))

    def stop(self) -> None:
        """End the thread, after the request that it is in."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        while self._take_in():
            self._pause()
            if not self._take_in():  # who came meanwhile may have ended too
                return
            self._sweep()

    def _pause(self) -> None:
        """Sleep until the next look: as long as a growing delay says, shortened as soon as somebody waits."""
        now = self._clock.now()
        until = now + self._delay
        while now < until:
            if self.awaited and not self._was_awaited:
                self._delay = max(FIRST_SWEEP_SECONDS, self._owed(now))
                until = min(until, now + self._delay)
            self._was_awaited = self.awaited
            before, step = now, min(max(_SLICE_SECONDS, self._delay / _SLICES), until - now)
            self._clock.sleep(step)
            now = self._clock.now()
            if now < before + step / 2:  # woken: the run ends
                return

    def _take_in(self) -> bool:
        """Empty the inbox, waiting for something while no job is open; False when the watch is to end."""
        while not self._open or not self._inbox.empty():
            message = self._inbox.get()
            if message is None:
                return False
            kind, job_id = message
            if kind == "people":
                self._people(job_id)
                continue
            if not self._open:
                self._delay = self._first_delay()
            self._open[job_id] = self._clock.now() + self._timeout
        return True

    def _sweep(self) -> None:
        seen, pages = self._listing()
        before = len(self._open)
        for job_id in list(self._open):
            status = seen.get(job_id) or self._one(job_id)
            if status is not None and status.ended:
                self._ended(status)
            elif status is not None and self._clock.now() > self._open[job_id]:
                self._lost(job_id, f"it is still {status.status} after {self._timeout:.0f} s (`job_timeout_seconds`)")
        changed = len(self._open) < before
        grown = self._first_delay() if changed else min(self._delay * _SWEEP_GROWTH, SLOWEST_SWEEP_SECONDS)
        now = self._clock.now()
        self._paid = max(self._paid, now - BURST_REQUESTS * SECONDS_PER_REQUEST) + pages * SECONDS_PER_REQUEST
        self._delay = max(grown, self._owed(now))

    def _first_delay(self) -> float:
        return FIRST_SWEEP_SECONDS if self.awaited else PATIENT_SWEEP_SECONDS

    def _owed(self, now: float) -> float:
        """Seconds until the listing's quota, which jobs that end fast may use up for a while, has room again."""
        return max(self._paid - now, 0.0)

    def _listing(self) -> tuple[dict[str, JobStatus], int]:
        """Open jobs as the listing shows them; it ends as soon as all are seen."""
        seen: dict[str, JobStatus] = {}
        pages = 0
        for page in self._reader.import_jobs():
            pages += 1
            seen |= {job.id: job for job in page if job.id in self._open}
            if len(seen) == len(self._open) or pages > len(self._open) // _PAGE + _SPARE_PAGES:
                break
        return seen, pages

    def _one(self, job_id: str) -> JobStatus | None:
        try:
            return self._reader.import_job(job_id)
        except NotFound:
            self._lost(job_id, "Klaviyo does not know it any more")
            return None

    def _ended(self, status: JobStatus) -> None:
        try:
            errors = tuple(self._reader.import_errors(status.id))
        except NotFound:
            self._lost(status.id, "its import errors are gone")
            return
        del self._open[status.id]
        self._post(JobEnded(status, errors))

    def _lost(self, job_id: str, reason: str) -> None:
        del self._open[job_id]
        self._post(JobLost(job_id, reason))

    def _people(self, job_id: str) -> None:
        try:
            emails = frozenset(email.strip().lower() for email in self._reader.job_emails(job_id))
        except NotFound:
            self._post(JobLost(job_id, "the people that it brought in cannot be read"))
        else:
            self._post(JobPeople(job_id, emails))
