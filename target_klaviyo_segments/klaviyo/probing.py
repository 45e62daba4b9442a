"""What a check asks Klaviyo: which scopes a key has, and how many are on a list. Pure.

A scope to write is told by a request without content. Klaviyo refuses one whose scope is missing by 403, and one that
it understands too little of by 400: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling . There is
nothing in it that could be written. See docs/decisions/0021-check.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import msgspec

from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.klaviyo.answers import decode
from target_klaviyo_segments.klaviyo.lists import CREATE_LIST, GET_LISTS
from target_klaviyo_segments.klaviyo.protocol import (
    IMPORT_PROFILES,
    TIER_L,
    TIER_XS,
    Call,
    Endpoint,
    get_account,
    get_billing_usage,
    path_segment,
)
from target_klaviyo_segments.klaviyo.refusals import is_page
from target_klaviyo_segments.klaviyo.suppressing import KINDS, SUPPRESS, UNSUPPRESS, show_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# `profile_count` has windows of its own: https://developers.klaviyo.com/en/reference/get_list
GET_LIST_SIZE = Endpoint("Get List with its size", TIER_XS, ("lists:read",))
GET_PROFILES = Endpoint("Get Profiles", TIER_L, ("profiles:read",))

_NO_CONTENT = b"{}"


@dataclass(frozen=True, slots=True)
class Probe:
    """A request that tells of a scope. It needs `also` as well, so it tells nothing while that one is missing."""

    scope: str
    call: Call
    also: str | None = None
    optional: bool = False


_ACCOUNT = Probe("accounts:read", get_account())
_LISTS = (
    # https://developers.klaviyo.com/en/reference/get_lists
    Probe("lists:read", Call(GET_LISTS, "GET", "/api/lists?page%5Bsize%5D=1&fields%5Blist%5D=name")),
    # https://developers.klaviyo.com/en/reference/get_profiles : of one person, when it was made, and nothing personal
    Probe("profiles:read", Call(GET_PROFILES, "GET", "/api/profiles?page%5Bsize%5D=1&fields%5Bprofile%5D=created")),
    # https://developers.klaviyo.com/en/reference/create_list
    Probe("lists:write", Call(CREATE_LIST, "POST", "/api/lists", _NO_CONTENT)),
    # https://developers.klaviyo.com/en/reference/bulk_import_profiles
    Probe(
        "profiles:write",
        Call(IMPORT_PROFILES, "POST", "/api/profile-bulk-import-jobs", _NO_CONTENT),
        also="lists:write",
    ),
    Probe("usage:read", get_billing_usage(), optional=True),
)
# Of the requests about consent the one that needs nothing but this; it would lift suppressions, had it anybody in it.
_CONSENT = Probe("subscriptions:write", Call(UNSUPPRESS.begin, "POST", UNSUPPRESS.path, _NO_CONTENT))
_SUPPRESSION = Probe("subscriptions:read", show_all(SUPPRESS))
# https://developers.klaviyo.com/en/reference/bulk_suppress_profiles
_SUPPRESS = Probe(
    "profiles:write", Call(SUPPRESS.begin, "POST", SUPPRESS.path, _NO_CONTENT), also="subscriptions:write"
)


def probes(modes: Collection[str], *, subscribes: bool) -> Iterator[Probe]:
    """What tells of each scope that runs need: by the values of `sync_mode` in the settings, and for consent."""
    to_lists = not modes or bool(set(modes) - KINDS.keys())
    yield _ACCOUNT
    if to_lists:
        yield from _LISTS
    if subscribes or not KINDS.keys().isdisjoint(modes):
        yield _CONSENT
    if not KINDS.keys().isdisjoint(modes):
        yield _SUPPRESSION
    if "suppress" in modes and not to_lists:
        yield _SUPPRESS


class Answer(Protocol):
    """As much of an answer as a probe looks at."""

    @property
    def status(self) -> int:
        """HTTP's."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Their names in lower case."""
        ...


class Refused(KlaviyoError):
    """A 400: the scopes suffice, and there was nothing in the request."""


def read_refusal(reply: Answer) -> Refused | None:
    """A 400 of Klaviyo's own says all that a probe asks; None for everything else."""
    own = reply.status == HTTPStatus.BAD_REQUEST and not is_page(reply.headers)
    return Refused("the request had no content") if own else None


def read_granted(probe: Probe, body: bytes) -> None:
    """What was read is there.

    Raises:
        Transient: It is not.
        KlaviyoError: Nothing was to be read: whoever said yes is not Klaviyo.
    """
    if probe.call.body is not None:
        raise KlaviyoError(
            f"{probe.call.endpoint.name}: a request without content was taken, which Klaviyo never does: a proxy or a "
            "firewall answers in its place. Nothing was written"
        )
    decode(_ANY, body)


def get_list_size(list_id: str) -> Call:
    """How many are on a list: https://developers.klaviyo.com/en/reference/get_list ."""
    query = "additional-fields%5Blist%5D=profile_count&fields%5Blist%5D=name"
    return Call(GET_LIST_SIZE, "GET", f"/api/lists/{path_segment(list_id)}?{query}")


class _Attributes(msgspec.Struct):
    profile_count: int | None = None


class _List(msgspec.Struct):
    attributes: _Attributes


class _Document(msgspec.Struct):
    data: _List


class _Any(msgspec.Struct):
    data: msgspec.Raw


_SIZE = msgspec.json.Decoder(_Document)
_ANY = msgspec.json.Decoder(_Any)


def read_list_size(body: bytes) -> int | None:
    """The size in the answer to `get_list_size`."""
    return decode(_SIZE, body).data.attributes.profile_count
