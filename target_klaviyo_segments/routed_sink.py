"""One stream in several segments: each record to the lane of its segment; the rest as any stream's."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import ContractError, Rejection
from target_klaviyo_segments.export.rejects import record_json
from target_klaviyo_segments.segment.batch import Row, few_apart
from target_klaviyo_segments.segment.contract import no_such_property
from target_klaviyo_segments.segment.marker import is_deleted, is_object
from target_klaviyo_segments.segment.schema import properties_of
from target_klaviyo_segments.sink import SegmentSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.modes import Completeness
    from target_klaviyo_segments.messages import Records
    from target_klaviyo_segments.run import Run
    from target_klaviyo_segments.segment.batch import Record
    from target_klaviyo_segments.settings import Segment


class RoutedSink(SegmentSink):
    """Its own lane is where rows are counted that are of no segment."""

    @property
    def completeness(self) -> Completeness | None:
        """Whether the stream came whole, when one of its segments is mirrored."""
        return self._routes.completeness

    def process_record(self, record: dict[str, Any], context: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Singer's signature
        """Take one record; afterwards it has its fate or is on its way.

        Raises:
            RunStopped: It is not valid and `on_invalid_record` is fail.
            TargetError: The run cannot go on.
        """
        line, numbers = record_json(record), self._count(1)
        way = self._way(record, line, numbers) if is_object(record) else self._lane
        if isinstance(way, Rejection):
            self._take_astray(way, [record], [line], numbers)
        else:
            self._take(way, record, line, numbers[0])

    def process_records(self, found: Records) -> None:
        """Take records as a JSON decoder gave them: the same as one by one, and much faster.

        Raises:
            RunStopped: One is not valid and `on_invalid_record` is fail.
            TargetError: The run cannot go on.
        """
        records = found.untyped().records
        numbers = self._count(len(records))
        begin = 0
        for _, run in groupby(records, is_deleted):  # a marker may be about rows of any segment before it or after it
            part = slice(begin, begin + len(list(run)))
            self._take_run(records[part], found.lines[part], numbers[part])
            begin = part.stop

    def _take_run(self, records: Sequence[dict[str, Any]], lines: Sequence[Record], numbers: Sequence[int]) -> None:
        """Records between whom the order counts within a segment alone."""
        groups, trouble = self._routes.split(records)
        for way, places in groups:
            whole = len(places) == len(records)
            part = (records, lines, numbers) if whole else _picked(places, records, lines, numbers)
            if isinstance(way, Rejection):
                self._take_astray(way, *part)
            else:
                self._take_many(way, *part)
        if trouble is not None:
            first = sum(len(places) for _, places in groups)
            self._strand(lines[first:], numbers[first:])
            raise trouble

    def _strand(self, lines: Sequence[Record], numbers: Sequence[int]) -> None:
        """Records that the run does not come to any more: read, and to be sent by a retry."""
        self._lane.tally.read += len(lines)
        self._intake.sequence += len(lines)
        self._lane.stranded += [Row(number, "", b"", line) for number, line in zip(numbers, lines, strict=True)]

    def refuse(self, record: dict[str, Any], rejection: Rejection, line: Record, lane: Lane | None = None) -> None:
        """Take a record that cannot be mapped. As it came it may tell its segment; else nobody may leave one.

        Raises:
            RunStopped: `on_invalid_record` is fail.
            WorkDirError: The rejects file cannot be written.
        """
        way = self._way(record, line, self._count(1))
        lane = None if isinstance(way, Rejection) else way
        if lane is None and self.completeness is not None:
            self.completeness.spoil(f"row {self._lane.rows} of `{self.stream_name}` has no segment: {rejection.reason}")
        super().refuse(record, rejection, line, lane)

    def leave_out(self) -> None:
        """Count a record that a stream map filtered out."""
        self._count(1)
        super().leave_out()

    def _compile_typed(self, segment: Segment) -> None:  # as of any stream
        """None: records are told apart as dictionaries."""

    def _enter(self, run: Run, segment: Segment) -> Lane:
        field = segment.segment_field or ""
        wrong = no_such_property(self.original_schema, field)
        if wrong is not None:
            raise ContractError(f"stream `{self.stream_name}`: `segment_field` is `{field}`, {wrong}")
        self._routes = run.routes(self.stream_name, segment)
        if self._routes.mirrors and self._routes.completeness is None:
            self._routes.completeness = self._equipment.new_completeness()
        self._routes.open(self._equip, inside=field not in properties_of(self.original_schema))
        return self._routes.aside

    def _equip(self, lane: Lane, sync_mode: str) -> None:
        if sync_mode == "mirror":
            lane.completeness = self._routes.completeness
        self._equipment.fit(lane, sync_mode)

    def _way(self, record: dict[str, Any], line: Record, numbers: Sequence[int]) -> Lane | Rejection:
        ways, trouble = self._routes.split([record])
        if trouble is not None:
            self._strand([line], numbers)
            raise trouble
        ((way, _),) = ways
        return way

    def _take_astray(
        self, why: Rejection, records: Sequence[dict[str, Any]], lines: Sequence[Record], numbers: Sequence[int]
    ) -> None:
        """Records of no segment: rejected, or left out when `segments` selects. The ledger may know who leaves."""
        for record, line, number in zip(records, lines, numbers, strict=True):
            if is_deleted(record):
                self._take(self._lane, record, line, number)
                continue
            self._lane.tally.read += 1
            self._intake.sequence += 1
            if self._lane.selects:
                self._lane.tally.leave_out(why.code)
            else:
                self._reject(self._lane, record, why, line, number)

    def _count(self, rows: int) -> range:
        """Numbers for rows of the stream."""
        first = self._lane.rows + 1
        self._lane.rows += rows
        return range(first, first + rows)


def _picked(
    places: Sequence[int], records: Sequence[dict[str, Any]], lines: Sequence[Record], numbers: Sequence[int]
) -> tuple[Sequence[dict[str, Any]], Sequence[Record], Sequence[int]]:
    kept = few_apart([lines[p] for p in places], len(lines))
    return [records[p] for p in places], kept, [numbers[p] for p in places]
