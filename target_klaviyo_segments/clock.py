"""The clock that is passed in wherever time is read or waited for, so that tests own it."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds and a sleep that can be cut short."""

    def now(self) -> float:
        """Seconds on a clock that never goes backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns at once, and from then on always at once, after `wake`."""
        ...

    def wake(self) -> None:
        """End every sleep: the run is over and nobody may keep it waiting."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def now(self) -> float:
        """Seconds of the monotonic clock: a changed wall clock moves no window or time-out."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, unless woken."""
        if seconds > 0:
            self._woken.wait(seconds)

    def wake(self) -> None:
        """End every sleep."""
        self._woken.set()
