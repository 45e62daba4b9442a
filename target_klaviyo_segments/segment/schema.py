"""Reads a JSON schema: which properties there are, whether one may be text, where a reference leads. Pure.

Taps write schemas of every draft and some of none, so nothing here trusts a keyword to have the right type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING: Final = object()

NAMED = ("properties", "patternProperties", "definitions", "$defs", "dependencies", "dependentSchemas")
SINGLE = ("additionalProperties", "additionalItems", "items", "contains", "propertyNames", "not", "if", "then", "else")
LISTED = ("allOf", "anyOf", "oneOf", "items", "prefixItems")
_CHOICES = ("anyOf", "oneOf")
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def properties_of(root: dict[str, Any]) -> dict[str, object]:
    """The properties that records of the schema may have, also those behind `$ref` and inside `allOf` and `anyOf`."""
    return _properties(root, root)


def find_property(root: dict[str, Any], name: str) -> object:
    """The schema of a property, or of a dotted path into objects when none has that very name; else `MISSING`."""
    found: object = properties_of(root).get(name, MISSING)
    if found is not MISSING or "." not in name:
        return found
    found = root
    for part in name.split("."):
        inside = _properties(root, found)
        if not inside and found is not root and may_be(root, found, "object"):
            return {}  # an object of which the schema says nothing
        found = inside.get(part, MISSING)
        if found is MISSING:
            break
    return found


def may_be(root: dict[str, Any], node: object, kind: str) -> bool:
    """Whether the schema lets a value have the type; a schema that says nothing of types does."""
    return _may_be(root, node, kind, frozenset())


def follow(root: dict[str, Any], ref: object) -> object:
    """What a reference inside the document leads to; `MISSING` when it leads nowhere or out of the document."""
    if not isinstance(ref, str) or not ref.startswith("#") or ref[1:2] not in {"", "/"}:
        return MISSING
    found: object = root
    for part in unquote(ref[1:]).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(key, MISSING)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return MISSING
    return found


def subschemas(
    node: dict[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Each schema inside a schema, itself first, with its path. A property named like a keyword is a property."""
    yield path, node
    for keyword, value in node.items():
        inside: list[tuple[tuple[str | int, ...], object]] = []
        if keyword in NAMED and isinstance(value, dict):
            inside = [((keyword, name), child) for name, child in value.items()]
        elif keyword in LISTED and isinstance(value, list):
            inside = [((keyword, place), child) for place, child in enumerate(value)]
        elif keyword in SINGLE:
            inside = [((keyword,), value)]
        for step, child in inside:
            if isinstance(child, dict):
                yield from subschemas(child, path + step)


def flattenable(schema: dict[str, Any]) -> dict[str, Any]:
    """As the SDK's flattening can read it: of a property whose type is not plainly there it says nothing."""
    inside = schema.get("properties")
    if not isinstance(inside, dict):
        return {keyword: value for keyword, value in schema.items() if keyword != "properties"}
    return {
        **schema,
        "properties": {name: flattenable(each) if _is_typed(each) else {} for name, each in inside.items()},
    }


def _is_typed(node: object) -> bool:
    return isinstance(node, dict) and isinstance(node.get("type"), (str, list))


def _properties(root: dict[str, Any], node: object, seen: frozenset[int] = frozenset()) -> dict[str, object]:
    if not isinstance(node, dict) or id(node) in seen:
        return {}
    seen |= {id(node)}
    found: dict[str, object] = {}
    for part in (follow(root, node.get("$ref")), *_list(node, "allOf"), *_list(node, "anyOf"), *_list(node, "oneOf")):
        found |= _properties(root, part, seen)
    own = node.get("properties")
    return found | own if isinstance(own, dict) else found


def _may_be(root: dict[str, Any], node: object, kind: str, seen: frozenset[int]) -> bool:
    if not isinstance(node, dict) or id(node) in seen:
        return node is not False
    seen |= {id(node)}
    target = follow(root, node.get("$ref"))
    parts = [*_list(node, "allOf"), *([] if target is MISSING else [target])]
    return (
        _type_allows(node.get("type"), kind)
        and all(_may_be(root, part, kind, seen) for part in parts)
        and all(
            any(_may_be(root, choice, kind, seen) for choice in _list(node, choices))
            for choices in _CHOICES
            if _list(node, choices)
        )
    )


def _type_allows(declared: object, kind: str) -> bool:
    types = [each for each in (declared if isinstance(declared, list) else [declared]) if isinstance(each, str)]
    known = _TYPES.intersection(types)
    return kind in known or not known


def _list(node: dict[str, Any], keyword: str) -> list[Any]:
    value = node.get(keyword)
    return value if isinstance(value, list) else []
