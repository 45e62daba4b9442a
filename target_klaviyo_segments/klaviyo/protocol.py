"""What Klaviyo is asked: its endpoints with their limits and scopes, requests built, and the values read back. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import field as member
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from target_klaviyo_segments.errors import KlaviyoError, NotFound
from target_klaviyo_segments.klaviyo.bodies import ImportBody

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

T = TypeVar("T")

# One import job: https://developers.klaviyo.com/en/reference/bulk_import_profiles
IMPORT_ROWS_MAX = 10_000
IMPORT_BODY_BYTES_MAX = 5_000_000
# Profiles, jobs and import errors: https://developers.klaviyo.com/en/reference/get_errors_for_bulk_import_profiles_job
PAGE_SIZE = 100

_PAGE = f"page%5Bsize%5D={PAGE_SIZE}"
_EMAIL_ONLY = "fields%5Bprofile%5D=email"
_JOBS = "/api/profile-bulk-import-jobs"
_IMPORT_HEAD = b'{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":['


@dataclass(frozen=True, slots=True)
class Window:
    """At most `quota` requests in `seconds`."""

    quota: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the API: each has rate windows of its own, for the whole account.

    `by_row`: it is taken whole or not at all, and a refusal names people by their places in the body.
    `silent`: the one status that says yes, without a body, which is then read as no bytes. None where there is one.
    """

    name: str
    windows: tuple[Window, ...]
    scopes: tuple[str, ...]
    by_row: bool = False
    silent: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `path` holds the encoded query. The body is personal, so no `repr` shows it."""

    endpoint: Endpoint
    method: str
    path: str
    body: bytes | ImportBody | None = member(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a key belongs to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class PlanUsage:
    """People that the account's plan is charged for now, and may hold."""

    used: int
    maximum: int


# https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_job
COMPLETE, CANCELLED = "complete", "cancelled"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job of Klaviyo's. `ended` is what to wait for: the counts say nothing about it."""

    id: str
    status: str
    ended: bool
    total: int
    completed: int
    failed: int
    created_at: datetime | None
    skipped: int = 0  # told of suppressions alone: people for whom there was nothing to do
    lists: tuple[str, ...] = ()  # ids of the lists that it fills; empty when Klaviyo does not tell

    @property
    def ended_well(self) -> bool:
        """Whether whoever has no import error was brought in: not where it was cancelled, or by a word of its own."""
        return self.ended and self.status == COMPLETE


@dataclass(frozen=True, slots=True)
class RowError:
    """An import error of one row. `detail` has its e-mails and phones masked; the identifiers tie it to the row."""

    code: str
    title: str
    detail: str
    pointer: str | None
    field: str | None  # the attribute that the pointer names, `location.zip`
    email: str | None = member(repr=False)
    phone: str | None = member(repr=False)
    external_id: str | None = member(repr=False)

    @property
    def reason(self) -> str:
        """Klaviyo's words, fit for a log."""
        return self.detail or self.title or self.code


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items of one page, and where the next one is."""

    items: tuple[T, ...]
    next_url: str | None


# Burst and steady: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
TIER_XS = (Window(1, 1), Window(15, 60))
TIER_M = (Window(10, 1), Window(150, 60))
TIER_L = (Window(75, 1), Window(750, 60))

GET_ACCOUNTS = Endpoint("Get Accounts", TIER_XS, ("accounts:read",))
# https://developers.klaviyo.com/en/reference/list_billing_usage
LIST_BILLING_USAGE = Endpoint("List Billing Usage", TIER_M, ("usage:read",))
IMPORT_PROFILES = Endpoint("Bulk Import Profiles", TIER_M, ("lists:write", "profiles:write"), by_row=True)
GET_IMPORT_JOBS = Endpoint("Get Bulk Import Profiles Jobs", TIER_M, ("lists:read", "profiles:read"))
GET_IMPORT_JOB = Endpoint("Get Bulk Import Profiles Job", TIER_M, ("lists:read", "profiles:read"))
GET_IMPORT_ERRORS = Endpoint("Get Errors for Bulk Import Profiles Job", TIER_M, ("profiles:read",))
GET_JOB_PROFILES = Endpoint("Get Profiles for Bulk Import Profiles Job", TIER_M, ("profiles:read",))
GET_LIST_PROFILES = Endpoint("Get Profiles for List", TIER_L, ("lists:read", "profiles:read"))


def get_account() -> Call:
    """The account of the key: https://developers.klaviyo.com/en/reference/get_accounts ."""
    return Call(GET_ACCOUNTS, "GET", "/api/accounts")


