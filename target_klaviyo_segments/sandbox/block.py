"""Rows that passed stage one: each on its own, or a whole body of plain ones by columns, for a million in seconds."""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from msgspec import Raw


class Row(Struct, frozen=True, gc=False):
    """One row. `email` is in lower case, `raw` is the row as it was sent."""

    email: str | None
    phone: str | None
    external_id: str | None
    id: str | None
    raw: bytes


class Block:
    """Rows with an e-mail and without an id, in which nobody is twice.

    They stay in the body in which they came; nothing is made for a single row before somebody looks at it.
    """

    __slots__ = ("_ends", "_first", "_gap", "_text", "emails", "external_ids", "largest", "phones")

    def __init__(
        self,
        body: bytes,
        raws: Sequence[Raw],
        emails: list[str],
        phones: list[str | None],
        external_ids: list[str | None],
    ) -> None:
        sizes = list(map(len, map(bytes, raws)))
        self._ends = array("I", accumulate(sizes))
        self._text, self._first, self._gap = _placed(body, raws, sum(sizes))
        self.largest = max(sizes)
        self.emails = emails
        self.phones = phones
        self.external_ids = external_ids

    def __len__(self) -> int:
        return len(self.emails)

    def __iter__(self) -> Iterator[Row]:
        return map(self.row, range(len(self)))

    def same(self, other: Block) -> bool:
        """Whether the very same rows were sent, in the same spelling."""
        return self._ends == other._ends and self._text == other._text

    def row(self, place: int) -> Row:
        """The row at a place."""
        skipped = self._first + place * self._gap
        raw = self._text[skipped + (self._ends[place - 1] if place else 0) : skipped + self._ends[place]]
        return Row(self.emails[place], self.phones[place], self.external_ids[place], None, raw)


def _placed(body: bytes, raws: Sequence[Raw], size: int) -> tuple[bytes, int, int]:
    """Where the rows are: a text, where the first begins in it, and how far apart they are.

    Between the first and the last there is nothing but rows and commas, unless somebody wrote blanks. A row cannot be
    taken for anything before or after them: that has other types, and quotes inside of text are escaped.
    """
    first, last = body.find(raws[0]), body.rfind(raws[-1])
    between = last + len(bytes(raws[-1])) - first - size
    return (body, first, 1) if between == len(raws) - 1 else (b"".join(raws), 0, 0)
