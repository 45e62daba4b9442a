"""A sealed batch on its way to Klaviyo, kept as small as its rows' fates allow."""

from __future__ import annotations

import zlib
from array import array
from typing import TYPE_CHECKING

from target_klaviyo_segments.export.rejects import record_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_klaviyo_segments.export.lane import Export, Lane
    from target_klaviyo_segments.segment.batch import Row


class Parcel:
    """Payloads until they are sent; numbers, e-mails and records, the last compressed, until every row has its fate."""

    __slots__ = ("_emails", "_records", "_rows", "export", "failed", "identity", "lane", "numbers", "open", "payloads")

    def __init__(self, identity: int, lane: Lane, export: Export, rows: Sequence[Row]) -> None:
        self.identity = identity
        self.lane = lane
        self.export = export
        self.open = len(rows)  # rows without a fate yet
        self.failed = 0
        self.numbers = array("Q", [row.number for row in rows])
        self.payloads: list[bytes] = [row.payload for row in rows]
        self._emails = "\n".join([row.email for row in rows])
        self._rows: Sequence[Row] = rows
        self._records = b""

    def __len__(self) -> int:
        return len(self.numbers)

    def pack(self) -> None:
        """Compress the records: most are never looked at again. Costs milliseconds, so a worker does it."""
        self._records = zlib.compress(b"\n".join([record_json(row.record) for row in self._rows]), 1)
        self._rows = ()

    def sent(self) -> None:
        """Let go of the payloads."""
        self.payloads = []

    def emails(self) -> list[str]:
        """E-mails by row."""
        return self._emails.split("\n")

    def records(self, positions: Iterable[int]) -> dict[int, bytes]:
        """Records of these rows, each as JSON."""
        if self._rows:
            return {position: record_json(self._rows[position].record) for position in positions}
        lines = zlib.decompress(self._records).split(b"\n")
        return {position: lines[position] for position in positions}
