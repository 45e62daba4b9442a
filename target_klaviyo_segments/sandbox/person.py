"""One profile: what is known about a person, and what a row changes in it.

A row is kept as the bytes that came, and read only when somebody looks.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

# ULIDs, as Klaviyo's profile ids are: a moment in 10 digits, and 16 more, in an alphabet of their own.
_RFC, _ULID = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_ULID, _FROM_ULID = bytes.maketrans(_RFC, _ULID), bytes.maketrans(_ULID, _RFC)
_SCATTER = 0x9E3779B97F4A7C15F39D  # odd, so that every number has one id
_GATHER = pow(_SCATTER, -1, 1 << 80)
_ID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Person(Struct, gc=False, eq=False):
    """One profile. `raw` holds its attributes, as a row that was sent or as merged."""

    number: int
    created: float
    updated: float
    email: str | None
    phone: str | None
    external_id: str | None
    raw: bytes

    @property
    def id(self) -> str:
        """The id as Klaviyo shows it: computed, never stored."""
        return _digits(int(self.created * 1000) << 30)[:10] + _digits(self.number * _SCATTER % (1 << 80))

    def attributes(self) -> dict[str, Any]:
        """The attributes that are set; e-mail in lower case, `properties` always there."""
        return _state({}, _read(self.raw))

    def write(self, raw: bytes, now: float) -> None:
        """Take over what a row says."""
        if raw != self.raw:  # the same row again says nothing new
            self.raw = _merged(_read(self.raw), raw)
        self.updated = now

    def rewrite(self, raw: bytes, now: float, *, whole_location: bool) -> None:
        """The same for a profile that is written alone: what it has null is gone."""
        row, known = _read(raw), self.attributes()
        if whole_location and row["attributes"].get("location") is not None:
            known.pop("location", None)
        state = _state(known, row)
        self.raw = _encode({"attributes": _cleared(state, row["attributes"])})
        self.updated = now

    def absorb(self, other: Person, now: float) -> None:
        """Take over what another has and this one lacks."""
        self.raw = _encode({"attributes": _state(other.attributes(), {"attributes": self.attributes()})})
        self.updated = now


def number_in(profile_id: str) -> int | None:
    """The number of the person with this id, if anybody has it."""
    return _value(profile_id[10:]) * _GATHER % (1 << 80) if _ID.fullmatch(profile_id) else None


def sent_attributes(raw: bytes) -> dict[str, Any]:
    """The attributes of a row exactly as they were sent."""
    found: dict[str, Any] = _read(raw)["attributes"]
    return found


def _read(raw: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _decode(raw)
    except msgspec.ValidationError:  # 1e999: JSON, and beyond a float
        found = json.loads(raw)
    return found


def _merged(known: dict[str, Any], raw: bytes) -> bytes:
    row = _read(raw)
    return raw if _covers(row, known) else _encode({"attributes": _state(_state({}, known), row)})


def _covers(row: dict[str, Any], known: dict[str, Any]) -> bool:
    """Whether nothing of what was known outlives the row, as when a person is sent again with the same fields."""
    old, new = known["attributes"], row["attributes"]
    return (
        "meta" not in known
        and old.keys() <= new.keys()
        and None not in new.values()
        and all(
            (old.get(name) or {}).keys() <= inner.keys() and None not in inner.values()
            for name in ("location", "properties")
            if (inner := new.get(name)) is not None
        )
    )


def _state(known: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What was known, and over it what the row writes; `location` and `properties` name by name."""
    written = _written(row["attributes"])
    inner = {name: {**known.get(name, {}), **written.get(name, {})} for name in ("location", "properties")}
    _patch(inner["properties"], (row.get("meta") or {}).get("patch_properties") or {})
    kept = {name: value for name, value in inner.items() if value}
    return {**known, **written, "properties": {}, **kept}


def _cleared(state: dict[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    gone = {name for name, value in attributes.items() if value is None}
    kept = {name: value for name, value in state.items() if name not in gone or name == "properties"}
    for name in ("location", "properties"):
        nulls = [key for key, value in (attributes.get(name) or {}).items() if value is None]
        kept[name] = {key: value for key, value in kept.get(name, {}).items() if key not in nulls}
    return kept if kept["location"] else {name: value for name, value in kept.items() if name != "location"}


def _written(attributes: Mapping[str, Any]) -> dict[str, Any]:
    # Nulls are ignored: https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
    written = {name: value for name, value in attributes.items() if value is not None and name != "_kx"}
    for name in ("location", "properties"):
        if name in written:
            written[name] = {key: value for key, value in written[name].items() if value is not None}
    if "email" in written:
        written["email"] = written["email"].lower()
    return written


def _patch(properties: dict[str, Any], patch: Mapping[str, Any]) -> None:
    # https://developers.klaviyo.com/en/docs/update_profile_properties_via_api
    for key, value in (patch.get("append") or {}).items():
        known = _several(properties.get(key, []))
        properties[key] = [*known, *(item for item in _several(value) if item not in known)]
    for key, value in (patch.get("unappend") or {}).items():
        if key in properties:
            properties[key] = [item for item in _several(properties[key]) if item not in _several(value)]
    for key in _several(patch.get("unset") or []):
        properties.pop(key, None)


def _several(value: Any) -> list[Any]:  # noqa: ANN401  # a property is any JSON
    return value if isinstance(value, list) else [value]


def _digits(value: int) -> str:
    """80 bits as 16 digits."""
    return base64.b32encode(value.to_bytes(10, "big")).translate(_TO_ULID).decode()


def _value(digits: str) -> int:
    return int.from_bytes(base64.b32decode(digits.encode().translate(_FROM_ULID)), "big")
