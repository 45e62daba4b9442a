"""What is under way: parcels go to workers, their answers come back to the books. Its threads do HTTP, no books."""

from __future__ import annotations

import queue
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.errors import RunStopped
from target_klaviyo_segments.export.events import guarded
from target_klaviyo_segments.export.jobs import JobReader
from target_klaviyo_segments.export.parcel import Parcel
from target_klaviyo_segments.export.shipping import Shipment
from target_klaviyo_segments.export.watches import Watches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.export import events
    from target_klaviyo_segments.export.keeper import Keeper
    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.settling import Books
    from target_klaviyo_segments.segment.batch import Batch

# Rows of a job are kept, compressed, until it ends: about 1.5 MB a job. At this many open parcels reading waits.
MAX_OPEN_PARCELS = 56
# Those of suppressions have 100 people: more of them, or the jobs' length and not the quota would be the brake.
MAX_OPEN_SMALL_PARCELS = 256
# How long a run that breaks off waits for what is under way.
BREAK_OFF_SECONDS = 60.0
# How often a waiting main thread looks whether it was interrupted.
_LOOK_UP_SECONDS = 0.5


class Klaviyo(JobReader, Protocol):
    """The client, as far as an export needs it."""

    def submit_import(self, list_id: str, payloads: Sequence[bytes]) -> str:
        """Submit profiles to a list; the job's id comes back."""
        ...


class Dispatch:
    """Sends parcels, at most `max_in_flight` at once, and books what is told of them."""

    def __init__(
        self,
        klaviyo: Klaviyo,
        *,
        clock: Clock,
        books: Books,
        keeper: Keeper,
        max_in_flight: int,
        job_timeout_seconds: float,
    ) -> None:
        self._klaviyo = klaviyo
        self._clock = clock
        self._books = books
        self._keeper = keeper
        self._max_in_flight = max_in_flight
        self._events: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(max_in_flight, thread_name_prefix="import")
        self._watches = Watches(klaviyo, clock=clock, post=self._events.put, job_timeout_seconds=job_timeout_seconds)
        self._sent = 0
        self._taken: defaultdict[str, Event] = defaultdict(Event)  # set once a job of the kind has begun
        self._interrupted = False
        self.on_look: Callable[[], None] = _nobody_looks
        books.watch = self._watches.watch
        books.ask_people = self._watches.ask_people

    def ship(self, lane: Lane, batch: Batch) -> None:
        """Give a batch to a worker, when one is free.

        Raises:
            TargetError: The run cannot go on.
        """
        self.book_what_came()
        while self._books.in_flight >= self._max_in_flight:
            self.wait()
        room = MAX_OPEN_PARCELS if lane.suppression is None else MAX_OPEN_SMALL_PARCELS
        self._wait_for_jobs(lambda: len(self._books.parcels) < room)
        self._sent += 1
        parcel = Parcel(self._sent, lane, lane.export, batch, intent=self._keeper.intend(lane, batch))
        self._books.send(parcel, batch.positions, batch.first_sequence)
        shipment = Shipment(self._submit_of(lane), parcel, self._events.put, self._taken[lane.kind_of_job])
        self._pool.submit(guarded, shipment.run, self._events.put)

    def _submit_of(self, lane: Lane) -> Callable[[Sequence[bytes]], str]:
        if lane.suppression is not None:
            return lane.suppression.jobs.begin
        return partial(self._klaviyo.submit_import, lane.list_id)

    def book_what_came(self) -> None:
        """Book all that has come back, without waiting.

        Raises:
            TargetError: The run cannot go on.
        """
        self.on_look()
        while not self._events.empty():
            self._books.book(self._events.get())
        if self._books.broken is not None:
            raise self._books.broken

    def wait(self) -> None:
        """Book the next thing that comes back.

        Raises:
            TargetError: The run cannot go on.
            RunStopped: `interrupt` was called.
        """
        self.check()
        with suppress(queue.Empty):
            self._books.book(self._events.get(timeout=_LOOK_UP_SECONDS))
        self.book_what_came()

    def wait_for_people(self, people: Iterable[str]) -> None:
        """Wait until none of these is in a job that has not ended.

        Raises:
            TargetError: The run cannot go on.
        """
        self._wait_for_jobs(lambda: self._books.people.isdisjoint(people))

    def wait_for_all(self) -> None:
        """Wait until every parcel is settled.

        Raises:
            TargetError: The run cannot go on.
        """
        self._wait_for_jobs(lambda: not self._books.parcels, meanwhile=self._keeper.catch_up)

    def _wait_for_jobs(self, over: Callable[[], bool], meanwhile: Callable[[], None] | None = None) -> None:
        """Wait until something is so that only jobs which end bring about; do something `meanwhile`."""
        try:
            while not over():
                self._watches.await_jobs(awaited=True)
                if meanwhile is not None and self._events.empty():
                    meanwhile()
                self.wait()
        finally:
            self._watches.await_jobs(awaited=False)

    def check(self) -> None:
        """Whether to go on.

        Raises:
            RunStopped: `interrupt` was called.
        """
        self.on_look()
        if self._interrupted:
            raise RunStopped("the run was interrupted")

    def interrupt(self) -> None:
        """End a wait of the main thread; for a signal handler."""
        self._interrupted = True

    def break_off(self) -> None:
        """Book what comes back within `BREAK_OFF_SECONDS`, then end.

        Raises:
            WorkDirError: Some of it cannot be written; it is ended all the same.
        """
        deadline = self._clock.now() + BREAK_OFF_SECONDS
        try:
            while self._books.awaits and not self._books.crashed and self._clock.now() < deadline:
                self.on_look()
                with suppress(queue.Empty):
                    self._books.book(self._events.get(timeout=_LOOK_UP_SECONDS))
        finally:
            self._clock.wake()
            self.close()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._watches.stop()


def _nobody_looks() -> None:
    """Until somebody wants to see how far the run is."""
