"""Profiles become batches, each the size of one import job: cut by rows and bytes, one row a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any


class Row(NamedTuple):
    """One mapped row: its number in the stream, the person, the encoded profile, and the record it came from."""

    number: int
    email: str
    payload: bytes
    record: dict[str, Any]


class Batch:
    """Rows of one list, one a person, in the order in which the people first came."""

    __slots__ = ("first_sequence", "payload_bytes", "positions", "rows")

    def __init__(self, first_sequence: int) -> None:
        self.first_sequence = (
            first_sequence  # of the earliest row ever in it: no later STATE may go out before it settles
        )
        self.rows: list[Row] = []
        self.positions: dict[str, int] = {}
        self.payload_bytes = 0  # with one comma a row

    def __len__(self) -> int:
        return len(self.rows)


class Batcher:
    """Fills one batch at a time; limits are looked at before a row is added."""

    __slots__ = ("_bytes_max", "_rows_max", "open")

    def __init__(self, *, rows_max: int, bytes_max: int) -> None:
        """Bounds of a batch; `bytes_max` counts payloads and commas, not the envelope around them."""
        self._rows_max = rows_max
        self._bytes_max = bytes_max
        self.open: Batch | None = None

    @property
    def payload_bytes(self) -> int:
        """Size of the open batch."""
        return self.open.payload_bytes if self.open is not None else 0

    @property
    def first_sequence(self) -> int:
        """Number of the earliest row ever in the open batch; there must be one."""
        if self.open is None:
            raise ValueError("no batch is open")
        return self.open.first_sequence

    def holds(self, email: str) -> bool:
        """Whether the open batch has a row of this person."""
        return self.open is not None and email in self.open.positions

    def fits(self, row: Row) -> bool:
        """Whether the open batch can take the row. A row larger than every batch fits into an empty one."""
        batch = self.open
        if batch is None or not batch.rows:
            return True
        position = batch.positions.get(row.email)
        grown = batch.payload_bytes + len(row.payload) + 1
        if position is not None:
            return grown - len(batch.rows[position].payload) - 1 <= self._bytes_max
        return len(batch.rows) < self._rows_max and grown <= self._bytes_max

    def add(self, row: Row, sequence: int) -> Row | None:
        """Add a row that fits; the earlier row of the same person that it replaces comes back."""
        batch = self.open
        if batch is None:
            batch = self.open = Batch(sequence)
        elif sequence < batch.first_sequence:
            batch.first_sequence = sequence
        batch.payload_bytes += len(row.payload) + 1
        position = batch.positions.setdefault(row.email, len(batch.rows))
        if position == len(batch.rows):
            batch.rows.append(row)
            return None
        replaced = batch.rows[position]
        batch.rows[position] = row
        batch.payload_bytes -= len(replaced.payload) + 1
        return replaced

    def take(self) -> Batch | None:
        """The open batch, closed; None when there is none with a row."""
        batch, self.open = self.open, None
        return batch if batch is not None and batch.rows else None
