"""A record becomes a profile, encoded once; the way of each property is planned once a stream. Pure."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment import placing
from target_klaviyo_segments.segment.fields import STANDARD_FIELDS, field_map_problems
from target_klaviyo_segments.segment.identity import normalise_email
from target_klaviyo_segments.segment.plan import NOWHERE, OWN_NAME, Plan
from target_klaviyo_segments.segment.values import clean, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_klaviyo_segments.segment.placing import Put
    from target_klaviyo_segments.segment.plan import Way

__all__ = ["PROFILE_BYTES_MAX", "STANDARD_FIELDS", "Mapper", "Profile", "field_map_problems"]

PROFILE_BYTES_MAX = 100_000  # https://developers.klaviyo.com/en/docs/profiles_api_overview

_HEAD = b'{"type":"profile","attributes":'  # https://developers.klaviyo.com/en/reference/bulk_import_profiles
_AS_IT_IS = frozenset({str, int, bool})
_LEARNED_MAX = 10_000  # a record whose keys are data must not fill the memory
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Profile(NamedTuple):
    """A person as one import job takes it: the profile resource in compact JSON.

    `dropped` names the fields that are left out because their value was unusable: `phone_number`,
    `location.latitude`, `properties.score`.
    """

    email: str
    payload: bytes
    dropped: tuple[str, ...]


class Mapper:
    """Maps the records of one stream."""

    __slots__ = ("_deep", "_email_field", "_email_parts", "_plan", "_ways")

    def __init__(self, plan: Plan, email_field: str, *, email_inside: bool) -> None:
        """Take a plan; `compile` makes it."""
        self._plan = plan
        self._ways = dict(plan.ways)
        self._deep = tuple(plan.deep)
        self._email_field = email_field
        self._email_parts = tuple(email_field.split(".")) if email_inside else ()

    @classmethod
    def compile(
        cls,
        *,
        properties: Iterable[str],
        email_field: str,
        field_map: Mapping[str, str],
        unmapped_fields: Literal["send", "drop"],
        default_country: str | None,
    ) -> Mapper:
        """Plan the way of every property.

        Args:
            properties: Of the stream's schema; a record may bring others.
            email_field: The property with the e-mail address, or a dotted path into objects when none has that name.
            field_map: Klaviyo field to property or dotted path; without problems by `field_map_problems`.
            unmapped_fields: Whether other properties become custom properties.
            default_country: In which national phone numbers are read.
        """
        known = frozenset(properties)
        plan = Plan(
            properties=known,
            email_field=email_field,
            field_map=field_map,
            send_unmapped=unmapped_fields == "send",
            default_country=default_country,
        )
        return cls(plan, email_field, email_inside="." in email_field and email_field not in known)

    def map(self, record: dict[str, Any]) -> Profile | Rejection:
        """The profile of a record; a rejection when it has no good e-mail address or is too large for Klaviyo."""
        field, parts, ways = self._email_field, self._email_parts, self._ways
        email = normalise_email(placing.read_deep(record, field, parts) if parts else record.get(field))
        if not isinstance(email, str):
            return email._replace(field=field)
        custom: dict[str, Any] = {}
        attributes: dict[str, Any] = {"email": email, "properties": custom}
        dropped: list[str] = []
        for name, value in record.items():
            if value is None:  # ignored: https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
                continue
            try:
                way = ways[name]
            except KeyError:  # costs nothing until a name is new, and a call to `get` would
                way = self._learn(name)
            if way is OWN_NAME:
                kind = type(value)
                if kind is str or kind in _AS_IT_IS or (kind is float and isfinite(value)):
                    custom[name] = value
                else:
                    placing.put_custom(name, value, attributes, dropped)
            elif way is not NOWHERE:
                way(value, attributes, dropped)
        for deep in self._deep:
            deep.apply(record, attributes, dropped)
        return _profile(email, attributes, dropped)

    def _learn(self, name: object) -> Way | Put:
        """The way of a property that the schema does not name."""
        text = name_of(name)
        way = self._plan.way_of(text)
        if name != text:  # no text, or none that UTF-8 can hold
            return placing.custom(text) if way is OWN_NAME else way
        if len(self._ways) < _LEARNED_MAX:
            self._ways[text] = way
        return way


def _profile(email: str, attributes: dict[str, Any], dropped: list[str]) -> Profile | Rejection:
    if not attributes["properties"]:
        del attributes["properties"]
    try:
        encoded = _encode(attributes)
    except ValueError:  # a lone surrogate, or an integer beyond what Python writes: rare, so looked for only now
        encoded = _encode(_cleaned(attributes, dropped))
    payload = _HEAD + encoded + b"}"
    if len(payload) > PROFILE_BYTES_MAX:
        reason = f"its profile has {len(payload):,} bytes, and Klaviyo takes {PROFILE_BYTES_MAX:,}"
        return Rejection("profile_too_large", reason)
    return Profile(email, payload, tuple(dropped))


def _cleaned(attributes: dict[str, Any], dropped: list[str]) -> dict[str, Any]:
    """The attributes without what cannot be encoded: each value is None, or encodes."""
    custom = {name: clean(value) for name, value in attributes.get("properties", {}).items()}
    dropped += [f"properties.{name}" for name, value in custom.items() if value is None]
    kept = {name: value for name, value in custom.items() if value is not None}
    standard = {name: clean(value) for name, value in attributes.items() if name != "properties"}
    return {**standard, "properties": kept} if kept else standard
