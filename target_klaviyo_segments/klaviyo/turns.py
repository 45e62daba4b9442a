"""Waiting: for a turn within the rate windows, for a retry, and no longer than the run lasts. Shared by threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import KlaviyoError, RunStopped
from target_klaviyo_segments.klaviyo.pacing import Windows

if TYPE_CHECKING:
    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.klaviyo.protocol import Endpoint

# Two steady windows: no pool of ours needs longer to get its turn.
PATIENCE_SECONDS = 120.0
# A sleep that ends earlier than this before its time was cut short.
_WOKEN_SECONDS = 1e-3
# The thread that may be interrupted looks up so often while it waits: a signal handler can wake nobody, for it may have
# come while the lock of what wakes is held.
_SLICE_SECONDS = 0.5
_SLICES = 10


class Turns:
    """One set of windows an endpoint, for all threads of a run. The one that makes it may be interrupted."""

    def __init__(self, clock: Clock, wait_max_seconds: float) -> None:
        self._clock = clock
        self._wait_max = max(wait_max_seconds, PATIENCE_SECONDS)
        self._closed = threading.Event()
        self._owner = threading.get_ident()
        self._interrupted = False
        self._lock = threading.Lock()
        self._windows: dict[str, Windows] = {}
        self._until = float("-inf")  # the last instant that a request waits for

    @property
    def seconds_left(self) -> float:
        """How long it is until every request that waits now has had its turn."""
        return max(self._until - self._clock.now(), 0.0)

    def take(self, endpoint: Endpoint) -> float:
        """Wait until a request of this endpoint may go; again when a hold came meanwhile. To the instant of its turn.

        Raises:
            KlaviyoError: That is further away than anybody wants to wait.
            RunStopped: The run ended first.
        """
        while True:
            with self._lock:
                windows = self._of(endpoint)
                now = self._clock.now()
                instant = windows.reserve(now)
                self._until = max(self._until, instant)
            seconds = instant - now
            if seconds > self._wait_max:
                raise KlaviyoError(
                    f"{endpoint.name}: Klaviyo's rate limit leaves no room for {seconds:.0f} s, longer than "
                    "`retry_max_seconds` allows to wait. What else uses the API of this Klaviyo account?"
                )
            self.wait(seconds)
            with self._lock:
                if not windows.held(self._clock.now()):
                    return instant
                windows.give_back(instant)

    def answered(self, endpoint: Endpoint, instant: float) -> None:
        """The request of this turn has its answer."""
        with self._lock:
            self._of(endpoint).answered(instant, self._clock.now())

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            RunStopped: The run has ended or was interrupted, or the clock was woken because it ends.
        """
        until = self._clock.now() + seconds
        if threading.get_ident() == self._owner:
            self._wait_interruptibly(until, max(_SLICE_SECONDS, seconds / _SLICES))
        elif seconds > 0:
            self._clock.sleep(seconds)
        if self._closed.is_set() or self._clock.now() < until - _WOKEN_SECONDS:
            raise RunStopped("the run ended while a request to Klaviyo waited")

    def _wait_interruptibly(self, until: float, slice_seconds: float) -> None:
        while not self._interrupted and (left := until - self._clock.now()) > 0:
            before = self._clock.now()
            self._clock.sleep(min(left, slice_seconds))
            if self._clock.now() < before + min(left, slice_seconds) - _WOKEN_SECONDS:
                return
        if self._interrupted:
            raise RunStopped("the run was interrupted")

    def interrupt(self) -> None:
        """Let the thread that made this wait for no request any more; for a signal handler. Others go on."""
        self._interrupted = True

    def learn(self, endpoint: Endpoint, header: str) -> None:
        """Adopt the quotas of a `RateLimit-Limit` header."""
        with self._lock:
            self._of(endpoint).learn(header)

    def hold(self, endpoint: Endpoint, seconds: float) -> None:
        """Let nobody send to this endpoint for so long."""
        with self._lock:
            self._of(endpoint).hold(self._clock.now() + seconds)

    def close(self) -> None:
        """End every wait, now and from now on."""
        self._closed.set()
        self._clock.wake()

    def _of(self, endpoint: Endpoint) -> Windows:
        return self._windows.setdefault(endpoint.name, Windows(endpoint.windows))
