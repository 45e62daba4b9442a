"""What Klaviyo answers when all is well, read into values. Unknown fields, values and nulls are accepted. Pure.

An answer that is not of its endpoint's shape (HTML, cut off) is `Transient`: it says nothing about what was asked.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any, Generic, TypeVar

import msgspec

from target_klaviyo_segments.errors import Transient
from target_klaviyo_segments.klaviyo.membership import Person
from target_klaviyo_segments.klaviyo.protocol import CANCELLED, COMPLETE, Account, JobStatus, Page, PlanUsage, RowError
from target_klaviyo_segments.klaviyo.words import linked, masked, place

T = TypeVar("T")

_ENDED = frozenset({COMPLETE, CANCELLED})
_PROFILES = "profiles"  # https://developers.klaviyo.com/en/reference/list_billing_usage


class _Links(msgspec.Struct):
    next: str | None = None


class _Resource(msgspec.Struct, Generic[T]):
    id: str
    attributes: T
    relationships: msgspec.Raw = msgspec.Raw(b"null")


class _One(msgspec.Struct, Generic[T]):
    data: _Resource[T]


class _Many(msgspec.Struct, Generic[T]):
    data: list[_Resource[T]]
    links: _Links | None = None

    def next_url(self) -> str | None:
        return (self.links.next or None) if self.links else None


class _Contact(msgspec.Struct):
    organization_name: str | None = None


class _AccountAttributes(msgspec.Struct):
    contact_information: _Contact | None = None


class _UsageAttributes(msgspec.Struct):
    unit: str | None = None
    usage_used: float | None = None
    usage_max: float | None = None


class _JobAttributes(msgspec.Struct):
    status: str
    created_at: str | None = None
    completed_at: str | None = None
    total_count: int | None = None
    completed_count: int | None = None
    failed_count: int | None = None
    skipped_count: int | None = None


class _Source(msgspec.Struct):
    pointer: str | None = None


class _ErrorAttributes(msgspec.Struct):
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    source: _Source | None = None
    original_payload: Any = None


class _ProfileAttributes(msgspec.Struct):
    email: str | None = None
    joined_group_at: str | None = None


_ACCOUNTS = msgspec.json.Decoder(_Many[_AccountAttributes])
_USAGE = msgspec.json.Decoder(_Many[_UsageAttributes])
_JOB = msgspec.json.Decoder(_One[_JobAttributes])
_JOBS = msgspec.json.Decoder(_Many[_JobAttributes])
_ANY = msgspec.json.Decoder(_One[msgspec.Raw])
_ERRORS = msgspec.json.Decoder(_Many[_ErrorAttributes])
_PEOPLE = msgspec.json.Decoder(_Many[_ProfileAttributes])


def read_account(body: bytes) -> Account:
    """The one account of Get Accounts."""
    accounts = decode(_ACCOUNTS, body).data
    if not accounts:
        raise Transient("Klaviyo's answer names no account")
    contact = accounts[0].attributes.contact_information
    return Account(accounts[0].id, (contact.organization_name if contact else None) or "")


def read_plan_usage(body: bytes) -> PlanUsage | None:
    """The plan's limit of people; None when it has none.

    Of several rows counted in profiles the one with the least room left binds. A row that allows none at all is a
    product that the account has not bought.
    """
    rows = [row.attributes for row in decode(_USAGE, body).data if row.attributes.unit == _PROFILES]
    limits = [PlanUsage(math.ceil(row.usage_used or 0), int(row.usage_max)) for row in rows if row.usage_max]
    return min(limits, key=lambda usage: usage.maximum - usage.used, default=None)


def read_submitted(body: bytes) -> str:
    """The id of the job that a request began."""
    job_id = read_job(body).id
    if not job_id:
        raise Transient("Klaviyo's answer names no job")
    return job_id


def read_job(body: bytes) -> JobStatus:
    """The job of Get Bulk Import Profiles Job."""
    return _job(decode(_JOB, body).data)


def read_jobs(body: bytes) -> Page[JobStatus]:
    """A page of Get Bulk Import Profiles Jobs."""
    page = decode(_JOBS, body)
    return Page(tuple(map(_job, page.data)), page.next_url())


def read_id(body: bytes) -> str:
    """The id of the resource that was written."""
    return decode(_ANY, body).data.id


def read_import_errors(body: bytes) -> Page[RowError]:
    """A page of Get Errors for Bulk Import Profiles Job."""
    page = decode(_ERRORS, body)
    return Page(tuple(_row_error(error.attributes) for error in page.data), page.next_url())


def read_emails(body: bytes) -> Page[str]:
    """A page of profiles; who has no e-mail is left out."""
    page = decode(_PEOPLE, body)
    emails = (profile.attributes.email for profile in page.data)
    return Page(tuple(email for email in emails if email), page.next_url())


def read_people(body: bytes) -> Page[Person]:
    """A page of profiles with their ids, also of those who have no e-mail."""
    page = decode(_PEOPLE, body)
    return Page(tuple(map(_person, page.data)), page.next_url())


def read_joined(body: bytes) -> Page[datetime | None]:
    """When each of a page of members joined; None where it cannot be told."""
    page = decode(_PEOPLE, body)
    return Page(tuple(_instant(member.attributes.joined_group_at) for member in page.data), page.next_url())


def _instant(text: str | None) -> datetime | None:
    """In UTC where no zone is named; None for what is no date."""
    if text is None:
        return None
    try:
        at = msgspec.convert(text, datetime, strict=False)
    except msgspec.ValidationError:
        return None
    return at.replace(tzinfo=at.tzinfo or timezone.utc)


def _person(profile: _Resource[_ProfileAttributes]) -> Person:
    found = profile.attributes
    return Person(profile.id, _address(found.email), _instant(found.joined_group_at))


def _address(email: str | None) -> str | None:
    """Klaviyo's spelling in ours, which is trimmed and in lower case."""
    return (email or "").strip().lower() or None


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """An answer as the shape of its endpoint.

    Raises:
        Transient: It is none.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # Says what stands where, never a value.
        reason = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise Transient(f"Klaviyo's answer is not what this endpoint gives ({len(body)} bytes: {reason})") from None


def _job(job: _Resource[_JobAttributes]) -> JobStatus:
    found = job.attributes
    return JobStatus(
        id=job.id,
        status=found.status,
        ended=found.status in _ENDED or found.completed_at is not None,
        total=found.total_count or 0,
        completed=found.completed_count or 0,
        failed=found.failed_count or 0,
        created_at=_instant(found.created_at),
        skipped=found.skipped_count or 0,
        lists=linked(job.relationships, "lists"),
    )


def _row_error(error: _ErrorAttributes) -> RowError:
    who = _identifiers(error.original_payload)
    pointer = error.source.pointer if error.source else None
    return RowError(
        code=error.code or "",
        title=masked(error.title or ""),
        detail=masked(error.detail or ""),
        pointer=pointer,
        field=place(pointer)[1] if pointer else None,
        email=who.get("email"),
        phone=who.get("phone_number"),
        external_id=who.get("external_id"),
    )


def _identifiers(payload: Any) -> dict[str, str]:  # noqa: ANN401  # its shape is documented nowhere: any JSON
    """Who a row is, from its payload as Klaviyo gives it back: attributes, a resource, or a whole request."""
    for inner in (_member(_member(payload, "data"), "attributes"), _member(payload, "attributes"), payload):
        named = {name: _member(inner, name) for name in ("email", "phone_number", "external_id")}
        found = {name: str(value) for name, value in named.items() if isinstance(value, (str, int)) and value}
        if found:
            return found
    return {}


def _member(value: Any, name: str) -> Any:  # noqa: ANN401  # any JSON
    return value.get(name) if isinstance(value, dict) else None
