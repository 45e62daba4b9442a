"""One stream: its contract checked when the schema comes, each record checked, mapped and handed to the export."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import Sink

from target_klaviyo_segments.equipping import Equipment, keys, mapper_of, wishes
from target_klaviyo_segments.errors import Rejection, RunStopped
from target_klaviyo_segments.export.modes import Completeness
from target_klaviyo_segments.export.rejects import record_json
from target_klaviyo_segments.malformed import KeyMissing
from target_klaviyo_segments.messages import decode
from target_klaviyo_segments.segment.batch import Columns
from target_klaviyo_segments.segment.contract import Contract, Verdict, unknown_sources
from target_klaviyo_segments.segment.marker import DELETED_AT, is_deleted, is_object
from target_klaviyo_segments.segment.record_type import RecordType
from target_klaviyo_segments.segment.typed_mapping import TypedMapper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk import Target

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.messages import Records
    from target_klaviyo_segments.run import Run
    from target_klaviyo_segments.segment.batch import Record
    from target_klaviyo_segments.segment.mapping import Mapper, Profile, Profiles
    from target_klaviyo_segments.settings import Segment, Settings


class SegmentSink(Sink):
    """Takes records of a stream that is exported."""

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        run: Run,
        settings: Settings,
        segment: Segment,
    ) -> None:
        """Compile the checks and the mapping of a stream.

        Raises:
            ContractError: The stream has no usable e-mail property, or the name of its list is that of none or several.
            KlaviyoError: The list is unknown, or the key may not see it.
        """
        super().__init__(target, stream_name, schema, key_properties)
        contract = Contract.from_schema(
            stream_name,
            self.original_schema,
            key_properties or (),
            segment.email_field,
            setting=segment.email_setting,
            validate=settings.validate_records,
        )
        self._intake = run.exporter.intake
        self._contract: Contract | Verdict = contract
        self._mapper = self._compile(contract, segment)
        self._typed = self._compile_typed(segment)
        self._stop_at_reject = settings.on_invalid_record == "fail"
        self._equipment = Equipment(
            self._mapper,
            self.key_properties,
            keys(self.key_properties, segment),
            wishes(stream_name, segment, now=run.wall, warn=self.warn),
            partial(Completeness, mirror_on_end_of_input=settings.mirror_on_end_of_input),
            run.clearing,
        )
        self._lane = self._enter(run, segment)
        self._lane.warn(*contract.warnings, *unknown_sources(stream_name, self.original_schema, segment.sources))

    def _compile(self, contract: Contract, segment: Segment) -> Mapper:
        """What a record becomes."""
        return mapper_of(contract.properties, segment)

    def warn(self, *warnings: str) -> None:
        """Note them for the report, each once."""
        self._lane.warn(*warnings)

    def _compile_typed(self, segment: Segment) -> TypedMapper | None:
        """What a record becomes, where its schema is plain enough for a faster way."""
        record_type = RecordType.from_schema(self.original_schema, self.key_properties)
        return TypedMapper.compile(record_type, self._mapper.plan, segment.email_field)

    @property
    def record_type(self) -> RecordType | None:
        """What its records are best decoded to; None for dictionaries."""
        return self._typed.type if self._typed is not None else None

    def _enter(self, run: Run, segment: Segment) -> Lane:
        """The way to the list."""
        lane = run.exporter.lane(self.stream_name, *run.destinations.place(self.stream_name, segment))
        self._equipment.fit(lane, segment.sync_mode)
        return lane

    @property
    def completeness(self) -> Completeness | None:
        """Whether the segment came whole, when it is mirrored."""
        return self._lane.completeness

    def get_validator(self) -> None:
        """None: records are checked in `process_record`, where a bad one is rejected and not fatal."""

    def process_record(self, record: dict[str, Any], context: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Singer's signature
        """Take one record; afterwards it has its fate or is on its way.

        Raises:
            RunStopped: It is not valid and `on_invalid_record` is fail.
            TargetError: The run cannot go on.
        """
        self._take(self._lane, record, record_json(record), self._lane.tally.read + 1)

    def process_mapped(self, record: dict[str, Any], fault: Rejection | None) -> None:
        """Take what a stream map or the flattening made of a record that had this fault, if any, as it came.

        Without one it is good: of what it is now the schema is in part the SDK's guess. With one it may be good by now.
        """
        contract = self._contract
        self._contract = Verdict(fault and contract.check(record) and fault)
        try:
            self.process_record(record)
        finally:
            self._contract = contract

    def process_records(self, found: Records) -> None:
        """Take records as a JSON decoder gave them: the same as one by one, and much faster.

        Raises:
            RunStopped: One is not valid and `on_invalid_record` is fail.
            TargetError: The run cannot go on.
        """
        first = self._lane.tally.read + 1
        numbers = range(first, first + len(found.lines))
        profiles = self._typed.map_many(found.records) if self._typed and found.type is self.record_type else None
        if profiles is None:
            self._take_many(self._lane, found.untyped().records, found.lines, numbers)
        else:
            self._take_profiles(
                self._lane,
                profiles,
                {place: decode(found.lines[place]) for place in profiles.left},
                found.lines,
                numbers,
            )

    def _take_many(
        self, lane: Lane, records: Sequence[dict[str, Any]], lines: Sequence[Record], numbers: Sequence[int]
    ) -> None:
        """Records of one lane, with their numbers in the stream."""
        good = self._contract.accept(records)
        for place in [place for place, record in enumerate(records) if DELETED_AT in record and is_deleted(record)]:
            good[place] = False
        self._take_profiles(lane, self._mapper.map_many(records, good), records, lines, numbers)

    def _take_profiles(
        self,
        lane: Lane,
        profiles: Profiles,
        records: Sequence[dict[str, Any]] | Mapping[int, dict[str, Any]],
        lines: Sequence[Record],
        numbers: Sequence[int],
    ) -> None:
        """Profiles of records, and those that are left to be looked at alone, in their order."""
        lane.tally.drop(profiles.dropped)
        begin, taken = 0, 0
        for place in (*profiles.left, len(lines)):
            rows = slice(taken, taken + place - begin)
            columns = Columns(numbers[begin:place], profiles.emails[rows], profiles.payloads[rows], lines[begin:place])
            if lane.removes:
                self._intake.leave_many(lane, columns.emails, columns.records)
            else:
                self._intake.add_many(lane, columns)
            if place < len(lines):
                self._take(lane, records[place], lines[place], numbers[place])
            begin, taken = place + 1, rows.stop

    def _take(self, lane: Lane, record: dict[str, Any], line: Record, number: int) -> None:
        lane.tally.read += 1
        self._intake.sequence += 1
        if is_deleted(record):
            self._take_deleted(lane, record, line, number)
            return
        rejection = self._contract.check(record)
        if rejection is None:
            profile = self._mapper.map(record)
            if not isinstance(profile, Rejection):
                self._take_profile(lane, profile, line, number)
                return
            rejection = profile
        self._reject(lane, record, rejection, line, number)

    def _take_deleted(self, lane: Lane, record: dict[str, Any], line: Record, number: int) -> None:
        """Its person leaves the list."""
        email = self._mapper.email(record)
        self._intake.leave(lane, number, email if isinstance(email, str) else None, line)

    def _take_profile(self, lane: Lane, profile: Profile, line: Record, number: int) -> None:
        if lane.removes:
            self._intake.leave(lane, number, profile.email, line)
        else:
            lane.tally.drop(profile.dropped)
            self._intake.add(lane, number, profile.email, profile.payload, line)

    def refuse(self, record: dict[str, Any], rejection: Rejection, line: Record, lane: Lane | None = None) -> None:
        """Take a record that cannot be mapped; of this lane, or of the stream's own.

        Raises:
            RunStopped: `on_invalid_record` is fail.
            WorkDirError: The rejects file cannot be written.
        """
        lane = lane or self._lane
        lane.tally.read += 1
        self._intake.sequence += 1
        self._reject(lane, record, rejection, line, self._lane.rows or lane.tally.read)

    def leave_out(self) -> None:
        """Count a record that a stream map filtered out."""
        self._lane.tally.read += 1
        self._lane.tally.filtered += 1
        self._intake.sequence += 1

    def process_batch(self, context: dict[str, Any]) -> None:
        """Nothing: the exporter has its own batches."""

    def _reject(self, lane: Lane, record: dict[str, Any], rejection: Rejection, line: Record, number: int) -> None:
        email = self._mapper.email(record) if lane.watched and is_object(record) else None
        self._intake.reject(lane, number, rejection, bytes(line), email)
        if self._stop_at_reject:
            who = f" ({self._mapper.masked(record)})" if is_object(record) else ""
            raise self._kind_of(record, rejection)(
                f"row {number} of stream `{self.stream_name}`{who} is rejected ({rejection.code}): {rejection.reason}. "
                "`on_invalid_record` is fail; set it to reject to go on without such rows"
            )

    def _kind_of(self, record: dict[str, Any], rejection: Rejection) -> type[RunStopped]:
        without_key = rejection.field in self.key_properties and rejection.field not in record
        return KeyMissing if without_key else RunStopped
