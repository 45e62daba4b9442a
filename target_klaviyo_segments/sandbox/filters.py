"""The filter language of the query string: `any(email,["a","b"]),greater-than(created,2026-01-01T00:00:00Z)`.

https://developers.klaviyo.com/en/docs/filtering_
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_klaviyo_segments.sandbox.envelope import instant, refuse_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# How many values `any` takes is not documented; one page of answers is the most that callers may count on.
VALUES_MAX = 100

ORDER = frozenset({"greater-than", "greater-or-equal", "less-than", "less-or-equal"})

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<mark>[()\[\],])|(?P<word>[^\s()\[\],"']+))\s*"""
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `values` has one member except for `any`."""

    operator: str
    field: str
    values: tuple[str, ...]

    def holds(self, value: str) -> bool:
        """Whether text is among the values."""
        return value in self.values

    def holds_at(self, seconds: float) -> bool:
        """Whether a moment is on the right side of the value."""
        limit = instant(self.values[0])
        if seconds == limit:
            return self.operator.endswith("-or-equal")
        return (seconds > limit) == self.operator.startswith("greater")


def read_filter(text: str, allowed: Mapping[str, frozenset[str]]) -> tuple[Condition, ...]:
    """The conditions of a filter, all of which must hold.

    Raises:
        Refusal: It is no filter, or this endpoint does not filter so.
    """
    try:
        conditions = tuple(_Reader(text).conditions())
        for condition in conditions:
            _check(condition, allowed)
    except ValueError as error:
        raise refuse_parameter("filter", str(error)) from error
    return conditions


def _check(condition: Condition, allowed: Mapping[str, frozenset[str]]) -> None:
    if condition.field not in allowed:
        raise ValueError(f"Filtering on '{condition.field}' is not supported.")
    if condition.operator not in allowed[condition.field]:
        raise ValueError(f"'{condition.operator}' is not a supported operator for '{condition.field}'.")
    if not 0 < len(condition.values) <= VALUES_MAX:
        raise ValueError(f"'{condition.operator}' takes 1 to {VALUES_MAX} values, not {len(condition.values)}.")
    if condition.operator in ORDER:
        instant(condition.values[0])


class _Reader:
    """Reads from left to right and never back."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = next(self._tokens)

    def conditions(self) -> Iterator[Condition]:
        """The whole text: comparisons between commas, or one `and(...)` of them."""
        yield from self._several()
        self._expect("end", "")

    def _several(self) -> Iterator[Condition]:
        yield from self._one()
        while self._next == ("mark", ","):
            self._take()
            yield from self._one()

    def _one(self) -> Iterator[Condition]:
        operator = self._expect("word")
        self._expect("mark", "(")
        if operator == "and":
            yield from self._several()
        else:
            field = self._expect("word")
            self._expect("mark", ",")
            yield Condition(operator, field, self._values(many=operator == "any"))
        self._expect("mark", ")")

    def _values(self, *, many: bool) -> tuple[str, ...]:
        if not many:
            return (self._value(),)
        self._expect("mark", "[")
        found = [self._value()]
        while self._next == ("mark", ","):
            self._take()
            found.append(self._value())
        self._expect("mark", "]")
        return tuple(found)

    def _value(self) -> str:
        kind, text = self._take()
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "word":
            instant(text)  # only dates stand without quotes
            return text
        raise ValueError(f"A value was expected before '{text}'.")

    def _expect(self, kind: str, text: str | None = None) -> str:
        found = self._take()
        if found[0] != kind or text not in {None, found[1]}:
            raise ValueError(f"'{found[1]}' was not expected in a filter.")
        return found[1]

    def _take(self) -> tuple[str, str]:
        found, self._next = self._next, next(self._tokens, ("end", ""))
        return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found or not found.lastgroup:
            raise ValueError(f"'{text[at:]}' was not expected in a filter.")
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()
    yield "end", ""
