"""Who looks at open jobs: one watch for imports, and one for each kind of suppression once it has a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.export.jobs import JobWatch
from target_klaviyo_segments.export.suppression import AsImports

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.export.events import Event
    from target_klaviyo_segments.export.jobs import JobReader
    from target_klaviyo_segments.export.lane import Lane


class Watches:
    """Each kind has a listing and a quota of its own, so it has a thread of its own. Used by the main thread."""

    def __init__(
        self, imports: JobReader, *, clock: Clock, post: Callable[[Event], None], job_timeout_seconds: float
    ) -> None:
        self._clock = clock
        self._post = post
        self._timeout = job_timeout_seconds
        self._imports = self._new(imports)
        self._others: dict[str, JobWatch] = {}
        self._awaited = False

    def watch(self, lane: Lane, job_id: str) -> None:
        """Report a job of this lane when it ends."""
        self._of(lane).watch(job_id)

    def ask_people(self, job_id: str) -> None:
        """Report who an ended import brought in."""
        self._imports.ask_people(job_id)

    def await_jobs(self, *, awaited: bool) -> None:
        """Say whether nothing can go on before a job ends."""
        self._awaited = awaited
        for watch in (self._imports, *self._others.values()):
            watch.awaited = awaited

    def stop(self) -> None:
        """End the threads, each after the request that it is in."""
        for watch in (self._imports, *self._others.values()):
            watch.stop()

    def _of(self, lane: Lane) -> JobWatch:
        asked = lane.suppression
        if asked is None:
            return self._imports
        if asked.mode not in self._others:
            self._others[asked.mode] = self._new(AsImports(asked.jobs))
            self._others[asked.mode].awaited = self._awaited
        return self._others[asked.mode]

    def _new(self, reader: JobReader) -> JobWatch:
        return JobWatch(reader, clock=self._clock, post=self._post, job_timeout_seconds=self._timeout)
