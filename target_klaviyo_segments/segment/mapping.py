"""Records become profiles, encoded once; the way of each property is planned once a stream. Pure."""

from __future__ import annotations

from itertools import compress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment import placing
from target_klaviyo_segments.segment.fields import PROFILE_BYTES_MAX, STANDARD_FIELDS
from target_klaviyo_segments.segment.identity import mask, normalise_email, normalise_emails
from target_klaviyo_segments.segment.nulls import Nulls
from target_klaviyo_segments.segment.patching import mapping_problems, patch_sources, profile_of
from target_klaviyo_segments.segment.plan import Plan
from target_klaviyo_segments.segment.router import AS_DECODED, AddressRouter, Router
from target_klaviyo_segments.segment.values import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

__all__ = ["PROFILE_BYTES_MAX", "STANDARD_FIELDS", "Mapper", "Profile", "Profiles", "mapping_problems"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
# Sorted: a tap that writes its columns in another order has changed nobody.
_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class Profile(NamedTuple):
    """A person as one import job takes it: the profile resource in compact JSON.

    `dropped` names the fields that are left out because their value was unusable: `phone_number`,
    `location.latitude`, `properties.score`.
    """

    email: str
    payload: bytes
    dropped: tuple[str, ...]


class Profiles(NamedTuple):
    """The profiles of many records, by columns; `left` are the places of records that `map` must look at alone."""

    emails: list[str]
    payloads: list[bytes]
    dropped: list[str]
    left: list[int]


class Mapper:
    """Maps the records of one stream."""

    __slots__ = ("_email_field", "_email_parts", "_router", "nulls", "patches", "plan")

    def __init__(
        self,
        router: Router | AddressRouter,
        email_field: str,
        *,
        email_inside: bool,
        patches: bool = False,
        nulls: Nulls | None = None,
        plan: Plan | None = None,
    ) -> None:
        """Take a router; `compile` or `of_addresses` makes it.

        `patches`: rows change arrays that Klaviyo has, so that of a person's rows the last alone would not do.
        `plan`: the ways of properties, when a record's profile follows from them alone.
        """
        self.patches = patches
        self.plan = plan
        self.nulls = nulls
        self._router = router
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
        append_fields: Mapping[str, str] = _NOTHING,
        unappend_fields: Mapping[str, str] = _NOTHING,
        null_fields: Literal["keep", "clear"] = "keep",
    ) -> Mapper:
        """Plan the way of every property.

        Args:
            properties: Of the stream's schema; a record may bring others.
            email_field: The property with the e-mail address, or a dotted path into objects when none has that name.
            field_map: Klaviyo field to property or dotted path; without problems by `mapping_problems`.
            unmapped_fields: Whether other properties become custom properties.
            default_country: In which national phone numbers are read.
            append_fields: Custom property to property or dotted path, whose values are added to it.
            unappend_fields: The same, for values to be taken out of it.
            null_fields: Whether a null takes away what Klaviyo has.
        """
        known = frozenset(properties)
        plan = Plan(
            properties=known,
            email_field=email_field,
            field_map=field_map,
            send_unmapped=unmapped_fields == "send",
            default_country=default_country,
            patches=patch_sources(append_fields, unappend_fields),
        )
        nulls = Nulls(plan) if null_fields == "clear" else None
        inside = _is_inside(email_field, known)
        return cls(
            Router(plan, known, nulls),
            email_field,
            email_inside=inside,
            patches=plan.patches,
            nulls=nulls,
            plan=None if nulls else plan,
        )

    @classmethod
    def of_addresses(cls, properties: Iterable[str], email_field: str) -> Mapper:
        """What maps records to their e-mail addresses, and takes nothing else of them along."""
        return cls(AddressRouter(), email_field, email_inside=_is_inside(email_field, frozenset(properties)))

    def email(self, record: dict[str, Any]) -> str | Rejection:
        """Who a record is."""
        return normalise_email(*self._raw_emails([record]))

    def masked(self, record: dict[str, Any]) -> str:
        """Who a record is, as a log may show it."""
        return mask(*self._raw_emails([record]))

    def map(self, record: dict[str, Any]) -> Profile | Rejection:
        """The profile of a record; a rejection when it has no good e-mail address or is too large for Klaviyo."""
        email = self.email(record)
        if not isinstance(email, str):
            return email._replace(field=self._email_field)
        dropped: list[str] = []
        (attributes,) = self._router.attributes([record], [email], dropped)
        profile = profile_of(attributes)
        try:
            payload = _encoder.encode(profile)
        except ValueError:  # a lone surrogate, or an integer beyond what Python writes: rare, so looked for only now
            payload = _encoder.encode({**profile, "attributes": _cleaned(attributes, dropped)})
        if len(payload) > PROFILE_BYTES_MAX:
            reason = f"its profile has {len(payload):,} bytes, and Klaviyo takes {PROFILE_BYTES_MAX:,}"
            return Rejection("profile_too_large", reason)
        return Profile(email, payload, tuple(dropped))

    def map_many(self, records: Sequence[dict[str, Any]], good: Sequence[bool]) -> Profiles:
        """The profiles of records as a JSON decoder gave them; of those that are `good`, the rest are left.

        A record whose profile is not plainly right is left too: `map` says what is wrong with it, if anything.
        """
        answers = normalise_emails(self._raw_emails(records))
        emails = [email for email, fine in zip(answers, good, strict=True) if fine and isinstance(email, str)]
        left: list[int] = []
        if len(emails) < len(records):
            fit = [fine and isinstance(email, str) for email, fine in zip(answers, good, strict=True)]
            left = [place for place, fits in enumerate(fit) if not fits]
            records = list(compress(records, fit))
        dropped: list[str] = []
        payloads = self._payloads(records, emails, dropped)
        if payloads is None:
            return Profiles([], [], [], list(range(len(good))))
        return Profiles(emails, payloads, dropped, left)

    def _payloads(
        self, records: Sequence[dict[str, Any]], emails: Sequence[str], dropped: list[str]
    ) -> list[bytes] | None:
        """Encoded profiles; None when one of them has something odd."""
        attributes = self._router.attributes(records, emails, dropped, AS_DECODED)
        if self._router.patches:
            profiles = list(map(profile_of, attributes))
        else:
            profiles = [{"type": "profile", "attributes": each} for each in attributes]  # the same, without a call
        try:
            payloads = _encoder.encode_lines(profiles).split(b"\n")
        except ValueError:
            return None
        payloads.pop()
        return payloads if max(map(len, payloads), default=0) <= PROFILE_BYTES_MAX else None

    def _raw_emails(self, records: Iterable[dict[str, Any]]) -> list[object]:
        field, parts = self._email_field, self._email_parts
        if parts:
            return [placing.read_deep(record, field, parts) for record in records]
        return [record.get(field) for record in records]


def _is_inside(email_field: str, properties: AbstractSet[str]) -> bool:
    """Whether it is a path into objects: no property has that very name."""
    return "." in email_field and email_field not in properties


def _cleaned(attributes: dict[str, Any], dropped: list[str]) -> dict[str, Any]:
    """The attributes without what cannot be encoded: each value is None, or encodes."""
    custom = {name: clean(value) for name, value in attributes.get("properties", {}).items()}
    dropped += [f"properties.{name}" for name, value in custom.items() if value is None]
    kept = {name: value for name, value in custom.items() if value is not None}
    standard = {name: clean(value) for name, value in attributes.items() if name != "properties"}
    return {**standard, "properties": kept} if kept else standard
