"""The query string: sparse fields, additional fields, include, filter, sort and page. What is not known is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from target_klaviyo_segments.sandbox.envelope import refuse_parameter
from target_klaviyo_segments.sandbox.filters import Condition, read_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: frozenset[str] = frozenset()
_TYPED = re.compile(r"(fields|additional-fields)\[([a-z-]+)\]")


@dataclass(frozen=True, slots=True)
class Paging:
    """The default and the largest page size of an endpoint; where it is not `sized` the default is the only one."""

    default: int = 20
    largest: int = 100
    sized: bool = True


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an endpoint understands; `fields` holds names, or prefixes that end with a dot."""

    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    additional: Mapping[str, frozenset[str]] = field(default_factory=dict)
    include: frozenset[str] = _NOTHING
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sorts: frozenset[str] = _NOTHING
    paging: Paging | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A query string that its endpoint understands."""

    fields: Mapping[str, frozenset[str]]
    additional: Mapping[str, frozenset[str]]
    include: frozenset[str]
    conditions: tuple[Condition, ...]
    sort: str | None
    size: int
    cursor: str | None

    def sparse(self, kind: str) -> frozenset[str] | None:
        """The fields that were asked for; None for all."""
        return self.fields.get(kind)

    def adds(self, kind: str, name: str) -> bool:
        """Whether an additional field was asked for."""
        return name in self.additional.get(kind, _NOTHING)


def read_query(raw: str, known: Parameters) -> Query:
    """The query string as values.

    Raises:
        Refusal: A parameter, or its value, is not known to the endpoint.
    """
    pairs = parse_qsl(raw, keep_blank_values=True)
    sent = dict(pairs)
    if len(sent) != len(pairs):
        raise refuse_parameter(pairs[-1][0], "A query parameter was sent more than once.")
    fields, additional = _typed(sent, known)
    include, filters = sent.pop("include", None), sent.pop("filter", None)
    sort, size, cursor = sent.pop("sort", None), sent.pop("page[size]", None), sent.pop("page[cursor]", None)
    for name in sent:
        raise refuse_parameter(name, f"'{name}' is not a parameter of this endpoint.")
    return Query(
        fields,
        additional,
        _names("include", include, known.include),
        read_filter(filters, known.filters) if filters is not None else (),
        _sort(sort, known.sorts),
        _size(size, known.paging),
        _cursor(cursor, known.paging),
    )


def _typed(sent: dict[str, str], known: Parameters) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Takes `fields[TYPE]` and `additional-fields[TYPE]` out of what was sent."""
    fields: dict[str, frozenset[str]] = {}
    additional: dict[str, frozenset[str]] = {}
    for name in list(sent):
        found = _TYPED.fullmatch(name)
        if not found:
            continue
        allowed, place = (known.fields, fields) if found[1] == "fields" else (known.additional, additional)
        if found[2] not in allowed:
            raise refuse_parameter(name, f"'{name}' is not a parameter of this endpoint.")
        place[found[2]] = _names(name, sent.pop(name), allowed[found[2]])
    return fields, additional


def _names(parameter: str, value: str | None, allowed: frozenset[str]) -> frozenset[str]:
    if value is None:
        return _NOTHING
    names = frozenset(value.split(","))
    for name in sorted(names - allowed):
        if name.partition(".")[0] + "." not in allowed:
            raise refuse_parameter(parameter, f"'{name}' is not a valid value for '{parameter}'.")
    return names


def _sort(value: str | None, allowed: frozenset[str]) -> str | None:
    if value is not None and value.removeprefix("-") not in allowed:
        raise refuse_parameter("sort", f"Sorting by '{value}' is not supported.")
    return value


def _size(value: str | None, paging: Paging | None) -> int:
    if value is None:
        return paging.default if paging else 0
    if paging is None or not paging.sized:
        raise refuse_parameter("page[size]", "This endpoint has no page size.")
    if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= paging.largest:
        raise refuse_parameter("page[size]", f"Page size must be an integer between 1 and {paging.largest}.")
    return int(value)


def _cursor(value: str | None, paging: Paging | None) -> str | None:
    if value is not None and paging is None:
        raise refuse_parameter("page[cursor]", "This endpoint has no pages.")
    return value
