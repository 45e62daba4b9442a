"""For a terminal: one line that changes in its place, below what is logged. Gone when the run is over."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO, cast

from target_klaviyo_segments.watching.numbers import Rate, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from target_klaviyo_segments.watching.numbers import Numbers


def is_terminal(stream: TextIO | None, environment: Mapping[str, str]) -> bool:
    """Whether a person looks at it, on a terminal that can draw. Meltano reads the log itself, and says so."""
    if stream is None or "SINGER_SDK_LOG_CONFIG" in environment or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


class TerminalLine:
    """On stderr as it is now. While it is there, whatever the root logger has for the terminal is written above it."""

    def __init__(self, now: float) -> None:
        from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415  # only where there is a terminal
        from tqdm.std import tqdm  # noqa: PLC0415  # same

        class Line(tqdm):  # type: ignore[type-arg]  # of nothing
            """Without the thread that looks after bars which stand still: it is drawn when we say so."""

            monitor_interval = 0

        Line.set_lock(threading.RLock())  # the library's own is for many processes
        self._kind = Line
        self._rate = Rate()
        self._rate.of(0, now)
        self._open = ExitStack()
        # The blank bar behind the text makes the library cut the line where the terminal ends.
        self._line = self._open.enter_context(
            Line(file=sys.stderr, bar_format="{desc}{bar}", dynamic_ncols=True, leave=False)
        )
        self._open.enter_context(logging_redirect_tqdm(tqdm_class=Line))

    def show(self, numbers: Numbers, now: float) -> None:
        """Draw it anew."""
        self._line.set_description_str(in_words(numbers, self._rate.of(numbers.settled, now)))

    def aside(self) -> AbstractContextManager[None]:
        """Room for what is written meanwhile: stdout may be the same terminal."""
        return cast("AbstractContextManager[None]", self._kind.external_write_mode(file=sys.stderr))

    def end(self, status: str) -> None:  # noqa: ARG002  # a show
        """Take it away, and give the log back to whoever had it."""
        self._open.close()
