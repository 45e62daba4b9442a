"""One writer: a lock that the operating system holds for us and lets go when we die, however we die.

The text in the lock file tells the second run who is first. It also remembers whether the ledger was closed in
order, which decides whether the next run looks it over.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger.faults import not_usable

if TYPE_CHECKING:
    from pathlib import Path

CLOSED = "closed"
_LONGEST = 400  # bytes read of a text that may be anything


class Held(Protocol):
    """What keeps others from a ledger, if anything does."""

    def release(self, *, in_order: bool) -> None:
        """Let go. `in_order`: the ledger was closed and nothing was wrong with it."""
        ...


class Lock:
    """Held from construction to `release`."""

    def __init__(self, ledger: Path, now: float) -> None:
        """Take the lock beside `ledger`.

        Raises:
            WorkDirError: Another process has it, or the folder cannot be written.
        """
        self.path = ledger.with_suffix(".lock")
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise not_usable(ledger, error) from None
        try:
            self._before = self._take(ledger)
            self._write(f"process {os.getpid()} since {_utc(now)}\n")
        except BaseException as error:
            os.close(self._file)
            if isinstance(error, OSError):
                raise not_usable(ledger, error) from None
            raise

    @property
    def has_history(self) -> bool:
        """A ledger of ours was opened here before."""
        return bool(self._before)

    @property
    def was_closed(self) -> bool:
        """The last process that had the lock closed the ledger in order."""
        return CLOSED in self._before

    def release(self, *, in_order: bool) -> None:
        """Let go. `in_order`: the ledger was closed and nothing was wrong with it. Twice is harmless."""
        if self._file < 0:
            return
        try:
            if in_order:
                self._write(f"{CLOSED} by process {os.getpid()}\n")
        except OSError:  # a full disk: the next run looks the ledger over, no more
            pass
        finally:
            self._let_go()

    def release_as_found(self) -> None:
        """Let go of a ledger that was not opened."""
        try:
            self._write(self._before)
        except OSError:  # as above
            pass
        finally:
            self._let_go()

    def _let_go(self) -> None:
        os.close(self._file)
        self._file = -1

    def _take(self, ledger: Path) -> str:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise in_use(ledger, self._read()) from None
        return self._read()

    def _read(self) -> str:
        return os.pread(self._file, _LONGEST, 0).decode(errors="replace")

    def _write(self, text: str) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)


def in_use(ledger: Path, holder: str) -> WorkDirError:
    """Another run has it, which tells of itself in `holder`."""
    return WorkDirError(
        f"the ledger {ledger} is in use by another run: {holder.strip() or 'just begun'}. "
        "Wait until it ends, or give this run a `work_dir` of its own"
    )


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
