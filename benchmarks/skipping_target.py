"""The target, whole, on a clock that skips what everybody sleeps; tells on stderr how long it took by that clock."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from timing import SharedTime, SkippingClock

from target_klaviyo_segments.cli import _collect_less, _share_memory
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Wires


def main() -> None:
    """Export stdin; arguments are the config file and the file of the shared time."""
    _collect_less()  # as the command does
    _share_memory()  # same
    shared = SharedTime(Path(sys.argv[2]))
    clock = SkippingClock(shared)
    offset = time.time() - time.monotonic()
    wires = Wires(clock=clock, transport=clock.transport, wall=lambda: shared.now() + offset)
    began, skipped = shared.now(), shared.skipped
    config = json.loads(Path(sys.argv[1]).read_text())
    TargetKlaviyoSegments(config=config, wires=wires).export(None)
    seconds = shared.now() - began
    sys.stderr.write(json.dumps({"seconds": seconds, "skipped": shared.skipped - skipped}) + "\n")


if __name__ == "__main__":
    main()
