"""Who is on a list, and under what id: the requests that tell. Pure.

Signatures:

look_ups(emails: Sequence[str]) -> Iterator[Call]                       # at most 100 e-mails and 8,000 bytes each
get_members(list_id: str, joined: JoinedRange = EVER) -> Call           # ids, e-mails, when they joined
get_first_joined(list_id: str, *, last: bool = False) -> Call           # one person, with the instant of joining
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import quote

from target_klaviyo_segments.klaviyo.protocol import (
    GET_LIST_PROFILES,
    PAGE_SIZE,
    TIER_L,
    Call,
    Endpoint,
    path_segment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# How many values `any` takes is not documented; one page of answers is what can be counted on:
# https://developers.klaviyo.com/en/docs/filtering_
LOOK_UP_EMAILS_MAX = 100
# Nor is the length of a URL; proxies of the usual make take 8,192 bytes of request line:
# https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers
LOOK_UP_BYTES_MAX = 8_000

GET_PROFILES = Endpoint("Get Profiles", TIER_L, ("profiles:read",))

_PAGE = f"page%5Bsize%5D={PAGE_SIZE}"
_EMAIL_ONLY = "fields%5Bprofile%5D=email"
_EMAIL_AND_JOINED = "fields%5Bprofile%5D=email%2Cjoined_group_at"
_LOOK_UP = "/api/profiles"
_BEFORE, _BETWEEN, _AFTER = (quote(mark, safe="") for mark in ("any(email,[", ",", "])"))


@dataclass(frozen=True, slots=True)
class JoinedRange:
    """Members by when they joined a list: from `since` on and before `until`, with time zones; None is without end.

    Whole seconds count, the rest is cut off: ranges that share a limit neither overlap nor leave a gap.
    """

    since: datetime | None = None
    until: datetime | None = None

    @property
    def query(self) -> str:
        """The filter of it, encoded; empty when it is no limit."""
        limits = [("greater-or-equal", self.since), ("less-than", self.until)]
        text = ",".join(f"{operator}(joined_group_at,{_instant(at)})" for operator, at in limits if at is not None)
        return f"&filter={quote(text, safe='')}" if text else ""


EVER = JoinedRange()


@dataclass(frozen=True, slots=True)
class Person:
    """A profile: its e-mail in lower case, if it has one; of a list's member also when it joined, if that is told."""

    id: str
    email: str | None = field(repr=False)
    joined: datetime | None = None


@dataclass(frozen=True, slots=True)
class JoinedSpan:
    """When the first and the last of a list's members joined; None where Klaviyo does not tell."""

    first: datetime | None
    last: datetime | None


def look_ups(emails: Sequence[str], fields: str = _EMAIL_ONLY) -> Iterator[Call]:
    """Profiles that have one of these e-mails: https://developers.klaviyo.com/en/reference/get_profiles ."""
    part: list[str] = []
    start = f"{_LOOK_UP}?{fields}&{_PAGE}&filter={_BEFORE}"
    size = _fixed = len(start) + len(_AFTER)
    for email in dict.fromkeys(emails):
        text = quote('"' + email.replace("\\", "\\\\").replace('"', '\\"') + '"', safe="")
        if part and (len(part) == LOOK_UP_EMAILS_MAX or size + len(text) > LOOK_UP_BYTES_MAX):
            yield _look_up(start, part)
            part, size = [], _fixed
        part.append(text)
        size += len(text) + len(_BETWEEN)
    if part:
        yield _look_up(start, part)


def get_members(list_id: str, joined: JoinedRange = EVER) -> Call:
    """Members, the first to join first: https://developers.klaviyo.com/en/reference/get_profiles_for_list .

    In this order a person who joins meanwhile comes on a page that has not been read yet.
    """
    path = f"/api/lists/{path_segment(list_id)}/profiles?{_EMAIL_AND_JOINED}&{_PAGE}&sort=joined_group_at{joined.query}"
    return Call(GET_LIST_PROFILES, "GET", path)


def get_first_joined(list_id: str, *, last: bool = False) -> Call:
    """Who joined first, or last: https://developers.klaviyo.com/en/reference/get_profiles_for_list ."""
    order = f"fields%5Bprofile%5D=joined_group_at&page%5Bsize%5D=1&sort={'-' if last else ''}joined_group_at"
    return Call(GET_LIST_PROFILES, "GET", f"/api/lists/{path_segment(list_id)}/profiles?{order}")


def _look_up(start: str, encoded: Sequence[str]) -> Call:
    return Call(GET_PROFILES, "GET", f"{start}{_BETWEEN.join(encoded)}{_AFTER}")


def _instant(at: datetime) -> str:
    """ISO 8601: https://developers.klaviyo.com/en/docs/filtering_ ."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
