"""The way of a stream's records to its sink: straight, or through the SDK's stream maps and flattening."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.mapper import SameRecordTransform

if TYPE_CHECKING:
    from singer_sdk.mapper import StreamMap

    from target_klaviyo_segments.segment.batch import Record
    from target_klaviyo_segments.sink import SegmentSink, UnselectedSink


class Taker(NamedTuple):
    """The way of a stream's records, one by one or many at once."""

    one: Callable[[dict[str, Any]], None]
    many: Callable[[Sequence[dict[str, Any]], Sequence[Record]], None]


def taker(ways: list[tuple[StreamMap, SegmentSink | UnselectedSink]]) -> Taker:
    """What takes a stream's records: its sink itself, when no stream map and no flattening changes them."""
    if len(ways) == 1:
        stream_map, sink = ways[0]
        if isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled:
            return Taker(sink.process_record, sink.process_records)

    def take(record: dict[str, Any]) -> None:
        for stream_map, sink in ways:
            mapped = stream_map.transform(copy.copy(record))
            if mapped is None:
                sink.leave_out()
            else:
                sink.process_record(mapped)

    def take_each(records: Sequence[dict[str, Any]], _lines: Sequence[Record]) -> None:
        for record in records:
            take(record)

    return Taker(take, take_each)
