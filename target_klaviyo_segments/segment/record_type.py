"""A stream whose schema says of each property what type it has, and little else: its records as a compiled type. Pure.

Such records, and most of databases are such, are decoded and checked at once, in half the time of decoding them into
dictionaries and checking those. The type is never laxer than the schema; what it refuses is looked at by the schema's
own check, so it need not be exact.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from target_klaviyo_segments.segment.marker import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# Keywords that say nothing about a record: `format` is not checked.
_TELLING = frozenset({"title", "description", "default", "examples", "$comment", "format", "$schema", "$id"})
_OF_RECORDS = _TELLING | {"type", "properties", "required", "additionalProperties", "definitions", "$defs"}
_OF_VALUES = _TELLING | {"type", "minLength", "maxLength", "minimum", "maximum"}
_SAYING_TYPE = _TELLING | {"type"}
_NOTHING = {"null": type(None), "string": Literal[""]}
_OF_TEXT = frozenset({"string", "null"})
_INTEGERS = (-(2**63), 2**63 - 1)
_EXACT = (-(2**53), 2**53)  # integers between these are floating-point numbers too

_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class RecordType:
    """`attributes` are the properties by name, each what it is called in a decoded record: None when null or not there.

    `texts` are those that are text if anything.
    """

    __slots__ = ("_decode", "_required", "attributes", "struct", "texts")

    def __init__(self, types: Mapping[str, object], required: Collection[str], texts: Collection[str]) -> None:
        """Take the type of each property, which a record must have, and which are text or null.

        Raises:
            ValueError: A property has a name that no compiled type can have.
        """
        # By name, as an encoder sorts the keys of a dictionary: a profile is the same bytes both ways.
        self.attributes = {name: f"p{number}" for number, name in enumerate(sorted(types))}
        self.texts = frozenset(texts)
        self.struct = msgspec.defstruct(
            "Record",
            [(attribute, types[name], None) for name, attribute in self.attributes.items()],
            rename={attribute: name for name, attribute in self.attributes.items()},
            forbid_unknown_fields=True,
            omit_defaults=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(self.struct).decode_lines
        self._required = [operator.attrgetter(self.attributes[name]) for name in required]

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any], key_properties: Collection[str]) -> RecordType | None:
        """The type of a stream's records; None when the schema says more than types can."""
        properties, required = schema.get("properties"), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            return None
        if not _OF_RECORDS.issuperset(schema) or "object" not in _kinds({"type": "object", **schema}):
            return None
        types = {name: type_of(node) for name, node in properties.items()}
        if DELETED_AT in types:  # who left is not mapped: such a record does not fit
            types[DELETED_AT] = _no_marker(properties[DELETED_AT])
        needed = [*key_properties, *required]
        if None in types.values() or not types.keys() >= set(map(str, needed)):
            return None
        try:
            return cls(types, needed, [name for name, node in properties.items() if _kinds(node) <= _OF_TEXT])
        except ValueError:  # quotes, or half a character
            return None

    def decode(self, lines: bytes) -> list[Any] | None:
        """The records of lines of JSON; None when one of them is to be looked at in another way."""
        try:
            records: list[Any] = self._decode(lines)
        except _REFUSED:
            return None
        return None if any(None in list(map(read, records)) for read in self._required) else records


def type_of(node: object) -> object:
    """The type of a property's values; None when there is none that is as strict as the schema."""
    if not isinstance(node, dict) or not _OF_VALUES.issuperset(node):
        return None
    makers = {"string": _text, "integer": _integer, "number": _number, "boolean": _boolean, "null": _null}
    kinds = _kinds(node)
    if not kinds or not kinds <= makers.keys():
        return None
    try:
        return reduce(operator.or_, [makers[kind](node) for kind in sorted(kinds - _implied(kinds))])
    except (TypeError, ValueError):  # a bound that is none, or beyond what a type can have
        return None


def _no_marker(node: object) -> object:
    """The type of a delete marker that is none; None when each that the schema allows is one, or more is said of it."""
    if not isinstance(node, dict) or not _SAYING_TYPE.issuperset(node):
        return None
    kinds = _kinds(node)
    nothing: list[Any] = [type_of for kind, type_of in _NOTHING.items() if kind in kinds]
    return reduce(operator.or_, nothing) if nothing else None


def _kinds(node: Mapping[str, Any]) -> frozenset[str]:
    declared = node.get("type")
    kinds = declared if isinstance(declared, list) else [declared]
    named = [kind for kind in kinds if isinstance(kind, str)]
    return frozenset(named if len(named) == len(kinds) else ())


def _implied(kinds: frozenset[str]) -> frozenset[str]:
    """Types that another includes: a number may be an integer."""
    return frozenset({"integer"} if "number" in kinds else ())


def _text(node: Mapping[str, Any]) -> Any:  # noqa: ANN401  # a type, made here
    low, high = node.get("minLength"), node.get("maxLength")
    return Annotated[str, msgspec.Meta(min_length=low, max_length=high)]


def _integer(node: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as above
    return Annotated[int, _between(node, *_INTEGERS)]


def _number(node: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as above
    bounds = _between(node, *_EXACT)
    return Annotated[int, bounds] | Annotated[float, bounds]


def _boolean(_node: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as above
    return bool


def _null(_node: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as above
    return type(None)


def _between(node: Mapping[str, Any], low: int, high: int) -> msgspec.Meta:
    bounds = [node.get("minimum"), node.get("maximum")]
    for bound in bounds:
        if bound is not None and (type(bound) is not int or not low <= bound <= high):
            raise ValueError
    return msgspec.Meta(ge=bounds[0], le=bounds[1])
