"""Standard fields of one person cleared: what they are now, the request that clears them, what refuses it. Pure.

    look_up(emails: Sequence[str], fields: Iterable[str]) -> Iterator[Call]          # at most 100 people each
    read_found(body: bytes) -> Page[Found]
    nulls_for(found: Found, fields: Iterable[str]) -> dict[str, Any]                 # empty: there is nothing to clear
    clear_fields(profile_id: str, attributes: Mapping[str, Any]) -> Call             # one person, who must exist
    read_refusal(status: int, body: bytes) -> FieldsRefused | None

A bulk import cannot clear a field: https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.klaviyo.membership import look_ups
from target_klaviyo_segments.klaviyo.protocol import TIER_L, Call, Endpoint, Page
from target_klaviyo_segments.klaviyo.refusals import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# 75 a second and 750 a minute: https://developers.klaviyo.com/en/reference/create_or_update_profile
IMPORT_PROFILE = Endpoint("Create or Update Profile", TIER_L, ("profiles:write",))
CLEARED_A_MINUTE = max(window.quota for window in TIER_L)

_LOCATION = "location."
_REFUSALS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})


class FieldsRefused(KlaviyoError):
    """Klaviyo does not clear the fields of this person; nothing of the request was done."""


@dataclass(frozen=True, slots=True)
class Found:
    """A profile and the attributes that were asked for; its e-mail in lower case."""

    id: str
    email: str = field(repr=False)
    attributes: Mapping[str, Any] = field(repr=False)


class _Resource(msgspec.Struct):
    id: str
    attributes: dict[str, Any]


class _Links(msgspec.Struct):
    next: str | None = None


class _People(msgspec.Struct):
    data: list[_Resource]
    links: _Links = msgspec.field(default_factory=_Links)


_decode = msgspec.json.Decoder(_People).decode


def look_up(emails: Sequence[str], fields: Iterable[str]) -> Iterator[Call]:
    """What people have in these fields: https://developers.klaviyo.com/en/reference/get_profiles ."""
    names = sorted({"email", *(name.partition(".")[0] for name in fields)})
    return look_ups(emails, f"fields%5Bprofile%5D={'%2C'.join(names)}")


def read_found(body: bytes) -> Page[Found]:
    """A page of profiles; who has no e-mail is left out.

    Raises:
        KlaviyoError: It is none.
    """
    try:
        page = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KlaviyoError("Get Profiles: Klaviyo's answer is not a page of profiles") from error
    people = [(each, str(each.attributes.get("email") or "").strip().lower()) for each in page.data]
    return Page(tuple(Found(each.id, email, each.attributes) for each, email in people if email), page.links.next)


def nulls_for(found: Found, fields: Iterable[str]) -> dict[str, Any]:
    """Attributes that clear those of the fields that have a value.

    A location is sent whole: whether one that is sent in part replaces what is there is not documented.
    https://developers.klaviyo.com/en/reference/create_or_update_profile
    """
    there, location = found.attributes, found.attributes.get("location")
    location = (
        {key: value for key, value in location.items() if value is not None} if isinstance(location, dict) else {}
    )
    names = list(fields)
    inside = {name.removeprefix(_LOCATION) for name in names if name.startswith(_LOCATION)} & location.keys()
    nulls: dict[str, Any] = {name: None for name in names if there.get(name) is not None}
    return {**nulls, "location": {**location, **dict.fromkeys(sorted(inside))}} if inside else nulls


def clear_fields(profile_id: str, attributes: Mapping[str, Any]) -> Call:
    """Null clears, and what is not there stays; by Klaviyo's id, so that nobody is created.

    https://developers.klaviyo.com/en/reference/create_or_update_profile
    """
    body = {"data": {"type": "profile", "id": profile_id, "attributes": attributes}}
    return Call(IMPORT_PROFILE, "POST", "/api/profile-import", msgspec.json.encode(body))


def read_refusal(status: int, body: bytes) -> FieldsRefused | None:
    """What the refusal of one person says; None when it is about something else."""
    if status not in _REFUSALS:
        return None
    return FieldsRefused(f"Klaviyo answers {status:d} to {IMPORT_PROFILE.name}: {words_of(body)}")
