"""Puts one value of a record where it belongs in a profile's attributes. Pure.

A `Put` takes a value that is not None, the attributes (with "properties" in them), and the list in which it names
the field when the value is unusable. Conversions answer None to an unusable value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.segment.fields import CUSTOM
from target_klaviyo_segments.segment.values import custom_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Put = Callable[[object, dict[str, Any], list[str]], None]


def all_text(values: Sequence[object]) -> bool:
    """Whether all are text, none of it empty."""
    return set(map(type, values)) == {str} and all(values)


def put_custom(name: str, value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
    """Make the value a custom property."""
    cleaned = custom_of(value)
    if cleaned is None:
        dropped.append(CUSTOM + name)
    else:
        attributes["properties"][name] = cleaned


def custom(name: str) -> Put:
    """A put into the custom property of a fixed name."""

    def put(value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        put_custom(name, value, attributes, dropped)

    return put


@dataclass(frozen=True, slots=True)
class TopLevel:
    """A put into a standard field; empty text is skipped.

    Text that is `ready` needs no conversion; `all_ready` says so of many values at once, or that it is not sure.
    """

    field: str
    convert: Callable[[object], object]
    ready: Callable[[str], bool] = bool
    all_ready: Callable[[Sequence[object]], bool] = all_text
    convert_many: Callable[[Sequence[object]], Sequence[object]] | None = None

    def __call__(self, value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        """Convert the value and put it."""
        converted = self._value(value, dropped)
        if converted is not None:
            attributes[self.field] = converted

    def put_column(self, column: list[Any], profiles: Iterable[dict[str, Any]], dropped: list[str]) -> None:
        """Put a value into each of the attributes; None is skipped."""
        field = self.field
        for value, attributes in zip(self.column(column, dropped), profiles, strict=True):
            if value is not None:
                attributes[field] = value

    def column(self, column: list[Any], dropped: list[str]) -> list[Any]:
        """The values of many as the field takes them; None where there is none, or no usable one."""
        if self.all_ready(column):
            return column
        if self.convert_many is None:
            return [self._value(value, dropped) for value in column]
        converted = self.convert_many(column)
        dropped += [self.field for value in converted if value is None]
        return [value or None for value in converted]

    def _value(self, value: object, dropped: list[str]) -> object:
        if value is None or (type(value) is str and self.ready(value)):
            return value
        converted = self.convert(value)
        if converted is None:
            dropped.append(self.field)
        return None if converted == "" else converted


def in_location(field: str, convert: Callable[[object], object]) -> Put:
    """A put into a field of the location; empty text is skipped."""
    name = field.removeprefix("location.")

    def put(value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        converted = convert(value)
        if converted is None:
            dropped.append(field)
        elif converted != "":
            attributes.setdefault("location", {})[name] = converted

    return put


def each(puts: Sequence[Put]) -> Put:
    """One value to several fields."""

    def put(value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        for one in puts:
            one(value, attributes, dropped)

    return put


def trimmed(leaves: Sequence[tuple[str, ...]], inner: Put) -> Put:
    """A put of an object without the values inside it that a setting names: they are sent once."""

    def put(value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        rest = value
        for leaf in leaves:
            rest = _without(rest, leaf)
        if rest is not None:
            inner(rest, attributes, dropped)

    return put


def read_deep(record: Mapping[str, Any], name: str, parts: Sequence[str]) -> object:
    """The value of a dotted name: of the property so named, else inside objects; None when there is none."""
    if name in record:
        return record[name]
    value: object = record
    for part in parts:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _without(value: object, leaf: tuple[str, ...]) -> object:
    """A copy of nested objects without one value; None when nothing is left."""
    name, *rest = leaf
    if not isinstance(value, dict) or name not in value:
        return value
    others = {key: item for key, item in value.items() if key != name}
    inner = _without(value[name], tuple(rest)) if rest else None
    return (others if inner is None else {**others, name: inner}) or None
