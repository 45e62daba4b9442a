"""Who looks on while a run is under way: a terminal or a log, and the Singer SDK's metrics."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from target_klaviyo_segments.meters import Meters
from target_klaviyo_segments.watching import Watch
from target_klaviyo_segments.watching.export_lines import ExportLines
from target_klaviyo_segments.watching.log_lines import LogLines
from target_klaviyo_segments.watching.terminal import TerminalLine, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from target_klaviyo_segments.run import Run
    from target_klaviyo_segments.watching import Show

    Aside = Callable[[], AbstractContextManager[None]]


@contextmanager
def looked_at(run: Run, log: logging.Logger, now: Callable[[], float]) -> Iterator[Aside]:
    """Show a run until it ends, or this block does; gives what makes room for something else on the terminal."""
    log.info("run %s begins", run.name)
    lanes = run.exporter.lanes
    shows: list[Show] = [] if run.dry else [ExportLines(log, lanes, run.destinations.name_of), Meters(lanes)]
    aside: Aside = nullcontext
    if log.isEnabledFor(logging.INFO) and is_terminal(sys.stderr, os.environ):
        line = TerminalLine(now())
        shows.append(line)
        aside = line.aside
    else:
        shows.append(LogLines(log, run.name, now()))
    watch = Watch(run.numbers, shows, now)
    run.exporter.look_by(watch.look)
    run.on_end = watch.end
    try:
        yield aside
    finally:
        watch.end("failed")
