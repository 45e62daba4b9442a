"""A sealed batch on its way to Klaviyo, kept as small as its rows' fates allow."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, cast

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from target_klaviyo_segments.export.lane import Export, Lane
    from target_klaviyo_segments.segment.batch import Batch, Record


_RECORDS_AT_ONCE = 500


class Parcel:
    """Payloads until they are sent; numbers, e-mails and records, the last compressed, until every row has its fate."""

    __slots__ = (
        "_emails",
        "_records",
        "export",
        "failed",
        "identity",
        "intent",
        "lane",
        "numbers",
        "open",
        "payloads",
        "people",
        "settled",
    )

    def __init__(self, identity: int, lane: Lane, export: Export, batch: Batch, *, intent: int | None) -> None:
        self.identity = identity
        self.intent = intent  # its number in the ledger, if that is concerned
        self.lane = lane
        self.export = export
        self.open = len(batch)  # rows without a fate yet
        self.settled = bytearray(len(batch))  # 1 where a row has its fate
        self.failed = 0
        self.numbers = array("Q", batch.numbers)
        self.payloads = batch.payloads
        self.people = array("q")  # how the books know them
        self._emails: list[str] | bytes = batch.emails
        self._records: list[Record] | bytes = batch.records

    def __len__(self) -> int:
        return len(self.numbers)

    def pack(self) -> None:
        """Compress records and e-mails: most are never looked at again. Costs milliseconds, so a worker does it."""
        if not isinstance(self._records, bytes):
            self._records = b"".join(_packed(self._records))
        if not isinstance(self._emails, bytes):
            self._emails = zstandard.compress("\n".join(self._emails).encode(), level=1)

    @property
    def emails(self) -> list[str]:
        """By position; none has a line feed in it."""
        emails = self._emails
        return zstandard.decompress(emails).decode().split("\n") if isinstance(emails, bytes) else emails

    def settle(self, rows: Sequence[int]) -> None:
        """These rows have their fate."""
        self.open -= len(rows)
        if len(rows) == len(self.settled):
            self.settled = bytearray(b"\1" * len(rows))
            return
        for row in rows:
            self.settled[row] = 1

    def sent(self) -> None:
        """Let go of the payloads."""
        self.payloads = []

    def records(self, positions: Iterable[int]) -> dict[int, bytes]:
        """Records of these rows, each as JSON."""
        self.pack()
        packed = cast("bytes", self._records)
        lines = zstandard.ZstdDecompressor().decompressobj().decompress(packed).split(b"\n")
        return {position: lines[position] for position in positions}


def _packed(records: Sequence[Record]) -> Iterator[bytes]:
    """Bit by bit: many large allocations in many threads would scatter the memory."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    for first in range(0, len(records), _RECORDS_AT_ONCE):
        yield packer.compress(b"\n".join((*records[first : first + _RECORDS_AT_ONCE], b"")))
    yield packer.flush()
