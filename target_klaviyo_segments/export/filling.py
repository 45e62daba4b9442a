"""Rows into batches: whom Klaviyo has already is left out, who is in an open job waits, the rest fills and goes."""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.errors import RunStopped
from target_klaviyo_segments.export.lane import kept
from target_klaviyo_segments.export.order import Orders
from target_klaviyo_segments.segment.batch import Batcher, Place, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_klaviyo_segments.export.checkpoint import Checkpoint
    from target_klaviyo_segments.export.crowd import Crowd
    from target_klaviyo_segments.export.keeper import Keeper
    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.limits import Limits
    from target_klaviyo_segments.segment.batch import Batch, Columns


# Half-filled batches of all streams together; beyond it the fullest goes out early.
MAX_BUFFERED_BATCHES = 3
# So many times as much with the records and the rows that wait, which are few where profiles are much of a record.
RECORDS_TOO = 3


class Outlet(Protocol):
    """Where full batches go."""

    @property
    def people(self) -> Crowd:
        """Who is in a job that has not ended."""
        ...

    def send(self, lane: Lane, batch: Batch) -> None:
        """Take a batch; waits while too much is under way."""
        ...

    def wait_for_people(self, people: Iterable[str]) -> None:
        """Wait until none of these is in a job that has not ended."""
        ...


