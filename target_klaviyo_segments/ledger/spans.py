"""Positions of rows as spans: a batch of 10,000 that shares one fate is two numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[int, int]  # first and last, both included


def to_spans(rows: Sequence[int]) -> list[Span]:
    """Ascending spans of these positions, which may come in any order.

    Raises:
        ValueError: A position is there twice.
    """
    if not rows:
        return []
    if isinstance(rows, range) and rows.step == 1:
        return [(rows[0], rows[-1])]
    ordered = sorted(rows)
    if ordered[-1] - ordered[0] + 1 == len(ordered) == len(set(ordered)):
        return [(ordered[0], ordered[-1])]
    return _cut(ordered)


def _cut(ordered: Sequence[int]) -> list[Span]:
    spans: list[Span] = []
    first = last = ordered[0]
    for row in ordered[1:]:
        if row == last:
            raise ValueError(f"row {row} is there twice")
        if row > last + 1:
            spans.append((first, last))
            first = row
        last = row
    return [*spans, (first, last)]


def to_rows(spans: Iterable[Sequence[int]], size: int) -> Sequence[int]:
    """Positions in spans, ascending: a range if they are contiguous, else a tuple.

    Raises:
        ValueError: They do not lie in a batch of this size, or not beside each other.
    """
    ordered = sorted((first, last) for first, last in spans)
    end = -1
    for first, last in ordered:
        if not end < first <= last < size:
            raise ValueError(f"rows {first} to {last} cannot be in a batch of {size}")
        end = last
    if all(before[1] + 1 == after[0] for before, after in pairwise(ordered)):
        return range(ordered[0][0], end + 1) if ordered else range(0)
    return tuple(row for first, last in ordered for row in range(first, last + 1))


def without(rows: Iterable[int], taken: Iterable[Iterable[int]]) -> Sequence[int]:
    """The rows that are in none of the others."""
    gone = {row for some in taken for row in some}
    left = [row for row in rows if row not in gone]
    return to_rows(to_spans(left), max(left, default=0) + 1)
