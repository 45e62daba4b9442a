"""A list in shares of time, so that several can read it side by side: who reads from when until when. Pure.

A list's pages come one after the other, and one reader who waits for each uses a quarter of what Klaviyo allows:
https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling . When a list grew can only be found out by
reading it, so nothing is shared out beforehand: who has nothing to read takes the later half of what another has left.

    shares = Shares(first, last)                    # when the first and the last member joined
    share = shares.take()                           # None: nothing worth a request is left at the moment
    go_on = shares.advance(share, joined)           # a page of it came, with these instants
    shares.end(share)                               # it is read
    shares.open                                     # whether anybody reads
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from target_klaviyo_segments.klaviyo.membership import JoinedRange

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECOND = timedelta(seconds=1)
# Pages that must be left of a share before it is cut in two: each half costs a page that is not full.
PAGES_WORTH_SHARING = 4.0
# How much more crowded than the page before it a page is taken to be at most.
_CROWDED = 2


@dataclass(slots=True, eq=False)
class Share:
    """Members who joined from `since` on and before `until`; None is without end."""

    since: datetime | None
    until: datetime | None
    seen: datetime  # it is read up to here
    end: datetime  # nobody is known to have joined after
    page: timedelta | None = None  # of how much time the last page was

    @property
    def range(self) -> JoinedRange:
        """What to ask for."""
        return JoinedRange(self.since, self.until)

    @property
    def pages_left(self) -> float:
        """About how many pages are to come, if they go on as the last one."""
        return (self.end - self.seen) / self.page if self.page is not None else 0.0

    def cut(self) -> Share:
        """The later half of what is left, which this one gives away."""
        middle = (self.seen + (self.end - self.seen) / 2).replace(microsecond=0)
        later = Share(middle, self.until, middle, self.end, self.page)
        self.until = self.end = middle
        return later


class Shares:
    """Not for several threads at once: whoever shares it has a lock."""

    def __init__(self, first: datetime, last: datetime) -> None:
        self._waiting = [Share(None, None, first, last + _SECOND)]
        self._read: list[Share] = []

    @property
    def open(self) -> bool:
        """Whether somebody reads, so that there may be more to take."""
        return bool(self._read or self._waiting)

    def take(self) -> Share | None:
        """What to read next: half of the share that has most pages left; None while none has enough."""
        found = self._waiting.pop() if self._waiting else self._half()
        if found is not None:
            self._read.append(found)
        return found

    def advance(self, share: Share, joined: Sequence[datetime]) -> bool:
        """A page came, of people who joined at these instants, the first to join first; whether to go on.

        What was given away since is read by another: a page that holds it was the last. A second more is read, for
        nobody knows how Klaviyo rounds; who is read twice must be counted once.
        """
        if joined:
            # Of a crowd that was imported at once a page is of one instant: it says little of what comes after.
            slowest = share.page / _CROWDED if share.page is not None else _SECOND
            share.page = max(joined[-1] - share.seen, slowest, _SECOND)
            share.seen = max(joined[-1], share.seen)
        return share.until is None or not joined or joined[-1] < share.until + _SECOND

    def end(self, share: Share) -> None:
        """All of it is read."""
        self._read.remove(share)

    def _half(self) -> Share | None:
        most = max(self._read, key=lambda share: share.pages_left, default=None)
        if most is None or most.pages_left < PAGES_WORTH_SHARING or most.end - most.seen < 2 * _SECOND:
            return None
        return most.cut()
