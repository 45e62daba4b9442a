"""Rate windows: a burst, a steady and sometimes a daily one for each endpoint, all fixed, all counted at once.

A window opens with the first request after the last one ended: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from target_klaviyo_segments.sandbox.envelope import Fault, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Window(NamedTuple):
    """At most `quota` requests in `seconds`."""

    quota: int
    seconds: int


Tier = tuple[Window, ...]

XS: Tier = (Window(1, 1), Window(15, 60))
M: Tier = (Window(10, 1), Window(150, 60))
L: Tier = (Window(75, 1), Window(750, 60))
# https://developers.klaviyo.com/en/reference/create_list
M_DAILY: Tier = (*M, Window(150, 86_400))
# What a sandbox without limits tells its callers, so that they need not wait either.
UNLIMITED: Tier = (Window(100_000, 1), Window(100_000, 60))

# Floating point: who waited exactly as long as told may seem to come a moment early.
_TOLERANCE_SECONDS = 1e-6


class _Count:
    """Requests of one fixed window."""

    __slots__ = ("opened", "taken")

    def __init__(self) -> None:
        self.opened = float("-inf")
        self.taken = 0

    def roll(self, now: float, seconds: int) -> None:
        if now - self.opened >= seconds - _TOLERANCE_SECONDS:
            self.opened, self.taken = now, 0


class Windows:
    """The counts of every endpoint of one caller; not safe for threads."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], _Count] = {}

    def take(self, budgets: Mapping[str, Tier], now: float) -> dict[str, str]:
        """Count a request against every budget that it touches; the headers of its answer.

        Raises:
            Refusal: A window is full. The request is not counted.
        """
        open_now = [(window, self._count(name, window, now)) for name, tier in budgets.items() for window in tier]
        waits = [count.opened + window.seconds - now for window, count in open_now if count.taken >= window.quota]
        if waits:
            raise _throttled(max(1, math.ceil(max(waits))))
        for _, count in open_now:
            count.taken += 1
        return _headers(list(budgets.values())[-1], open_now)

    def _count(self, name: str, window: Window, now: float) -> _Count:
        count = self._counts.setdefault((name, window.seconds), _Count())
        count.roll(now, window.seconds)
        return count


def unlimited_headers() -> dict[str, str]:
    """The headers of an answer when nothing is counted."""
    return _headers(UNLIMITED, [])


def _headers(tier: Tier, open_now: Sequence[tuple[Window, _Count]]) -> dict[str, str]:
    """The three headers describe the burst window, as recorded; the minute's remainder is shown nowhere."""
    burst = tier[0]
    taken = max((count.taken for window, count in open_now if window is burst), default=1)
    listed = ", ".join(f"{window.quota};w={window.seconds}" for window in tier)
    return {
        "ratelimit-limit": f"{burst.quota}, {listed}",
        "ratelimit-remaining": str(burst.quota - taken),
        "ratelimit-reset": "0",
    }


def _throttled(seconds: int) -> Refusal:
    unit = "second" if seconds == 1 else "seconds"
    detail = f"Request was throttled. Expected available in {seconds} {unit}."
    return Refusal(429, [Fault(detail, {"pointer": "/data"})], {"retry-after": str(seconds)})
