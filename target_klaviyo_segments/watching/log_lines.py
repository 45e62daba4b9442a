"""For a log: how far the run is, now and then. What a line says in words it says in fields too, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.watching.numbers import Rate, in_fields, in_words

if TYPE_CHECKING:
    import logging

    from target_klaviyo_segments.watching.numbers import Numbers

EVERY_SECONDS = 30.0


class LogLines:
    """A line every half minute, from the first half minute on."""

    def __init__(self, log: logging.Logger, run: str, now: float) -> None:
        self._log = log
        self._run = run
        self._rate = Rate()
        self._rate.of(0, now)
        self._due = now + EVERY_SECONDS

    def show(self, numbers: Numbers, now: float) -> None:
        """A line, if it is time for one."""
        if now >= self._due:
            self._due = now + EVERY_SECONDS
            rate = self._rate.of(numbers.settled, now)
            words = in_words(numbers, rate)
            self._log.info("run %s: %s", self._run, words, extra=in_fields(numbers, rate))

    def end(self, status: str) -> None:
        """Nothing: the report tells the end."""
