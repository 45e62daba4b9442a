"""How a run is stopped from outside: by a signal, or by the reader of stdout going away."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import RunStopped, StoppedBySignal
from target_klaviyo_segments.export.dispatch import BREAK_OFF_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def stop_of(signum: int | None) -> StoppedBySignal | None:
    """The end of a run that got a signal; None when it got none."""
    if signum is None:
        return None
    name = signal.Signals(signum).name
    return StoppedBySignal(f"stopped by {name}: rows that were not under way were not sent. Run again", signum)


def winding_up(signum: int, under_way: int) -> str | None:
    """What whoever sent the signal waits for; None when it is nothing."""
    if not under_way:
        return None
    name, seconds = signal.Signals(signum).name, round(BREAK_OFF_SECONDS)
    return (
        f"{name}: nothing more is read. Waiting up to {seconds} s for what is under way at Klaviyo, "
        f"batches: {under_way}; another signal ends the run at once"
    )


def take_hangup(handler: Callable[[int, FrameType | None], None]) -> None:
    """Handle SIGHUP, the end of the terminal; not under `nohup`, and not where somebody else has the signals."""
    with suppress(ValueError):  # not in the main thread
        if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            signal.signal(signal.SIGHUP, handler)


def stdout_is_gone(error: OSError) -> RunStopped:
    """STATE cannot be written: nobody reads it, or the disk behind a redirection is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush fails too
    message = f"STATE cannot be written to stdout: {error.strerror}. What was delivered stands; run again"
    return StoppedBySignal(message, signal.SIGPIPE) if isinstance(error, BrokenPipeError) else RunStopped(message)


def end_at_once(signum: int) -> None:
    """A second signal: whoever sends it does not want to wait. In a handler, where logging may be under way already."""
    lead = "\r\x1b[K" if os.isatty(2) else ""  # where the line of the progress may stand
    told = lead + (
        f"{signal.Signals(signum).name} again: ended at once, without a report. What is under way stays open in the "
        "ledger: the next run asks Klaviyo what became of it\n"
    )
    with suppress(OSError):  # nobody reads stderr any more
        os.write(2, told.encode())
    end_by(signum)


def end_by(signum: int) -> int:
    """End as the signal would have ended us, so that a shell or a scheduler sees that it was one."""
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    return 128 + signum
