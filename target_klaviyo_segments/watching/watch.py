"""Looks at a run now and then, a few times a second at most however often it is asked to, and has it shown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.watching.numbers import Numbers

LOOK_SECONDS = 0.25
# A look at a thousand streams takes milliseconds: the pause after it is so many times as long.
_PAUSES = 100


class Show(Protocol):
    """What becomes of the numbers."""

    def show(self, numbers: Numbers, now: float) -> None:
        """Show them, or do nothing yet. `now` is monotonic, in seconds."""
        ...

    def end(self, status: str) -> None:
        """The run is over, with the status of its report: show the last of it. Called once."""
        ...


class Watch:
    """Of one run, on its main thread. `cost` is the time that this thread has worked."""

    def __init__(
        self,
        numbers: Callable[[], Numbers],
        shows: Sequence[Show],
        now: Callable[[], float],
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        self._numbers = numbers
        self._shows = shows
        self._now = now
        self._cost = cost
        self._due = now() + LOOK_SECONDS

    def look(self) -> None:
        """Look, if it is time."""
        now = self._now()
        if now >= self._due:
            began = self._cost()
            numbers = self._numbers()
            for show in self._shows:
                show.show(numbers, now)
            self._due = now + max(LOOK_SECONDS, (self._cost() - began) * _PAUSES)

    def end(self, status: str) -> None:
        """Show the last of it; from then on nothing more."""
        shows, self._shows = self._shows, ()
        for show in shows:
            show.end(status)