def get_billing_usage() -> Call:
    """What the plan allows: https://developers.klaviyo.com/en/reference/list_billing_usage ."""
    return Call(LIST_BILLING_USAGE, "GET", "/api/billing-usage")


def import_profiles(list_id: str, payloads: Sequence[bytes]) -> Call:
    """A job that writes encoded profiles and puts them on a list.

    One list a job: https://developers.klaviyo.com/en/reference/bulk_import_profiles .
    """
    return Call(IMPORT_PROFILES, "POST", _JOBS, ImportBody(_IMPORT_HEAD, payloads, _import_tail(list_id)))


def import_envelope_bytes(list_id: str) -> int:
    """Bytes of an import's body besides its payloads and the commas between them."""
    return len(_IMPORT_HEAD) + len(_import_tail(list_id))


def list_import_jobs() -> Call:
    """All import jobs of the account, newest first.

    Unfiltered, because a filter cannot name cancelled jobs:
    https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_jobs .
    """
    return Call(GET_IMPORT_JOBS, "GET", f"{_JOBS}?sort=-created_at&{_PAGE}")


def get_import_job(job_id: str) -> Call:
    """One import job: https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_job ."""
    return Call(GET_IMPORT_JOB, "GET", f"{_JOBS}/{path_segment(job_id)}")


def get_import_errors(job_id: str) -> Call:
    """Rows that a job dropped: https://developers.klaviyo.com/en/reference/get_errors_for_bulk_import_profiles_job ."""
    return Call(GET_IMPORT_ERRORS, "GET", f"{_JOBS}/{path_segment(job_id)}/import-errors?{_PAGE}")


def get_job_profiles(job_id: str) -> Call:
    """E-mails that a job brought in.

    https://developers.klaviyo.com/en/reference/get_profiles_for_bulk_import_profiles_job
    """
    return Call(GET_JOB_PROFILES, "GET", f"{_JOBS}/{path_segment(job_id)}/profiles?{_EMAIL_ONLY}&{_PAGE}")


def get_list_profiles(list_id: str) -> Call:
    """E-mails of a list's members: https://developers.klaviyo.com/en/reference/get_profiles_for_list ."""
    return Call(GET_LIST_PROFILES, "GET", f"/api/lists/{path_segment(list_id)}/profiles?{_EMAIL_ONLY}&{_PAGE}")


def follow(call: Call, next_url: str, api_url: str) -> Call:
    """The page after `call`'s, exactly as `links.next` says.

    Raises:
        KlaviyoError: It is on another host: the key is for `api_url` alone.
    """
    try:
        there = urlsplit(urljoin(api_url, next_url))
        elsewhere = _origin(there.geturl()) != _origin(api_url)
    except ValueError as error:
        raise KlaviyoError(f"{call.endpoint.name}: the link to the next page is no URL") from error
    if elsewhere:
        raise KlaviyoError(
            f"{call.endpoint.name}: the next page is said to be at {there.hostname}, not at `api_url`: not followed"
        )
    path = there.path.removeprefix(urlsplit(api_url).path.rstrip("/") + "/").lstrip("/")
    return Call(call.endpoint, "GET", f"/{path}?{there.query}" if there.query else f"/{path}")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _import_tail(list_id: str) -> bytes:
    return b']}},"relationships":{"lists":{"data":[{"type":"list","id":' + json.dumps(list_id).encode() + b"}]}}}}"


def path_segment(identity: str) -> str:
    """An id as one path segment. An empty one would ask for the collection, a dotted one for its parent."""
    if not identity.strip("."):
        raise NotFound(f"`{identity}` is not the ID of anything in Klaviyo")
    return quote(identity, safe="")
