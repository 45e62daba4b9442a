"""How fast requests may go and when a failed one goes again. Decides, and never waits: the time is an argument. Pure.

Klaviyo counts requests of each endpoint in a burst and a steady window at once, and `RateLimit-Remaining` tells of the
burst alone, so the client counts: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

from __future__ import annotations

import re
from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_klaviyo_segments.klaviyo.protocol import Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_klaviyo_segments.errors import Transient

# A quota beyond this is taken for nonsense: memory is bounded by it. Klaviyo's largest is 3,500.
QUOTA_MAX = 100_000
# A request arrives later than it is sent, now by more and now by less: without room for the difference Klaviyo sees
# one too many in its window, and its 429 costs a whole second. Each 429 shows that more room is needed.
SLACK_SECONDS = 0.1
# An answer shows how late a request came at most: by what it was slower than the fastest. Beside that this is left.
SLACK_ANSWERED_SECONDS = 0.02
SLACK_MAX_SECONDS = 0.5
# Floating point: an instant that was waited for may be missed by this much.
_TOLERANCE_SECONDS = 1e-6
_ANSWERED = float("-inf")

_QUOTA = re.compile(r"\s*([0-9]{1,9})\s*;\s*w=([0-9]{1,9})\s*")


class Windows:
    """Sliding windows of one endpoint: in no stretch of their length do more requests arrive than the quota allows.

    A request goes by the instant at which it was sent.
    """

    def __init__(self, windows: Iterable[Window]) -> None:
        self._quotas = {window.seconds: window.quota for window in windows}
        self._held_until = float("-inf")
        self._slack = SLACK_SECONDS
        self._fastest: float | None = None
        # Sorted: when each is there at the latest, and when it was sent while there is no answer yet.
        self._arrivals: list[tuple[float, float]] = []

    @property
    def windows(self) -> tuple[Window, ...]:
        """The quotas as they are known now."""
        return tuple(Window(quota, seconds) for seconds, quota in sorted(self._quotas.items()))

    def reserve(self, now: float) -> float:
        """The instant at which the next request may go. It is counted: whoever asks must wait, then send."""
        arrivals = self._arrivals
        full = [(seconds, quota) for seconds, quota in self._quotas.items() if len(arrivals) >= quota]
        instant = max([now, self._held_until, *(arrivals[-quota][0] + seconds for seconds, quota in full)])
        insort(arrivals, (instant + self._slack, instant))
        del arrivals[: -max(self._quotas.values())]
        return instant

    def give_back(self, instant: float) -> None:
        """Count a request without an answer no longer."""
        found = next((each for each in reversed(self._arrivals) if each[1] == instant), None)
        if found is not None:
            self._arrivals.remove(found)

    def answered(self, instant: float, now: float) -> None:
        """A request has its answer, and so it arrived before."""
        seconds = now - instant
        late = min(max(seconds - (self._fastest or 0.0), 0.0) + SLACK_ANSWERED_SECONDS, 2 * self._slack)
        self._fastest = min(seconds, seconds if self._fastest is None else self._fastest)
        self.give_back(instant)
        insort(self._arrivals, (instant + late, _ANSWERED))

    def hold(self, until: float) -> None:
        """After a 429 nobody sends before `until`: an earlier request would be refused as well."""
        self._slack = min(self._slack + SLACK_SECONDS, SLACK_MAX_SECONDS)
        self._held_until = max(self._held_until, until)

    def held(self, now: float) -> bool:
        """Whether a hold came while a request waited for its instant: it must reserve again."""
        return now + _TOLERANCE_SECONDS < self._held_until

    def learn(self, header: str) -> None:
        """Adopt the quotas of a `RateLimit-Limit` header, `10, 10;w=1, 150;w=60`.

        A new window counts from here on; one that the header leaves out stays.
        """
        for part in header.split(","):
            found = _QUOTA.fullmatch(part)
            quota, seconds = (int(found[1]), int(found[2])) if found else (0, 0)
            if 0 < quota <= QUOTA_MAX and seconds:
                self._quotas[seconds] = quota


def seconds_for(requests: int, windows: Iterable[Window]) -> float:
    """From the first to the last of so many requests, when each goes as soon as the windows let it."""
    turns = Windows(windows)
    return max((turns.reserve(0.0) for _ in range(requests)), default=0.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential waits with jitter, as Klaviyo asks, until `limit_seconds` are over."""

    limit_seconds: float
    base_seconds: float = 0.5
    factor: float = 2.0
    cap_seconds: float = 60.0
    jitter: float = 0.5

    def next_delay(self, attempt: int, elapsed: float, error: Transient, random: float) -> float | None:
        """Seconds until the next attempt after `attempt` (from 1) failed; None to give up.

        `random` is from 0 to 1 and spreads the wait by `jitter` either way. Never sooner than `Retry-After`.
        """
        steps = min(attempt - 1, 64)  # far beyond the cap, and no overflow
        spread = 1 - self.jitter + 2 * self.jitter * random
        delay = min(self.cap_seconds, self.base_seconds * self.factor**steps) * spread
        delay = max(delay, error.retry_after or 0.0)
        return None if elapsed + delay > self.limit_seconds else delay
