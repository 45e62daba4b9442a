"""Errands carried out: what can only be done for people whom Klaviyo has by now, at the end of a run.

They stand in the ledger from the moment in which their rows are written down, so whatever a run leaves undone the next
one does, also when a STATE has passed. Each kind of them has a hand that does it:

    class Subscribing:                                        # for example
        kind, people_a_time = "subscribe", 1_000
        def wanted(self, stream) -> bool | None: ...          # main thread, before anything is done
        def do(self, errands) -> Done: ...                    # in a worker, of one stream and list; at least once
        def book(self, errands, done) -> None: ...            # main thread, after the ledger knows it

A row's errand is read by `lane.errands[kind]`, which gives the body that the hand understands. The same body is not
done again for a person who had it done, until a row without it comes, or another body, or `Done.again_after` is over.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from target_klaviyo_segments.errors import KlaviyoError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from target_klaviyo_segments.ledger import Errand

# Parts under way at once: one waits for Klaviyo while the next is prepared. The client keeps to the rate limits.
AT_ONCE = 4
# How often the main thread looks whether it was interrupted.
_LOOK_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Done:
    """What a hand has done: whose errands are done for good, and whose may be asked for again one day.

    Both are positions in the part; the errands of the others stay for the next run.
    """

    for_good: Sequence[int] = ()
    for_now: Sequence[int] = ()


D = TypeVar("D", bound=Done)


class Hand(Protocol[D]):
    """Does errands of one kind."""

    @property
    def kind(self) -> str:
        """Which."""
        ...

    @property
    def people_a_time(self) -> int:
        """How many it is given at once."""
        ...

    def wanted(self, stream: str) -> bool | None:
        """Whether the settings still ask for it; None when they do not speak of the stream, which then waits."""
        ...

    def do(self, errands: Sequence[Errand]) -> D:
        """Do errands of one stream and list; in a worker. `KlaviyoError` when it cannot be done: it all stays."""
        ...

    def book(self, errands: Sequence[Errand], done: D) -> None:
        """Count what was done; on the main thread."""
        ...


class Store(Protocol):
    """Errands of people whose rows are delivered. Each raises `WorkDirError` when the ledger cannot be used."""

    def ready(self, kind: str, *, after: Errand | None = None, count: int = 1_000) -> list[Errand]:
        """The next ones, of one stream and list."""
        ...

    def count_ready(self, kind: str) -> dict[str, int]:
        """How many, by stream."""
        ...

    def finish(self, errands: Sequence[Errand], rests_until: float = ...) -> None:
        """These are done."""
        ...

    def drop(self, kind: str, stream: str) -> None:
        """Nobody wants those of a stream any more."""
        ...

    def take_back(self, kind: str) -> None:
        """Those of people of whom another row of their stream does not have it are not wanted."""
        ...


class Errands:
    """One run's; on the main thread."""

    def __init__(
        self,
        store: Store,
        hands: Sequence[Hand[Done]],
        *,
        now: Callable[[], float],
        again_after_seconds: float,
        begin: Callable[[], None],
        warn: Callable[[str], None],
    ) -> None:
        """Take what does them.

        Args:
            store: Where they stand.
            hands: What does them, one for each kind, in this order.
            now: Seconds since the epoch.
            again_after_seconds: How long what is done for now counts as done.
            begin: Called before the first one, also when no row came: nothing was asked of Klaviyo then.
            warn: Tells the user.
        """
        self._store = store
        self._hands = hands
        self._now = now
        self._again_after = again_after_seconds
        self._begin = begin
        self._warn = warn
        self._gone: Counter[tuple[str, str]] = Counter()  # people by stream and list

    def carry_out(self, look_up: Callable[[], None]) -> Iterator[str]:
        """Do all that can be done; why some is left for the next run, a sentence for each kind.

        `look_up` is called now and then, and may raise to end it.

        Raises:
            WorkDirError: The ledger cannot be read or written.
        """
        for hand in self._hands:
            self._store.take_back(hand.kind)
            counts = self._store.count_ready(hand.kind)
            wanted = {stream for stream in counts if self._still_wanted(hand, stream, counts[stream])}
            if not wanted:
                continue
            self._begin()
            trouble = self._all(hand, wanted, look_up)
            self._tell_of_lists_that_are_gone(hand.kind)
            if trouble is not None:
                left = sum(count for stream, count in self._store.count_ready(hand.kind).items() if stream in wanted)
                yield (
                    f"to {hand.kind} people after their delivery did not work: {trouble}. Everybody is on their lists, "
                    f"and {left} people wait in the ledger: the next run goes on with them"
                )

    def _still_wanted(self, hand: Hand[Done], stream: str, count: int) -> bool:
        """Errands of an earlier run may be of settings that are no more."""
        wanted = hand.wanted(stream)
        if wanted is False:
            self._store.drop(hand.kind, stream)
            self._warn(
                f"stream `{stream}`: an earlier run was to {hand.kind} {count} people and did not come to it; "
                "the settings do not ask for it any more, so it is not done"
            )
        return bool(wanted)

    def _tell_of_lists_that_are_gone(self, kind: str) -> None:
        for (stream, list_id), count in self._gone.items():
            self._warn(
                f"stream `{stream}`: the list {list_id} is not in this account any more, so the {count} people whom an "
                f"earlier run was to {kind} on it are not waited with any longer"
            )
        self._gone.clear()

    def _all(self, hand: Hand[D], wanted: set[str], look_up: Callable[[], None]) -> KlaviyoError | None:
        """Part by part, several at once; what ended it early, if anything did."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="errand")
        under_way = _UnderWay[D]({}, look_up)
        try:
            for part in self._parts(hand):
                if part[0].stream not in wanted:
                    continue
                under_way.parts[pool.submit(hand.do, part)] = part
                if len(under_way.parts) >= AT_ONCE:
                    self._book(hand, under_way)
                if under_way.trouble is not None:
                    break
            while under_way.parts:
                self._book(hand, under_way)
            return under_way.trouble
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _parts(self, hand: Hand[D]) -> Iterator[list[Errand]]:
        last: Errand | None = None
        while part := self._store.ready(hand.kind, after=last, count=hand.people_a_time):
            last = part[-1]
            yield part

    def _book(self, hand: Hand[D], under_way: _UnderWay[D]) -> None:
        """Wait for a part, or several."""
        for future in under_way.next_done():
            errands = under_way.parts.pop(future)
            try:
                done = future.result()
            except NotFound:
                self._store.finish(errands)
                self._gone[errands[0].stream, errands[0].list_id] += len(errands)
                continue
            except KlaviyoError as error:
                under_way.trouble = under_way.trouble or error
                continue
            if done.for_good:
                self._store.finish([errands[at] for at in done.for_good])
            if done.for_now:
                self._store.finish([errands[at] for at in done.for_now], self._now() + self._again_after)
            hand.book(errands, done)


@dataclass(slots=True)
class _UnderWay(Generic[D]):
    """Parts that workers have, and the first thing that went wrong."""

    parts: dict[Future[D], list[Errand]]
    look_up: Callable[[], None]
    trouble: KlaviyoError | None = None

    def next_done(self) -> set[Future[D]]:
        """Those that are done, once one is."""
        while True:
            self.look_up()
            done, _ = wait(self.parts, timeout=_LOOK_UP_SECONDS, return_when=FIRST_COMPLETED)
            if done:
                return done
