"""What a run has come to, stream by stream: for its report, for its exit status, for the ledger."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.export.lane import streams_that_lose
from target_klaviyo_segments.report.document import StreamReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.klaviyo.lists import ListInfo
    from target_klaviyo_segments.report.tally import Tally

# Streams that are written down each time along with the one that it is about.
OTHERS = 10


def stream_reports(
    lanes: Mapping[str, Lane],
    lists: Mapping[str, ListInfo],
    mirrored: Callable[[str], dict[str, Any] | None],
    consents: Callable[[str, str], dict[str, Any] | None],
) -> list[StreamReport]:
    """For the report; `mirrored` tells what came of the mirror of a list, `consents` of a stream's consent."""
    return [
        StreamReport(
            stream,
            lane.tally,
            lane.list_id or None,
            lists[lane.list_id].name if lane.list_id else None,
            [export.as_dict() for export in lane.exports],
            [*lane.warnings, *_hint(stream, lane.tally)],
            mirrored(lane.list_id) if lane.completeness is not None else None,
            consents(lane.name, lane.list_id),
            lane.suppression.as_dict(lane.tally.delivered) if lane.suppression is not None else None,
        )
        for stream, lane in lanes.items()
        if not lane.routed or lane.tally.read
    ]


class Snapshots:
    """For the ledger: what a later run reports of this one, should it be killed.

    With the stream whose rows have their fate go some others in turn, so that also those are written down that have no
    such rows. All of them each time would cost the square of the number of streams.
    """

    def __init__(self) -> None:
        self._waiting: deque[Lane] = deque()

    def of(self, lane: Lane, lanes: Mapping[str, Lane]) -> dict[str, Any]:
        """What this one of all lanes and at most `OTHERS` more have counted so far, by name."""
        if not self._waiting:
            self._waiting.extend(lanes.values())
        others = [self._waiting.popleft() for _ in range(min(OTHERS, len(self._waiting)))]
        return {
            each.name: {**each.tally.as_dict(), "reject_reasons": dict(each.tally.reasons), "list_id": each.list_id}
            for each in (lane, *others)
        }


def too_many_rejected(lanes: Mapping[str, Lane], percent: int, rejects: Path) -> list[str]:
    """Streams of which more rows were rejected than `max_rejected_percent` allows, a sentence each."""
    return [
        f"stream `{stream}`: {tally.rejected} of {tally.read} rows were rejected, more than "
        f"`max_rejected_percent` ({percent}) allows; no STATE was written since. Mend the rows of {rejects}, or raise "
        "the setting" + "".join(f". {hint}" for hint in _hint(stream, tally))
        for stream, tally in streams_that_lose(lanes.values(), percent)
    ]


def _hint(stream: str, tally: Tally) -> list[str]:
    """When every row of a stream contradicts its schema, it is the schema that is wrong."""
    if tally.read and tally.reasons.get("schema_mismatch") == tally.read:
        words = "contradicts the schema that the tap gave; if the rows are right, set `validate_records` to false"
        return [f"every row of `{stream}` {words}"]
    return []
