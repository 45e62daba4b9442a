"""The way of a stream's records to its sink: straight, or through the SDK's stream maps and flattening."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError, MappingError
from singer_sdk.mapper import SameRecordTransform

from target_klaviyo_segments.errors import ContractError, Rejection
from target_klaviyo_segments.export.rejects import record_json
from target_klaviyo_segments.segment.contract import Contract
from target_klaviyo_segments.selection import never_sent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from singer_sdk.mapper import StreamMap

    from target_klaviyo_segments.export.modes import Completeness
    from target_klaviyo_segments.messages import Records
    from target_klaviyo_segments.segment.batch import Record
    from target_klaviyo_segments.segment.record_type import RecordType
    from target_klaviyo_segments.sink import SegmentSink
    from target_klaviyo_segments.unselected import UnselectedSink


CODE = "not_mapped"
# An expression of the user's may do anything that Python can; flattening walks into what is nested.
_UNMAPPED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MapExpressionError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Taker:
    """The way of a stream's records, one by one or many at once; and what must know whether all of them came.

    `type`: what their records are best decoded to.
    """

    one: Callable[[dict[str, Any]], None]
    many: Callable[[Records], None]
    mirrors: Sequence[Completeness]
    type: RecordType | None = None

    def shape(self, schema: dict[str, Any]) -> None:
        """A SCHEMA message came."""
        for mirror in self.mirrors:
            mirror.schema(schema["schema"]["properties"], schema.get("bookmark_properties"))

    def record(self, version: object) -> None:
        """Records of a version came."""
        for mirror in self.mirrors:
            mirror.record(version)

    def activate(self, version: object) -> None:
        """The records of a version are all there, or about to come."""
        for mirror in self.mirrors:
            mirror.activate_version(version)


def taker(
    ways: list[tuple[StreamMap, SegmentSink | UnselectedSink]], schema: dict[str, Any], *, validate: bool
) -> Taker:
    """What takes a stream's records: its sink itself, when no stream map and no flattening changes them.

    `schema` is the SCHEMA message, to which records keep, when they are validated, as they come.
    """
    mirrors = [sink.completeness for _, sink in ways if sink.completeness is not None]
    if len(ways) == 1:
        stream_map, sink = ways[0]
        if isinstance(stream_map, SameRecordTransform) and not stream_map.flattening_enabled:
            return Taker(sink.process_record, sink.process_records, mirrors, sink.record_type)

    keys = schema.get("key_properties") or ()
    contract = Contract.of_records(schema["stream"], schema["schema"], keys, validate=validate)
    for _, sink in ways:
        sink.warn(*contract.warnings)
    return _mapping(ways, contract, mirrors)


def _mapping(
    ways: list[tuple[StreamMap, SegmentSink | UnselectedSink]], contract: Contract, mirrors: list[Completeness]
) -> Taker:
    """What takes records through the SDK."""

    def take(record: Any, line: Record | None = None) -> None:  # noqa: ANN401  # a broken tap's is anything
        for stream_map, sink in ways:
            if not isinstance(record, dict):
                sink.process_record(record)  # which rejects it
                continue
            try:
                mapped = stream_map.transform(record.copy())
            except _UNMAPPED as error:
                sink.refuse(record, Rejection(CODE, _reason(error)), record_json(record) if line is None else line)
                continue
            if mapped is None:
                sink.leave_out()
            else:
                sink.process_mapped(mapped, contract.check(record))

    def take_each(found: Records) -> None:
        for record, line in zip(found.untyped().records, found.lines, strict=True):
            take(record, line)

    return Taker(take, take_each, mirrors)


@contextmanager
def maps_in_words(stream: str) -> Iterator[None]:
    """What the SDK says of stream maps that do not go with a schema, as one line.

    Raises:
        ContractError: It says something.
    """
    try:
        yield
    except (MappingError, NotImplementedError) as error:
        words = str(error).rstrip(".")
        raise ContractError(f"stream `{stream}` cannot be mapped by `stream_maps`: {words}. Correct them") from None


def maps_unused(maps: Mapping[str, Any], came: Collection[str]) -> Iterator[str]:
    """Streams that `stream_maps` name and that the tap did not send, a sentence each: most often a typing error."""
    sources = {own.get("__source__", key) if isinstance(own, dict) else key: None for key, own in maps.items()}
    for source in sources:
        if source != "__else__" and not any(name == source or fnmatch(name, source) for name in came):
            yield never_sent("stream_maps", source, came)


def _reason(error: Exception) -> str:
    """Without the record's values: the SDK's own error names the expression, Python's may name a value."""
    words = str(error).rstrip(".") if isinstance(error, MapExpressionError) else type(error).__name__
    return f"its stream map or flattening does not work on it: {words}"
