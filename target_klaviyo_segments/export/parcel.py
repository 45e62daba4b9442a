"""A sealed batch on its way to Klaviyo, kept as small as its rows' fates allow."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_klaviyo_segments.export.lane import Export, Lane
    from target_klaviyo_segments.segment.batch import Batch, Record


class Parcel:
    """Payloads until they are sent; numbers, e-mails and records, the last compressed, until every row has its fate."""

    __slots__ = ("_emails", "_records", "export", "failed", "identity", "lane", "numbers", "open", "payloads")

    def __init__(self, identity: int, lane: Lane, export: Export, batch: Batch) -> None:
        self.identity = identity
        self.lane = lane
        self.export = export
        self.open = len(batch)  # rows without a fate yet
        self.failed = 0
        self.numbers = array("Q", batch.numbers)
        self.payloads = batch.payloads
        self._emails = "\n".join(batch.positions)
        self._records: list[Record] | bytes = batch.records

    def __len__(self) -> int:
        return len(self.numbers)

    def pack(self) -> None:
        """Compress the records: most are never looked at again. Costs milliseconds, so a worker does it."""
        if not isinstance(self._records, bytes):
            self._records = zstandard.ZstdCompressor(level=1).compress(b"\n".join(self._records))

    def sent(self) -> None:
        """Let go of the payloads."""
        self.payloads = []

    def emails(self) -> list[str]:
        """E-mails by row."""
        return self._emails.split("\n")

    def records(self, positions: Iterable[int]) -> dict[int, bytes]:
        """Records of these rows, each as JSON."""
        self.pack()
        lines = zstandard.decompress(self._records).split(b"\n")  # type: ignore[arg-type]  # packed, by the line before
        return {position: lines[position] for position in positions}
