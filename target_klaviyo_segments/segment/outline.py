"""A profile's outline: its fields, and the shape of their values instead of the values. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHARACTERS_SHOWN = 60
_ITEMS_SHOWN = 5
_DIGIT = re.compile(r"\d")
_CAPITAL = re.compile(r"[A-Z]")
# What holds a format together may be seen: +99 999, xxx@xxxx.xx, 9999-99-99.
_OTHER = re.compile(r"[^\x20-\x40\x5b-\x60\x7b-\x7eX]")
# A name that may be somebody's: it came from a record, and not from a schema.
_PERSONAL = re.compile(r"@|\d{4}")
_PARTS = frozenset({"location", "properties"})


def outline(payload: bytes) -> dict[str, Any]:
    """An encoded profile's attributes by their names, and under `meta` what it does to arrays that Klaviyo has."""
    profile = msgspec.json.decode(payload)
    shown = {name: _inside(value) if name in _PARTS else _of(value) for name, value in profile["attributes"].items()}
    patches = profile.get("meta", {})
    return shown | ({"meta": {patch: _patch(found) for patch, found in patches.items()}} if patches else {})


def shape(text: str) -> str:
    """Letters as x and X, digits as 9; what stands between them as it is."""
    cut = text[:_CHARACTERS_SHOWN]
    masked = _OTHER.sub("x", _CAPITAL.sub("X", _DIGIT.sub("9", cut)))
    return masked + ("..." if len(text) > len(cut) else "")


def _patch(found: Mapping[str, Any]) -> dict[str, Any]:
    return {action: _inside(fields) for action, fields in found.items()}


def _inside(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """An object whose names are those of columns."""
    if not isinstance(value, dict):
        return _of(value)
    return {(shape(name) if _PERSONAL.search(name) else name): _of(inner) for name, inner in value.items()}


def _of(value: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        return {shape(name): _of(inner) for name, inner in list(value.items())[:_ITEMS_SHOWN]}
    if isinstance(value, list):
        return [_of(each) for each in value[:_ITEMS_SHOWN]]
    if value is None:
        return None
    return "true or false" if isinstance(value, bool) else shape(str(value))
