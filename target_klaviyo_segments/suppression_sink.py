"""One stream whose people are to be suppressed, or no longer: of each row the address is sent and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.segment.mapping import Mapper
from target_klaviyo_segments.sink import SegmentSink

if TYPE_CHECKING:
    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.run import Run
    from target_klaviyo_segments.segment.batch import Record
    from target_klaviyo_segments.segment.contract import Contract
    from target_klaviyo_segments.settings import Segment

DELETE_MARKER = "delete_marker"


class SuppressionSink(SegmentSink):
    """A row that says that its person left the stream does nothing: what is lifted is named by another stream."""

    def _enter(self, run: Run, segment: Segment) -> Lane:
        return run.destinations.suppression(self.stream_name, segment.sync_mode, run.exporter)

    def _compile(self, contract: Contract, segment: Segment) -> Mapper:
        return Mapper.of_addresses(contract.properties, segment.email_field)

    def _take_deleted(self, lane: Lane, record: dict[str, Any], line: Record, number: int) -> None:  # noqa: ARG002  # as of any stream
        lane.tally.leave_out(DELETE_MARKER)
        lane.warn(
            f"stream `{self.stream_name}`: rows with a delete marker (_sdc_deleted_at) do nothing. A suppression is "
            "lifted for those whom a stream with `sync_mode` unsuppress names, and for nobody else"
        )
