"""A stream that is not exported: its records are counted, and go nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import Sink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Target

    from target_klaviyo_segments.errors import Rejection
    from target_klaviyo_segments.messages import Records
    from target_klaviyo_segments.report.tally import Tally
    from target_klaviyo_segments.segment.batch import Record


class UnselectedSink(Sink):
    """Counts records of a stream that `segments` does not name."""

    completeness = None
    record_type = None

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        tally: Tally,
    ) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        self._tally = tally

    def get_validator(self) -> None:
        """None: the records go nowhere."""

    def warn(self, *warnings: str) -> None:
        """Nothing: what is not exported may be odd."""

    def process_record(self, record: dict[str, Any], context: dict[str, Any] | None = None) -> None:  # noqa: ARG002  # Singer's signature
        """Count one record."""
        self.leave_out()

    def process_mapped(self, record: dict[str, Any], fault: Rejection | None) -> None:  # noqa: ARG002  # as the other sink
        """Count one record."""
        self.leave_out()

    def process_records(self, found: Records) -> None:
        """Count records."""
        self._tally.read += len(found.records)
        self._tally.filtered += len(found.records)

    def refuse(self, record: dict[str, Any], rejection: Rejection, line: Record) -> None:  # noqa: ARG002  # as the other sink
        """Count one record."""
        self.leave_out()

    def leave_out(self) -> None:
        """Count one record."""
        self._tally.read += 1
        self._tally.filtered += 1

    def process_batch(self, context: dict[str, Any]) -> None:
        """Nothing: the records go nowhere."""
