"""One run: rows into batches, batches into jobs, jobs back into fates, and STATE behind them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import ContractError
from target_klaviyo_segments.export.checkpoint import Checkpoint
from target_klaviyo_segments.export.dispatch import Dispatch, Klaviyo
from target_klaviyo_segments.export.filling import Filler
from target_klaviyo_segments.export.intake import Intake
from target_klaviyo_segments.export.lane import Lane, streams_that_lose
from target_klaviyo_segments.export.settling import Books
from target_klaviyo_segments.klaviyo.suppressing import PEOPLE_A_JOB
from target_klaviyo_segments.segment.batch import Batcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.export.caution import Caution
    from target_klaviyo_segments.export.crowd import Crowd
    from target_klaviyo_segments.export.departure import Departure
    from target_klaviyo_segments.export.errands import Errands
    from target_klaviyo_segments.export.keeper import Keeper
    from target_klaviyo_segments.export.limits import Limits
    from target_klaviyo_segments.export.rejects import Rejects
    from target_klaviyo_segments.export.suppression import Suppression
    from target_klaviyo_segments.segment.batch import Batch


class Exporter:
    """`lane` and `intake` while rows come, `settle` now and then, `finish` at the end or `break_off` before it."""

    def __init__(  # noqa: PLR0913  # all that a run has, by keyword
        self,
        klaviyo: Klaviyo,
        *,
        clock: Clock,
        limits: Limits,
        caution: Caution,
        rejects: Rejects,
        failed: Rejects,
        keeper: Keeper,
        departure: Departure,
        errands: Errands,
        emit_state: Callable[[Any], None],
        warn: Callable[[str], None],
    ) -> None:
        self._limits = limits
        self._caution = caution
        self._rejects = rejects
        self._emit_state = emit_state
        self._warn = warn
        self._departure = departure
        self._errands = errands
        self._checkpoint = Checkpoint()
        self._books = Books(rejects, failed, keeper, self._checkpoint)
        self._dispatch = Dispatch(
            klaviyo,
            clock=clock,
            books=self._books,
            keeper=keeper,
            max_in_flight=limits.max_in_flight,
            job_timeout_seconds=limits.job_timeout_seconds,
        )
        self.go_on = self._dispatch.check  # raises `RunStopped` once `interrupt` was called
        self.lanes: dict[str, Lane] = {}
        self._filler = Filler(self.lanes, self, limits=limits, keeper=keeper, checkpoint=self._checkpoint)
        self.intake = Intake(self._filler, departure, self._books, self._checkpoint)

    @property
    def incomplete(self) -> list[str]:
        """Why rows were not delivered although the run went on."""
        return self._books.incomplete

    @property
    def under_way(self) -> int:
        """Batches that are being sent, or are in a job that has not ended."""
        return len(self._books.parcels)

    @property
    def people(self) -> Crowd:
        """Who is in a job that has not ended."""
        return self._books.people

    def lane(
        self,
        stream: str,
        list_id: str,
        make_list: Callable[[], str] | None = None,
        *,
        value: str | None = None,
        suppression: Suppression | None = None,
    ) -> Lane:
        """The way of a stream, or of one segment of it, to its list; the same one again when the schema changes.

        A list that is still to be made has no ID; `make_list` makes it before the first row goes to it. Nor has a
        stream one whose people are to be suppressed.

        Raises:
            ContractError: Another stream has the name that the segment gets.
        """
        name = stream if value is None else f"{stream}/{value}"
        if name not in self.lanes:
            self.await_no_longer(stream)
            lane = self.lanes[name] = self._new_lane(name, stream, list_id, suppression)
            lane.filling.rows_max = self._filler.rows_left(lane)
            if len(self.lanes) > 1:
                self._filler.orders.begin()
            lane.make_list = make_list
            lane.watched = make_list is None and suppression is None and self._departure.watches(list_id)
            return lane
        if self.lanes[name].stream != stream:
            raise ContractError(f"two streams of the input have a segment of the name `{name}`: rename one of them")
        return self.lanes[name]

    def _new_lane(self, name: str, stream: str, list_id: str, suppression: Suppression | None) -> Lane:
        most = self._limits.batch_rows
        rows = most if suppression is None else min(most, PEOPLE_A_JOB)
        new = partial(Batcher, rows_max=rows, bytes_max=self._limits.batch_bytes)
        sieve = new() if self._limits.skip_unchanged and suppression is None else None
        leaving = self._departure.leaving(name)
        return Lane(name, stream, list_id, new(), new(), rows, leaving, suppression, sieve=sieve)

    def await_stream(self, stream: str) -> None:
        """No STATE goes out any more before this stream has come, or is awaited no longer."""
        self.intake.sequence += 1  # rows that are not exported have no numbers: one for them, after what came before
        self._checkpoint.hold(("awaited", stream), self.intake.sequence)

    def await_no_longer(self, stream: str) -> None:
        """Whether a stream comes does not matter any more."""
        self._checkpoint.release(("awaited", stream))

    def state(self, value: Any) -> None:  # noqa: ANN401  # a STATE's value is whatever the tap says
        """Take a STATE; it goes out when everything read before it has its fate.

        Raises:
            TargetError: The run cannot go on.
        """
        self._checkpoint.state(value, self.intake.sequence)
        for mirrored in filter(None, (lane.completeness for lane in self.lanes.values())):
            mirrored.state()
        self.settle()

    def settle(self) -> None:
        """Book what has come back and let STATE out; to be called now and then.

        Raises:
            TargetError: The run cannot go on.
        """
        self._dispatch.book_what_came()
        for lane in self.lanes.values():
            self._filler.send_full(lane)
        self._let_state_out()
        self._filler.bound()

    def look_by(self, look: Callable[[], None]) -> None:
        """Call this now and then from here on, also while something is waited for: often, so it should be cheap."""
        self._dispatch.on_look = look

    def interrupt(self) -> None:
        """End a wait of the main thread; for a signal handler."""
        self._dispatch.interrupt()

    def finish(self, *, by_itself: bool = True) -> None:
        """The input has ended, `by_itself` or broken: send the rest and wait until every row has its fate.

        Raises:
            TargetError: The run cannot go on; `break_off` settles what can be.
        """
        for step in (self._filler.screen, self._filler.seal, self._filler.send_later):
            for lane in self.lanes.values():
                step(lane)
        self._dispatch.wait_for_all()
        self._after_delivery(by_itself=by_itself)
        self._dispatch.close()

    def break_off(self, reason: str) -> None:
        """The run ends early: what is under way is waited for, within a limit; what has no fate then has failed.

        Raises:
            WorkDirError: The books are right, and a file of failed or rejected rows, or the ledger, is not whole.
        """
        try:
            self._dispatch.break_off()
        finally:
            self._close_the_books(reason)

    def _close_the_books(self, reason: str) -> None:
        for lane in self.lanes.values():
            lane.export.profiles += len(lane.filling.open or ())
        self._books.count_failed(self.lanes.values())
        self._let_state_out()
        self._books.write_failed(self.lanes.values(), reason)

    def send(self, lane: Lane, batch: Batch) -> None:
        """Take a batch that is full.

        Raises:
            TargetError: The run cannot go on.
        """
        for warning in self._caution.before(lane.list_id, batch) if lane.suppression is None else ():
            self._warn(warning)
        self._dispatch.ship(lane, batch)

    def wait_for_people(self, people: Iterable[str]) -> None:
        """Wait until none of these is in a job that has not ended.

        Raises:
            TargetError: The run cannot go on.
        """
        self._dispatch.wait_for_people(people)

    def _after_delivery(self, *, by_itself: bool) -> None:
        """What can only be done for people whom Klaviyo has by now."""
        self._departure.find_strays(self.lanes, self.lane)
        troubled: set[str] = set()
        for lane in list(self.lanes.values()):
            trouble = self._departure.carry_out(lane)
            if trouble is not None:
                self._books.incomplete.append(trouble)
                troubled.add(lane.stream)
        for lane in self.lanes.values():
            if lane.stream not in troubled:
                self._checkpoint.release((lane.name, "leaving"))
        self._books.incomplete += self._departure.mirror(self.lanes.values(), self._dispatch.check, by_itself=by_itself)
        self._let_state_out()  # the ledger knows the errands: whatever is not done of them is done by the next run
        self._books.incomplete += self._errands.carry_out(self._dispatch.check)

    def _let_state_out(self) -> None:
        if any(True for _ in streams_that_lose(self.lanes.values(), self._limits.max_rejected_percent)):
            return
        state = self._checkpoint.ready()
        if state is not None:
            self._rejects.flush()
            self._emit_state(state[0])
