"""Klaviyo's profile fields: the one table of them. A new field is one row here. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from target_klaviyo_segments.segment.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["email", "phone", "text", "latitude", "longitude"]

# https://developers.klaviyo.com/en/reference/bulk_import_profiles
STANDARD_FIELDS: Mapping[str, Kind] = MappingProxyType(
    {
        "email": "email",
        "phone_number": "phone",
        "external_id": "text",
        "first_name": "text",
        "last_name": "text",
        "organization": "text",
        "title": "text",
        "locale": "text",
        "image": "text",
        "location.address1": "text",
        "location.address2": "text",
        "location.city": "text",
        "location.country": "text",
        "location.region": "text",
        "location.zip": "text",
        "location.timezone": "text",
        "location.ip": "text",
        "location.latitude": "latitude",
        "location.longitude": "longitude",
    }
)

PROFILE_BYTES_MAX = 100_000  # https://developers.klaviyo.com/en/docs/profiles_api_overview
LOCATION = "location."
CUSTOM = "properties."  # every field under it is a custom property, of any name


def field_map_problems(field_map: Mapping[str, object]) -> list[str]:
    """What is wrong with a `field_map`, a sentence each; empty when it can be used."""
    problems = []
    for field, source in field_map.items():
        if problem := _field_problem(field, source):
            problems.append(f"`field_map` {problem}")
        if not isinstance(source, str) or not source.strip():
            problems.append(f"`field_map.{field}` must name a property of the records")
    return problems


def _field_problem(field: object, source: object) -> str | None:
    if not isinstance(field, str):
        return f"names Klaviyo's fields by text, and `{field}` is none"
    if field == "email":
        return "cannot set `email`: name the property with the e-mail address in `email_field`"
    if field in STANDARD_FIELDS or (field.startswith(CUSTOM) and field != CUSTOM):
        return None
    if isinstance(source, str) and source in STANDARD_FIELDS:
        return (
            f"names `{field}`, which is no profile field of Klaviyo's, for `{source}`, which is one: Klaviyo's field "
            f'stands on the left, {{"{source}": "{field}"}}'
        )
    own = f"{CUSTOM}{field.removeprefix(CUSTOM) or 'tier'}"
    return (
        f"names `{field}`, which is no profile field of Klaviyo's{nearest(field, STANDARD_FIELDS)}"
        f" (a custom property is written `{own}`)"
    )
