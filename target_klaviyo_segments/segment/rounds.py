"""Rows of one person that go by several ways: grouped by way they keep their order. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.segment.placing import read_deep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Rounds:
    """In one round nobody goes by two ways. `people` are e-mails as the rows have them, by place."""

    def __init__(self, people: Sequence[object]) -> None:
        named = [each.strip().lower() if isinstance(each, str) else None for each in people]
        self._people = named if len(set(named)) < len(named) else None  # nearly always everybody has one row
        self._last: dict[str, tuple[int, str]] = {}

    def of(self, place: int, way: str) -> int:
        """The round of the row at a place, which goes this way; to be asked in the order of the rows."""
        person = self._people[place] if self._people is not None else None
        if person is None:
            return 0
        number, before = self._last.get(person, (0, way))
        self._last[person] = number + (before != way), way
        return self._last[person][0]


def read_all(records: Sequence[Mapping[str, Any]], field: str, parts: Sequence[str]) -> list[object]:
    """A property of each record; by its `parts`, if it has any, inside of objects."""
    if len(parts) > 1:
        return [read_deep(record, field, parts) for record in records]
    return [record.get(field) for record in records]
