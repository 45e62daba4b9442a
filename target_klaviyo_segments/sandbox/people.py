"""The profiles of the account: who a row is, and what becomes of what is known about that person.

A row is kept as the bytes that came, and read only when somebody looks: a million people fit and arrive in seconds.
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

    from target_klaviyo_segments.sandbox.rows import Row

# ULIDs, as Klaviyo's profile ids are: a moment in 10 digits, and 16 more, in an alphabet of their own.
_RFC, _ULID = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_ULID, _FROM_ULID = bytes.maketrans(_RFC, _ULID), bytes.maketrans(_ULID, _RFC)
_SCATTER = 0x9E3779B97F4A7C15F39D  # odd, so that every number has one id
_GATHER = pow(_SCATTER, -1, 1 << 80)
_ID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")

_NOBODY = (None, None, None)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Unresolvable(Exception):
    """A row whose identifiers name nobody, or two different people."""


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
        return {"properties": {}} | _written(_read(self.raw)["attributes"])


class People:
    """All profiles; positions never change."""

    def __init__(self) -> None:
        self.all: list[Person] = []
        # None is nobody's key, and may be asked for.
        self.by_email: dict[str | None, Person] = {}
        self.by_phone: dict[str | None, Person] = {}
        self.by_external_id: dict[str | None, Person] = {}

    def by_id(self, profile_id: str) -> Person | None:
        """The profile of an id."""
        if not _ID.fullmatch(profile_id):
            return None
        number = _value(profile_id[10:]) * _GATHER % (1 << 80)
        person = self.all[number] if number < len(self.all) else None
        return person if person and person.id == profile_id else None

    def put(self, row: Row, now: float) -> Person:
        """Create or update the person of a row.

        Raises:
            Unresolvable: The row is dropped.
        """
        person = self._whose(row)
        if person is None:
            person = self._new(row, now)
        else:
            person.raw = _merged(person.attributes(), _read(row.raw))
            person.updated = now
            self._index(person, row)
        return person

    def _new(self, row: Row, now: float) -> Person:
        person = Person(len(self.all), now, now, row.email, row.phone, row.external_id, row.raw)
        self.all.append(person)
        if row.email:
            self.by_email[row.email] = person
        if row.phone:
            self.by_phone[row.phone] = person
        if row.external_id:
            self.by_external_id[row.external_id] = person
        if row.patched:
            person.raw = _merged({}, _read(row.raw))
        return person

    def _whose(self, row: Row) -> Person | None:
        # One that points at two people is an error: https://developers.klaviyo.com/en/docs/profiles_api_overview
        known = (
            self.by_email.get(row.email),
            self.by_phone.get(row.phone),
            self.by_external_id.get(row.external_id),
        )
        if known == _NOBODY and not row.id and row.email:  # nearly every row
            return None
        owners = [owner for owner in known if owner is not None]
        if row.id:
            owner = self.by_id(row.id)
            if owner is None:
                raise Unresolvable("The profile id does not exist.")
            owners.append(owner)
        if not owners:
            if not (row.email or row.phone or row.external_id):
                raise Unresolvable("No profile could be resolved from the identifiers.")
            return None
        if any(owner is not owners[0] for owner in owners):
            raise Unresolvable("A profile already exists with one of these identifiers.")
        return owners[0]

    def _index(self, person: Person, row: Row) -> None:
        if row.email and row.email != person.email:
            self.by_email.pop(person.email or "", None)
            self.by_email[row.email] = person
            person.email = row.email
        if row.phone and row.phone != person.phone:
            self.by_phone.pop(person.phone or "", None)
            self.by_phone[row.phone] = person
            person.phone = row.phone
        if row.external_id and row.external_id != person.external_id:
            self.by_external_id.pop(person.external_id or "", None)
            self.by_external_id[row.external_id] = person
            person.external_id = row.external_id


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


def _written(attributes: Mapping[str, Any]) -> dict[str, Any]:
    # Nulls are ignored: https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
    written = {name: value for name, value in attributes.items() if value is not None and name != "_kx"}
    for name in ("location", "properties"):
        if name in written:
            written[name] = {key: value for key, value in written[name].items() if value is not None}
    if "email" in written:
        written["email"] = written["email"].lower()
    return written


def _merged(known: dict[str, Any], row: dict[str, Any]) -> bytes:
    """What was known, and over it what the row writes; `location` and `properties` name by name."""
    written = _written(row["attributes"])
    inner = {name: {**known.get(name, {}), **written.get(name, {})} for name in ("location", "properties")}
    _patch(inner["properties"], (row.get("meta") or {}).get("patch_properties") or {})
    kept = {name: value for name, value in inner.items() if value}
    return _encode({"attributes": {**known, **written, "properties": {}, **kept}})


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
