"""Which STATE may go out: the newest one before which every row has its fate. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any


class Checkpoint:
    """Rows are numbered as they are read; whatever holds rows back says the lowest number it holds."""

    def __init__(self) -> None:
        self._held: dict[Hashable, int] = {}
        self._states: deque[tuple[int, Any]] = deque()

    def hold(self, holder: Hashable, sequence: int) -> None:
        """No STATE that came after the row of this number may pass, until `release`."""
        self._held[holder] = min(sequence, self._held.get(holder, sequence))

    def release(self, holder: Hashable) -> None:
        """Every row of this holder has its final fate."""
        self._held.pop(holder, None)

    def state(self, value: Any, sequence: int) -> None:  # noqa: ANN401  # a STATE's value is whatever the tap says
        """A STATE came after the row of this number.

        Of several that wait for the same rows only the newest is kept, so there are never more than holders.
        """
        if self._states and not any(self._states[-1][0] < held <= sequence for held in self._held.values()):
            self._states.pop()
        self._states.append((sequence, value))

    def ready(self) -> tuple[Any] | None:
        """The newest STATE that may go out, in a tuple because null is a STATE too; None when there is none."""
        low = min(self._held.values(), default=None)
        newest: tuple[Any] | None = None
        while self._states and (low is None or self._states[0][0] < low):
            newest = (self._states.popleft()[1],)
        return newest
