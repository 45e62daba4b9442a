"""One run: rows into batches, batches into jobs, jobs back into fates, and STATE behind them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import RunStopped
from target_klaviyo_segments.export.checkpoint import Checkpoint
from target_klaviyo_segments.export.dispatch import Dispatch, Klaviyo
from target_klaviyo_segments.export.lane import Lane
from target_klaviyo_segments.export.settling import Books
from target_klaviyo_segments.segment.batch import Batcher, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.errors import Rejection
    from target_klaviyo_segments.export.plan import PlanLimit
    from target_klaviyo_segments.export.rejects import Rejects
    from target_klaviyo_segments.segment.batch import Batch, Record, Row

# Half-filled batches of all streams together; beyond it the fullest goes out early.
MAX_BUFFERED_BATCHES = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of an export; `batch_bytes` counts payloads and commas."""

    batch_rows: int
    batch_bytes: int
    max_in_flight: int
    profiles_per_export: int
    split_exports: bool
    job_timeout_seconds: float
    max_rejected_percent: int


class Exporter:
    """`lane` and `add` while rows come, `settle` now and then, `finish` at the end or `break_off` before it."""

    def __init__(
        self,
        klaviyo: Klaviyo,
        *,
        clock: Clock,
        limits: Limits,
        plan: PlanLimit,
        rejects: Rejects,
        emit_state: Callable[[Any], None],
        warn: Callable[[str], None],
    ) -> None:
        self._limits = limits
        self._plan = plan
        self._rejects = rejects
        self._emit_state = emit_state
        self._warn = warn
        self._checkpoint = Checkpoint()
        self._books = Books(rejects, self._checkpoint)
        self._dispatch = Dispatch(
            klaviyo,
            clock=clock,
            books=self._books,
            max_in_flight=limits.max_in_flight,
            job_timeout_seconds=limits.job_timeout_seconds,
        )
        self.lanes: dict[str, Lane] = {}
        self.sequence = 0  # rows read so far, of all streams

    @property
    def incomplete(self) -> list[str]:
        """Why rows were not delivered although the run went on."""
        return self._books.incomplete

    def lane(self, stream: str, list_id: str) -> Lane:
        """The way of a stream to its list; the same one again when the stream's schema changes."""
        if stream not in self.lanes:
            new = partial(Batcher, rows_max=self._limits.batch_rows, bytes_max=self._limits.batch_bytes)
            lane = self.lanes[stream] = Lane(stream, list_id, filling=new(), later=new())
            lane.filling.rows_max = self._rows_left(lane)
        return self.lanes[stream]

    def add(self, lane: Lane, number: int, email: str, payload: bytes, record: Record) -> None:
        """Take a row that passed the checks; `record` is its line of JSON. Waits while too much is under way.

        Raises:
            TargetError: The run cannot go on, or reached a limit of the settings.
        """
        place = lane.filling.offer(number, email, payload, record, self.sequence)
        if place is Place.OPENED:
            self._checkpoint.hold(lane.stream, self.sequence)
        elif place is Place.REPLACED:
            lane.tally.merged += 1
        elif place is Place.FULL:
            self._make_room(lane)
            self.add(lane, number, email, payload, record)

    def add_many(self, lane: Lane, emails: Sequence[str], payloads: Sequence[bytes], records: Sequence[Record]) -> None:
        """Read and take rows that follow each other and passed the checks; as `add`, at a tenth of its cost.

        Raises:
            TargetError: The run cannot go on, or reached a limit of the settings.
        """
        at, count = 0, len(emails)
        while at < count:
            step = min(lane.filling.rows_left, count - at)
            part = slice(at, at + step)
            if step and lane.filling.extend(lane.tally.read + 1, emails[part], payloads[part], records[part]):
                lane.tally.read += step
                self.sequence += step
                at += step
                continue
            for row in range(at, at + max(step, 1)):
                lane.tally.read += 1
                self.sequence += 1
                self.add(lane, lane.tally.read, emails[row], payloads[row], records[row])
            at += max(step, 1)

    def reject(self, lane: Lane, number: int, rejection: Rejection, record: bytes) -> None:
        """Refuse a row that did not pass the checks.

        Raises:
            WorkDirError: The rejects file cannot be written.
        """
        self._books.reject_unsent(lane, number, rejection, record)

    def state(self, value: Any) -> None:  # noqa: ANN401  # a STATE's value is whatever the tap says
        """Take a STATE; it goes out when everything read before it has its fate.

        Raises:
            TargetError: The run cannot go on.
        """
        self._checkpoint.state(value, self.sequence)
        self.settle()

    def settle(self) -> None:
        """Book what has come back and let STATE out; to be called now and then.

        Raises:
            TargetError: The run cannot go on.
        """
        self._dispatch.book_what_came()
        self._let_state_out()
        self._bound_buffers()

    def interrupt(self) -> None:
        """End a wait of the main thread; for a signal handler."""
        self._dispatch.interrupt()

    def finish(self) -> None:
        """The input has ended: send the rest and wait until every row has its fate.

        Raises:
            TargetError: The run cannot go on; `break_off` settles what can be.
        """
        for lane in self.lanes.values():
            self._seal(lane)
        for lane in self.lanes.values():
            self._ship_later(lane)
        self._dispatch.wait_for_all()
        self._let_state_out()
        self._dispatch.close()

    def break_off(self) -> None:
        """The run ends early: what is under way is waited for, within a limit; what has no fate then has failed."""
        self._dispatch.break_off()
        for lane in self.lanes.values():
            batch = lane.filling.take()
            lane.export.profiles += len(batch) if batch is not None else 0
        self._books.fail_the_rest(self.lanes.values())
        self._let_state_out()

    def _bound_buffers(self) -> None:
        """Half-filled batches of all streams together: beyond the bound the fullest go out early."""
        most = MAX_BUFFERED_BATCHES * self._limits.batch_bytes
        while sum(lane.filling.payload_bytes for lane in self.lanes.values()) > most:
            self._seal(max(self.lanes.values(), key=lambda lane: lane.filling.payload_bytes))

    def _make_room(self, lane: Lane) -> None:
        """The open batch is full, or the export is."""
        self._seal(lane)
        if lane.export.profiles < self._limits.profiles_per_export:
            return
        if not self._limits.split_exports:
            raise RunStopped(
                f"stream `{lane.stream}`: more than {self._limits.profiles_per_export} profiles "
                "(`max_profiles_per_export`), and `on_export_limit` is fail. Raise the limit, or set it to split"
            )
        self._ship_later(lane)
        lane.export.closed = True
        lane.filling.rows_max = self._rows_left(lane)

    def _rows_left(self, lane: Lane) -> int:
        return min(self._limits.batch_rows, self._limits.profiles_per_export - lane.export.profiles)

    def _seal(self, lane: Lane) -> None:
        """Send the batch that is being filled, but for people who are in a job that has not ended."""
        batch = lane.filling.take()
        if batch is None:
            return
        lane.export.profiles += len(batch)
        lane.filling.rows_max = self._rows_left(lane)
        busy = self._busy(lane, batch)
        if busy:
            batch, waiting = batch.split(busy)
            self._hold_back(lane, waiting, batch.first_sequence)
        self._ship(lane, batch)
        self._checkpoint.release(lane.stream)

    def _busy(self, lane: Lane, batch: Batch) -> set[str]:
        """Who of a batch is in an open job, or waits for one."""
        people = self._books.people
        if lane.later.open is None and people.isdisjoint(batch.positions):
            return set()
        return {email for email in batch.positions if email in people or lane.later.holds(email)}

    def _hold_back(self, lane: Lane, rows: Sequence[Row], first_sequence: int) -> None:
        for row in rows:
            place = lane.later.offer(*row, first_sequence)
            if place is Place.FULL:
                self._ship_later(lane)
                place = lane.later.offer(*row, first_sequence)
            if place is Place.OPENED:
                self._checkpoint.hold((lane.stream, "later"), first_sequence)
            elif place is Place.REPLACED:
                lane.tally.merged += 1
                lane.export.profiles -= 1

    def _ship_later(self, lane: Lane) -> None:
        batch = lane.later.take()
        if batch is None:
            return
        self._dispatch.wait_for_people(batch.positions)
        self._ship(lane, batch)
        self._checkpoint.release((lane.stream, "later"))

    def _ship(self, lane: Lane, batch: Batch) -> None:
        if not len(batch):
            return
        warning = self._plan.admit(len(batch))
        if warning is not None:
            self._warn(warning)
        self._dispatch.ship(lane, batch)

    def _let_state_out(self) -> None:
        if any(lane.tally.too_many_rejected(self._limits.max_rejected_percent) for lane in self.lanes.values()):
            return
        state = self._checkpoint.ready()
        if state is not None:
            self._rejects.flush()
            self._emit_state(state[0])
