"""Requests that are tried again, as warnings: what keeps all of them waiting is told by one, and then now and then."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from target_klaviyo_segments.watching.log_lines import EVERY_SECONDS

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

# Klaviyo's name for an answer, another one each time.
_ANSWER_ID = re.compile(r" \(id [^)]*\)")
# Reasons that are remembered; more of them are no longer one trouble.
_REASONS_MAX = 50


class RetryLines:
    """A line for a reason that is new, and one each half minute while it stays. Called by threads that send."""

    def __init__(self, log: logging.Logger, connection: str, now: Callable[[], float]) -> None:
        self._log = log
        self._connection = connection
        self._now = now
        self._told: dict[str, tuple[float, int]] = {}  # when, and how often since
        self._lock = threading.Lock()

    def __call__(self, reason: str, seconds: float) -> None:
        """Tell it, or count it."""
        untold = self._untold(_ANSWER_ID.sub("", reason))
        if untold is not None:
            more = f"; {untold} times more since this was said last" if untold else ""
            self._log.warning("connection %s: %s; again in %.1f s%s", self._connection, reason, seconds, more)

    def _untold(self, reason: str) -> int | None:
        """How often the reason came since it was told; None when it is not yet time to tell it again."""
        now = self._now()
        with self._lock:
            since, times = self._told.get(reason, (None, 0))
            if since is not None and now < since + EVERY_SECONDS:
                self._told[reason] = since, times + 1
                return None
            if len(self._told) >= _REASONS_MAX:
                self._told.clear()
            self._told[reason] = now, 0
            return times