class Filler:
    """Every method raises `TargetError` when the run cannot go on, or reached a limit of the settings."""

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        outlet: Outlet,
        *,
        limits: Limits,
        keeper: Keeper,
        checkpoint: Checkpoint,
    ) -> None:
        self._lanes = lanes
        self._outlet = outlet
        self._limits = limits
        self._keeper = keeper
        self._checkpoint = checkpoint
        self.orders = Orders(lanes)

    def add(self, lane: Lane, row: Row, sequence: int) -> None:
        """Take one row, the `sequence`-th of the run."""
        self.orders.add(lane, (row.email,))
        with self.orders.moving(lane, lambda: (row.email,)), kept(lane, lambda: [row]):
            self._place(lane, lane.first, row, sequence)

    def add_many(self, lane: Lane, rows: Columns, sequence: int) -> None:
        """Take rows, the first of them the `sequence`-th of the run; as `add`, at a tenth of its cost."""
        self.orders.add(lane, rows.emails)
        self._pour(lane, lane.first, rows, sequence, step=1)

    def send_full(self, lane: Lane) -> None:
        """Send what is full already, so that a tap that falls silent holds nothing up.

        Not the last batch of an export: whether there is another export only the next row tells.
        """
        if lane.sieve is not None and lane.sieve.full:
            self.screen(lane)
        if lane.filling.full and lane.export.profiles + lane.rows_a_job < self._limits.profiles_per_export:
            self.seal(lane)

    def bound(self) -> None:
        """Send the fullest half-filled batches of all streams early, where they are too much together."""
        most = MAX_BUFFERED_BATCHES * self._limits.batch_bytes
        for size, limit in ((attrgetter("buffered_bytes"), most), (attrgetter("held_bytes"), RECORDS_TOO * most)):
            while sum(map(size, self._lanes.values())) > limit:
                fullest = max(self._lanes.values(), key=size)
                for send in (self.screen, self.seal) if fullest.buffered_bytes else (self.send_later,):
                    send(fullest)

    def seal(self, lane: Lane) -> None:
        """Send the batch that is being filled, but for people who are in a job that has not ended, or wait for one."""
        batch = lane.filling.take()
        if batch is None:
            return
        lane.export.profiles += len(batch)
        lane.filling.rows_max = self.rows_left(lane)
        busy = self._busy(lane, batch)
        if busy:
            batch, rows = batch.split(busy)
            waiting = deque(rows)
            moving = self.orders.moving(lane, lambda: [row.email for row in waiting])
            with moving, kept(lane, lambda: [*waiting, *batch.rows()]):
                self._hold_back(lane, waiting, batch.first_sequence)
        self._send(lane, batch)
        self._checkpoint.release(lane.name)

    def send_later(self, lane: Lane) -> None:
        """Send those who waited, when they need not any more, and before them what other lanes have of them."""
        if lane.later.open is not None:
            self._send_older(lane, lane.later.open)
        batch = lane.later.take()
        if batch is not None:
            self._send_when_free(lane, batch)
            self._checkpoint.release((lane.name, "later"))

    def _send_older(self, lane: Lane, batch: Batch) -> None:
        """What other lanes have of these people that is older, the oldest first."""
        while behind := self.orders.behind(lane, batch.positions.keys()):
            for name, people in behind.items():
                self._send_these(self._lanes[name], people)

    def _send_these(self, lane: Lane, people: set[str]) -> None:
        """What the lane's batches have of these people, and nothing else."""
        sequence, rows = self._taken_out(lane, people)
        these = Batcher(rows_max=lane.rows_a_job, bytes_max=self._limits.batch_bytes)
        these.join = lane.filling.join
        with kept(lane, lambda: rows):
            while rows:
                place = these.offer(rows[0], sequence)
                if place is Place.FULL and these.open is not None:
                    self._send_when_free(lane, these.open)
                    these.open = None
                    continue
                if place is Place.REPLACED:
                    lane.tally.merged += 1
                    lane.export.profiles -= 1
                rows.popleft()
        if these.open is not None:
            self._send_when_free(lane, these.open)

    def _taken_out(self, lane: Lane, people: set[str]) -> tuple[int, deque[Row]]:
        """Their rows, the oldest first, which count as sealed; and the place in the run of one that is no later."""
        sequences, rows = [], deque[Row]()
        for batcher in filter(None, (lane.later, lane.filling, lane.sieve)):
            if batcher.open is not None:
                sequences.append(batcher.open.first_sequence)
                batcher.open, taken = batcher.open.split(people)  # which goes on without them, be it empty
                lane.export.profiles += len(taken) if batcher is not lane.later else 0
                rows.extend(taken)
        lane.filling.rows_max = self.rows_left(lane)
        return min(sequences), rows

    def _send_when_free(self, lane: Lane, batch: Batch) -> None:
        with kept(lane, batch.rows):
            self._outlet.wait_for_people(batch.positions)
        self._send(lane, batch)

    def screen(self, lane: Lane) -> None:
        """Leave out whom Klaviyo has as they are; the others go on."""
        batch = lane.sieve.take() if lane.sieve is not None else None
        if batch is None:
            return
        with kept(lane, batch.rows):
            found = self._keeper.unchanged(lane, batch)
        same = found - self._busy(lane, batch) - {email for email in found if lane.filling.holds(email)}
        lane.tally.unchanged += len(same)
        self.orders.gone(lane, same)
        rest = batch.without(same) if same else batch
        self._pour(lane, lane.filling, rest.columns, batch.first_sequence, step=0)
        self._checkpoint.release((lane.name, "sieve"))

    def rows_left(self, lane: Lane) -> int:
        """Rows that the next batch may hold."""
        return min(lane.rows_a_job, self._limits.profiles_per_export - lane.export.profiles)

    def _pour(self, lane: Lane, batcher: Batcher, rows: Columns, sequence: int, *, step: int) -> None:
        """Many rows at once where they fit as they are, one by one where not."""
        at, count = 0, len(rows.numbers)
        with self.orders.moving(lane, lambda: rows.emails[at:]), kept(lane, lambda: rows.part(at).rows()):
            while at < count:
                fit = min(batcher.rows_left, count - at)
                if fit and batcher.extend(rows.part(at, at + fit)):
                    at += fit
                    continue
                for row in rows.part(at, at + max(fit, 1)).rows():
                    self._place(lane, batcher, row, sequence + at * step)
                    at += 1

    def _place(self, lane: Lane, batcher: Batcher, row: Row, sequence: int) -> None:
        place = batcher.offer(row, sequence)
        if place is Place.OPENED:
            self._checkpoint.hold(lane.name if batcher is lane.filling else (lane.name, "sieve"), sequence)
        elif place is Place.REPLACED:
            lane.tally.merged += 1
        elif place is Place.FULL:
            if batcher is lane.sieve:
                self.screen(lane)
            else:
                self._make_room(lane)
            self._place(lane, batcher, row, sequence)

    def _make_room(self, lane: Lane) -> None:
        """The open batch is full, or the export is."""
        self.seal(lane)
        lane.filling.rows_max = self.rows_left(lane)  # rows that wait may have taken each other's place
        if lane.export.profiles < self._limits.profiles_per_export:
            return
        if not self._limits.split_exports:
            raise RunStopped(
                f"stream `{lane.name}`: more than {self._limits.profiles_per_export} profiles "
                "(`max_profiles_per_export`), and `on_export_limit` is fail. Raise the limit, or set it to split"
            )
        self.send_later(lane)
        lane.export.closed = True
        lane.filling.rows_max = self.rows_left(lane)

    def _send(self, lane: Lane, batch: Batch) -> None:
        if len(batch):
            with kept(lane, batch.rows):
                self._outlet.send(lane, batch)
            self.orders.gone(lane, batch.positions)

    def _busy(self, lane: Lane, batch: Batch) -> set[str]:
        """Who of a batch is in an open job, or waits for one, or for what another lane has of them."""
        people, ahead = self._outlet.people, self.orders.ahead(lane, batch.positions.keys())
        if lane.later.open is None and people.isdisjoint(batch.positions):
            return ahead
        return ahead | {email for email in batch.positions if email in people or lane.later.holds(email)}

    def _hold_back(self, lane: Lane, rows: deque[Row], sequence: int) -> None:
        """Let rows wait; those that are left here do not yet."""
        while rows:
            row = rows[0]
            place = lane.later.offer(row, sequence)
            if place is Place.FULL:
                self.send_later(lane)
                place = lane.later.offer(row, sequence)
            if place is Place.OPENED:
                self._checkpoint.hold((lane.name, "later"), sequence)
            elif place is Place.REPLACED:
                lane.tally.merged += 1
                lane.export.profiles -= 1
            rows.popleft()
