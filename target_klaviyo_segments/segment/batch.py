"""Profiles become batches, each the size of one import job: cut by rows and bytes, one row a person."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

Record = bytes | msgspec.Raw
# Where those of one stream or segment are less than one in so many, they are few of a block.
_FEW = 2


class Row(NamedTuple):
    """One mapped row: its number in the stream, the person, the encoded profile, and its record as a line of JSON."""

    number: int
    email: str
    payload: bytes
    record: Record


class Columns(NamedTuple):
    """Rows by column, which is cheaper."""

    numbers: Sequence[int]
    emails: Sequence[str]
    payloads: Sequence[bytes]
    records: Sequence[Record]

    def part(self, start: int, end: int | None = None) -> Columns:
        """Some of the rows."""
        rows = slice(start, end)
        return Columns(self.numbers[rows], self.emails[rows], self.payloads[rows], self.records[rows])

    def rows(self) -> Iterator[Row]:
        """The rows one by one."""
        return map(Row._make, zip(*self, strict=True))


def apart(row: Row) -> Row:
    """The row without the block of input that its record is a part of, which would stay as long as the row does."""
    return row._replace(record=line_apart(row.record))


def line_apart(line: Record) -> Record:
    """The same of a record alone."""
    return line.copy() if isinstance(line, msgspec.Raw) else line


def few_apart(lines: Sequence[Record], among: int) -> Sequence[Record]:
    """Records of a block that has so many: where they are few of it, they must not hold all of it while they wait."""
    return list(map(line_apart, lines)) if len(lines) * _FEW < among else lines


class Place(Enum):
    """What became of an offered row: it opened a batch, was added, took a row's place, or was not taken."""

    OPENED = 0
    ADDED = 1
    REPLACED = 2
    FULL = 3


class Batch:
    """Rows of one list, one a person, in the order in which they first came; kept by columns, which is cheaper."""

    __slots__ = ("first_sequence", "numbers", "payload_bytes", "payloads", "positions", "record_bytes", "records")

    def __init__(self, first_sequence: int) -> None:
        self.first_sequence = first_sequence  # of its earliest row: no later STATE goes out before the batch settles
        self.positions: dict[str, int] = {}  # by e-mail
        self.numbers: list[int] = []
        self.payloads: list[bytes] = []
        self.records: list[Record] = []
        self.payload_bytes = 0  # with one comma a row
        self.record_bytes = 0

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def emails(self) -> list[str]:
        """E-mails by position."""
        return list(self.positions)

    @property
    def columns(self) -> Columns:
        """The rows by column."""
        return Columns(self.numbers, self.emails, self.payloads, self.records)

    def rows(self) -> Iterator[Row]:
        """The rows, by position."""
        return self.columns.rows()

    def put(self, row: Row) -> None:
        """Add a row of a person who is not in the batch."""
        self.positions[row.email] = len(self.numbers)
        self.numbers.append(row.number)
        self.payloads.append(row.payload)
        self.records.append(row.record)
        self.payload_bytes += len(row.payload) + 1
        self.record_bytes += len(row.record)

    def split(self, people: Collection[str]) -> tuple[Batch, list[Row]]:
        """The batch without these people, and their rows, each apart."""
        rest, taken = Batch(self.first_sequence), []
        for row in self.rows():
            if row.email in people:
                taken.append(apart(row))
            else:
                rest.put(row)
        return rest, taken

    def without(self, people: Collection[str]) -> Batch:
        """The batch without these people, who are most of it: each row apart."""
        rest = Batch(self.first_sequence)
        for row in self.rows():
            if row.email not in people:
                rest.put(apart(row))
        return rest


class Batcher:
    """Fills one batch at a time; limits are looked at before a row is added.

    `join` makes one payload of an earlier and a later one of a person, or None when there cannot be one; without it
    the later takes the earlier's place.
    """

    __slots__ = ("_bytes_max", "join", "open", "rows_max")

    def __init__(self, *, rows_max: int, bytes_max: int) -> None:
        """Bounds of a batch; `bytes_max` counts payloads and commas, not the envelope around them."""
        self._bytes_max = bytes_max
        self.rows_max = rows_max
        self.join: Callable[[bytes, bytes], bytes | None] | None = None
        self.open: Batch | None = None

    @property
    def rows_left(self) -> int:
        """Rows that the open batch can still take, by their number."""
        return self.rows_max - len(self.open.numbers) if self.open is not None else 0

    @property
    def full(self) -> bool:
        """Whether the open batch has all the rows that it can take."""
        return self.open is not None and self.rows_left <= 0

    @property
    def payload_bytes(self) -> int:
        """Size of the open batch."""
        return self.open.payload_bytes if self.open is not None else 0

    @property
    def held_bytes(self) -> int:
        """Size of the open batch with its records."""
        return self.open.payload_bytes + self.open.record_bytes if self.open is not None else 0

    def holds(self, email: str) -> bool:
        """Whether the open batch has a row of this person."""
        return self.open is not None and email in self.open.positions

    def offer(self, row: Row, sequence: int) -> Place:
        """Add a row, or put it in place of the same person's; not when the open batch cannot take it.

        An empty batch that may have rows takes any: one that is too large for every job is judged where it is sent.
        `sequence` is the row's number in the run.
        """
        batch = self.open
        if batch is None and self.rows_max <= 0:
            return Place.FULL
        if batch is None:
            self.open = Batch(sequence)
            self.open.put(row)
            return Place.OPENED
        if row.email in batch.positions:
            return self._replace(batch, row)
        if batch.payload_bytes + len(row.payload) + 1 > self._bytes_max or len(batch) >= self.rows_max:
            return Place.FULL
        batch.put(row)
        return Place.ADDED

    def extend(self, rows: Columns) -> bool:
        """Add rows to the open batch; False, and nothing added, when they do not all fit as they are."""
        numbers, emails, payloads, records = rows
        batch = self.open
        if batch is None:
            return False
        count, positions = len(emails), batch.positions
        at = len(positions)
        size = batch.payload_bytes + sum(map(len, payloads)) + count
        if size > self._bytes_max or at + count > self.rows_max:
            return False
        if not positions.keys().isdisjoint(emails) or len(set(emails)) < count:
            return False
        positions.update(zip(emails, range(at, at + count), strict=True))
        batch.numbers.extend(numbers)
        batch.payloads.extend(payloads)
        batch.records.extend(records)
        batch.payload_bytes = size
        batch.record_bytes += sum(map(len, records))
        return True

    def take(self) -> Batch | None:
        """The open batch, closed; None when there is none."""
        batch, self.open = self.open, None
        return batch

    def _replace(self, batch: Batch, row: Row) -> Place:
        position = batch.positions[row.email]
        earlier = batch.payloads[position]
        payload = row.payload if self.join is None else self.join(earlier, row.payload)
        if payload is None:
            return Place.FULL
        size = batch.payload_bytes + len(payload) - len(earlier)
        if size > self._bytes_max and len(batch) > 1:
            return Place.FULL
        batch.numbers[position] = row.number
        batch.payloads[position] = payload
        batch.record_bytes += len(row.record) - len(batch.records[position])
        batch.records[position] = row.record
        batch.payload_bytes = size
        return Place.REPLACED
