"""Everybody on a list, read by several threads side by side, so that Klaviyo's quota is the only brake.

Page by page to the main thread, and no further ahead than it can take: memory does not grow with the list.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.export.events import Broken, guarded
from target_klaviyo_segments.klaviyo.membership import EVER
from target_klaviyo_segments.klaviyo.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_klaviyo_segments.klaviyo.membership import JoinedRange, JoinedSpan, Person
    from target_klaviyo_segments.klaviyo.shares import Share

    People = tuple[Person, ...]

# 75 pages a second are allowed, and a page takes 0.2 to 0.5 s:
# https://developers.klaviyo.com/en/reference/get_profiles_for_list
READERS = 24
_PAGES_AHEAD = 2 * READERS
# How often a waiting thread looks whether it is to end.
_LOOK_UP_SECONDS = 0.5


class ListReader(Protocol):
    """What is asked of Klaviyo. Safe to share by threads."""

    def list_joined_span(self, list_id: str) -> JoinedSpan | None:
        """When the first and the last member joined; None when nobody is on the list."""
        ...

    def member_pages(self, list_id: str, joined: JoinedRange = EVER) -> Iterator[People]:
        """Members who joined in a range, the first to join first."""
        ...


def call_the_roll(klaviyo: ListReader, list_id: str, check: Callable[[], None]) -> Iterator[People]:
    """Everybody on a list, in no order; somebody may come twice. `check` is called now and then, and may raise.

    Raises:
        KlaviyoError, RunStopped: The list cannot be read to its end, so who was on it is not known.
    """
    span = klaviyo.list_joined_span(list_id)
    if span is None:
        return
    if span.first is None or span.last is None:  # nothing to share out by
        for people in klaviyo.member_pages(list_id):
            check()
            yield people
        return
    reading = _Reading(klaviyo, list_id, Shares(span.first, span.last))
    try:
        yield from reading.pages(check)
    finally:
        reading.stop()


class _Reading:
    """One list, read by `READERS` threads."""

    def __init__(self, klaviyo: ListReader, list_id: str, shares: Shares) -> None:
        self._klaviyo = klaviyo
        self._list_id = list_id
        self._shares = shares
        self._changed = threading.Condition()  # over the shares
        self._stopped = False
        self._read: queue.Queue[People | Broken | None] = queue.Queue(_PAGES_AHEAD)

    def pages(self, check: Callable[[], None]) -> Iterator[People]:
        for _ in range(READERS):
            threading.Thread(target=guarded, args=(self._run, self._tell), name="roll", daemon=True).start()
        running = READERS
        while running:
            check()
            with suppress(queue.Empty):
                told = self._read.get(timeout=_LOOK_UP_SECONDS)
                if isinstance(told, Broken):
                    raise told.error
                if told is None:
                    running -= 1
                else:
                    yield told

    def stop(self) -> None:
        """Let every thread end, after the request that it is in."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (share := self._next()) is not None:
            self._go_through(share)
        self._tell(None)

    def _next(self) -> Share | None:
        """What to read; waits while others may leave something."""
        with self._changed:
            while not self._stopped:
                share = self._shares.take()
                if share is not None or not self._shares.open:
                    return share
                self._changed.wait()
        return None

    def _go_through(self, share: Share) -> None:
        for people in self._klaviyo.member_pages(self._list_id, share.range):
            with self._changed:
                go_on = self._shares.advance(share, [each.joined for each in people if each.joined is not None])
                self._changed.notify_all()
            self._tell(people)
            if not go_on or self._stopped:
                break
        with self._changed:
            self._shares.end(share)
            self._changed.notify_all()

    def _tell(self, what: People | Broken | None) -> None:
        while not self._stopped:
            with suppress(queue.Full):
                self._read.put(what, timeout=_LOOK_UP_SECONDS)
                return
