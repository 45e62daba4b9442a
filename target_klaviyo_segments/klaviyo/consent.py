"""Consent: what Klaviyo knows of people's, and how it is given with the proof that they gave it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.klaviyo.answers import decode
from target_klaviyo_segments.klaviyo.membership import look_ups
from target_klaviyo_segments.klaviyo.protocol import TIER_L, Call, Endpoint, Page

if TYPE_CHECKING:
    from collections.abc import Iterator

# https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles
SUBSCRIBE_PEOPLE_MAX = 1_000

SUBSCRIBE = Endpoint(
    "Bulk Subscribe Profiles",
    TIER_L,
    ("lists:write", "profiles:write", "subscriptions:write"),
    by_row=True,
    silent=202,
)

_FIELDS = "additional-fields%5Bprofile%5D=subscriptions&fields%5Bprofile%5D=email%2Csubscriptions"
_PATH = "/api/profile-subscription-bulk-create-jobs"


@dataclass(frozen=True, slots=True)
class Standing:
    """What Klaviyo shows of one person's consent. `suppressed` are reasons; `left_lists` were unsubscribed from alone.

    `email_consent` and `sms_consent` are SUBSCRIBED, UNSUBSCRIBED, NEVER_SUBSCRIBED or whatever Klaviyo adds.
    """

    email: str = field(repr=False)
    email_consent: str | None = None
    sms_consent: str | None = None
    suppressed: frozenset[str] = frozenset()
    left_lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody to subscribe; with a phone to text messages too. `consented_at` is ISO 8601."""

    email: str = field(repr=False)
    by_email: bool
    phone: str | None = field(default=None, repr=False)
    consented_at: str | None = None


class _Reason(msgspec.Struct):
    reason: str | None = None
    list_id: str | None = None


class _Marketing(msgspec.Struct):
    consent: str | None = None
    suppression: Sequence[_Reason] | None = None
    list_suppressions: Sequence[_Reason] | None = None


class _Channel(msgspec.Struct):
    marketing: _Marketing | None = None


class _Subscriptions(msgspec.Struct):
    email: _Channel | None = None
    sms: _Channel | None = None


class _Attributes(msgspec.Struct):
    email: str | None = None
    subscriptions: _Subscriptions | None = None


class _Profile(msgspec.Struct):
    attributes: _Attributes


class _Links(msgspec.Struct):
    next: str | None = None


class _Profiles(msgspec.Struct):
    data: list[_Profile]
    links: _Links | None = None


_profiles = msgspec.json.Decoder(_Profiles)


def ask_standing(emails: Sequence[str]) -> Iterator[Call]:
    """Profiles by e-mail with their consent: https://developers.klaviyo.com/en/reference/get_profiles ."""
    return look_ups(emails, _FIELDS)


def read_standing(body: bytes) -> Page[Standing]:
    """A page of profiles with their consent; who has no e-mail is left out."""
    page = decode(_profiles, body)
    shown = (_standing(profile.attributes) for profile in page.data)
    next_url = page.links.next if page.links else None
    return Page(tuple(each for each in shown if each is not None), next_url or None)


def subscribe(
    list_id: str, people: Sequence[Subscriber], *, custom_source: str | None, historical_import: bool
) -> Call:
    """Subscribe people and put them on a list, as its opt-in says.

    `consented_at` goes with a historical import alone, which needs it:
    https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles .
    """
    attributes: dict[str, Any] = {"profiles": {"data": [_profile(each) for each in people]}}
    if custom_source is not None:
        attributes["custom_source"] = custom_source
    if historical_import:
        attributes["historical_import"] = True
    data = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": attributes,
        "relationships": {"list": {"data": {"type": "list", "id": list_id}}},
    }
    return Call(SUBSCRIBE, "POST", _PATH, msgspec.json.encode({"data": data}))


def _profile(person: Subscriber) -> dict[str, Any]:
    consent = {"consent": "SUBSCRIBED"}
    if person.consented_at is not None:
        consent["consented_at"] = person.consented_at
    attributes: dict[str, Any] = {"email": person.email, "subscriptions": {}}
    if person.by_email:
        attributes["subscriptions"]["email"] = {"marketing": consent}
    if person.phone is not None:
        attributes["phone_number"] = person.phone
        attributes["subscriptions"]["sms"] = {"marketing": consent}
    return {"type": "profile", "attributes": attributes}


def _standing(found: _Attributes) -> Standing | None:
    email = (found.email or "").strip().lower()
    if not email:
        return None
    shown = found.subscriptions or _Subscriptions()
    by_email, by_sms = (each.marketing if each else None for each in (shown.email, shown.sms))
    by_email = by_email or _Marketing()
    return Standing(
        email,
        by_email.consent,
        by_sms.consent if by_sms else None,
        frozenset(each.reason or "" for each in by_email.suppression or ()),
        frozenset(each.list_id or "" for each in by_email.list_suppressions or ()),
    )
