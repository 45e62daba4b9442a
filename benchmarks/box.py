"""A sandbox process for benchmarks: rate windows, the time of jobs, and shared time as the arguments say.

SIGUSR1 switches the rate windows on, and says so in a line: what a benchmark prepares need not wait for them.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from timing import SharedTime

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Callable

LIST_ID = "Y6nRLr"
_AWAITED = {signal.SIGTERM, signal.SIGUSR1}


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--job-seconds", type=float, default=0.0)
    parser.add_argument("--time", type=Path)
    options = parser.parse_args()
    gc.set_threshold(100_000, 50, 100)
    now = time.time if options.time is None else _wall(SharedTime(options.time))
    plan = (0, 100_000_000)
    sandbox = Sandbox(now=now, limits=options.limits, job_seconds=options.job_seconds, plan_profiles=plan)
    sandbox.add_list(LIST_ID, "People")

    with SandboxServer(sandbox) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        while signal.sigwait(_AWAITED) == signal.SIGUSR1:
            sandbox.limits = True
            sys.stdout.write("limits\n")
            sys.stdout.flush()


def _wall(shared: SharedTime) -> Callable[[], float]:
    offset = time.time() - time.monotonic()
    return lambda: shared.now() + offset


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)  # by every thread that starts from here on
    main()
