"""Time that passes as usual, except where everybody waits: there it jumps. Shared by the processes of one benchmark.

Rate windows that last six minutes are kept to the letter and cost no six minutes: whatever is computed, sent or written
takes the time that it takes, and only sleep is skipped.
"""

from __future__ import annotations

import mmap
import struct
import threading
import time
from pathlib import Path
from typing import Any

from target_klaviyo_segments.klaviyo.transport import make_transport

_STEP_SECONDS = 0.002
_QUIET_LOOKS = 3  # in a row: a thread that hands over to another seems to rest for a moment
_BYTES = 8


class SharedTime:
    """How much was skipped, in a file that several processes map."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _BYTES)

    @property
    def skipped(self) -> float:
        """Seconds so far."""
        return float(struct.unpack("d", self._map[:])[0])

    def now(self) -> float:
        """Seconds of a clock that all processes of this machine share, and what was skipped."""
        return time.monotonic() + self.skipped

    def skip(self, seconds: float) -> None:
        """Let time jump."""
        self._map[:] = struct.pack("d", self.skipped + seconds)


class SkippingClock:
    """The program's clock on it: a sleep is skipped once no thread of this process runs and no request is under way."""

    def __init__(self, shared: SharedTime) -> None:
        self._shared = shared
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._wakes: dict[int, float] = {}
        self._quiet = 0
        self.transport = make_transport(16)
        self._send, self._under_way = self.transport.send, 0
        self.transport.send = self._counted  # type: ignore[method-assign]  # the same, counted

    def now(self) -> float:
        """Seconds."""
        return self._shared.now()

    def sleep(self, seconds: float) -> None:
        """Wait until then, or until everybody waits."""
        if seconds <= 0:
            return
        until = self._wakes[threading.get_ident()] = self.now() + seconds
        while self.now() < until and not self._woken.wait(min(_STEP_SECONDS, max(until - self.now(), 1e-4))):
            with self._lock:
                self._quiet = self._quiet + 1 if self._all_rest() else 0
                if self._quiet > _QUIET_LOOKS:
                    self._shared.skip(max(min(self._wakes.values()) - self.now(), 0.0))
                    self._quiet = 0
        del self._wakes[threading.get_ident()]

    def wake(self) -> None:
        """End every sleep."""
        self._woken.set()

    def _counted(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # handed on as they are
        self._under_way += 1
        try:
            return self._send(*arguments, **options)
        finally:
            self._under_way -= 1

    def _all_rest(self) -> bool:
        """Whether no other thread runs, waits for the processor or for the disk."""
        if self._under_way:
            return False
        own = threading.get_native_id()
        return all(int(task.name) == own or _state(task) == "S" for task in Path("/proc/self/task").iterdir())


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # it ended
        return "S"
