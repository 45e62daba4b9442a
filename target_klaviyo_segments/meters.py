"""The Singer SDK's metrics of each stream: rows, batches, rejects; every minute and at the end.

https://sdk.meltano.com/en/latest/implementation/logging.html
"""

from __future__ import annotations

import time
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, cast

from singer_sdk import metrics
from singer_sdk.metrics import Metric, Point, Status, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.watching import Numbers

# Three lines a stream at the end: more streams than this are counted together.
STREAMS_MAX = 20
_OTHERS = "(others)"


class Ours(str, Enum):
    """What the SDK has no metric for."""

    REJECT_COUNT = "reject_count"


class Meters:
    """As the SDK's own counters, each line tells what came since the one before. Their logger has its own level."""

    def __init__(self, lanes: Mapping[str, Lane], every_seconds: float = metrics.DEFAULT_LOG_INTERVAL) -> None:
        self._lanes = lanes
        self._every = every_seconds
        self._began = time.monotonic()
        self._streams: dict[str, str] = {}  # to the name that it is counted by
        self._counters: dict[tuple[str, Enum], metrics.Counter] = {}
        self._counted = Counter[tuple[str, Enum]]()

    def show(self, numbers: Numbers, now: float) -> None:  # noqa: ARG002  # a show
        """Count what came; the SDK's counters know when it is time for a line."""
        self._look()

    def end(self, status: str) -> None:
        """The last of each counter, and how long the run took."""
        self._look()
        for counter in self._counters.values():
            if counter.value:
                counter.exit()
        outcome = Status.SUCCEEDED if status == "successful" else Status.FAILED
        seconds = time.monotonic() - self._began
        metrics.log(metrics.get_metrics_logger(), Point("timer", Metric.SYNC_DURATION, seconds, {Tag.STATUS: outcome}))

    def _look(self) -> None:
        found = self._count()
        for key, count in (found - self._counted).items():
            if key not in self._counters:
                self._counters[key] = self._new(*key)
            self._counters[key].increment(count)
        self._counted = found

    def _count(self) -> Counter[tuple[str, Enum]]:
        found = Counter[tuple[str, Enum]]()
        for lane in list(self._lanes.values()):
            stream = self._name(lane.stream)
            found[stream, Metric.RECORD_COUNT] += lane.tally.read
            found[stream, Metric.BATCH_COUNT] += sum(export.jobs for export in lane.exports)
            found[stream, Ours.REJECT_COUNT] += lane.tally.rejected
        return found

    def _name(self, stream: str) -> str:
        if stream not in self._streams:
            self._streams[stream] = stream if len(self._streams) < STREAMS_MAX else _OTHERS
        return self._streams[stream]

    def _new(self, stream: str, metric: Enum) -> metrics.Counter:
        return metrics.Counter(cast("Metric", metric), {Tag.STREAM: stream}, log_interval=self._every)
