"""The requests that were answered: the latest of them, and how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from target_klaviyo_segments.sandbox.exchange import Entry

_REFUSED_FROM = 400
_THROTTLED = 429


class Traffic:
    """Not safe for threads. `kept` is how many entries stay at least, twice as many at most; None: all of them."""

    def __init__(self, kept: int | None = None) -> None:
        self.entries: list[Entry] = []
        self.total = self.throttled = self.refused = 0
        self._kept = kept

    def note(self, entry: Entry) -> None:
        """One more. Who was throttled was not refused."""
        self.entries.append(entry)
        self.total += 1
        if entry.status == _THROTTLED:
            self.throttled += 1
        elif entry.status >= _REFUSED_FROM:
            self.refused += 1
        if self._kept is not None and len(self.entries) > 2 * self._kept:
            del self.entries[: -self._kept]
