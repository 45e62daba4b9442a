"""Suppression for e-mail marketing: the jobs that put people under it by their address, or lift it. Pure.

Only people who are named are concerned. The same endpoints take a list or a Klaviyo segment in place of addresses, and
would suppress everybody who is in it at that moment: nothing here can ask for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from target_klaviyo_segments.klaviyo.protocol import TIER_L, Call, Endpoint, path_segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# https://developers.klaviyo.com/en/reference/bulk_suppress_profiles
PEOPLE_A_JOB = 100

_READ = ("subscriptions:read",)


@dataclass(frozen=True, slots=True)
class Kind:
    """Jobs that do one thing: the type of their resource, and the endpoints that begin and show them."""

    resource: str
    begin: Endpoint
    show_all: Endpoint
    show_one: Endpoint

    @property
    def path(self) -> str:
        """Of all of them."""
        return f"/api/{self.resource}s"


SUPPRESS = Kind(
    "profile-suppression-bulk-create-job",
    # Somebody whom Klaviyo does not know becomes a profile: https://developers.klaviyo.com/en/reference/bulk_suppress_profiles
    Endpoint("Bulk Suppress Profiles", TIER_L, ("profiles:write", "subscriptions:write"), by_row=True),
    # https://developers.klaviyo.com/en/reference/get_bulk_suppress_profiles_jobs
    Endpoint("Get Bulk Suppress Profiles Jobs", TIER_L, _READ),
    # https://developers.klaviyo.com/en/reference/get_bulk_suppress_profiles_job
    Endpoint("Get Bulk Suppress Profiles Job", TIER_L, _READ),
)
UNSUPPRESS = Kind(
    "profile-suppression-bulk-delete-job",
    # Lifts USER_SUPPRESSED alone: https://developers.klaviyo.com/en/reference/bulk_unsuppress_profiles
    Endpoint("Bulk Unsuppress Profiles", TIER_L, ("subscriptions:write",), by_row=True),
    # https://developers.klaviyo.com/en/reference/get_bulk_unsuppress_profiles_jobs
    Endpoint("Get Bulk Unsuppress Profiles Jobs", TIER_L, _READ),
    # https://developers.klaviyo.com/en/reference/get_bulk_unsuppress_profiles_job
    Endpoint("Get Bulk Unsuppress Profiles Job", TIER_L, _READ),
)
KINDS: Mapping[str, Kind] = MappingProxyType({"suppress": SUPPRESS, "unsuppress": UNSUPPRESS})  # by `sync_mode`


def begin(kind: Kind, profiles: Sequence[bytes]) -> Call:
    """A job for these people, each a profile resource with nothing but its e-mail address; at most `PEOPLE_A_JOB`."""
    head = f'{{"data":{{"type":"{kind.resource}","attributes":{{"profiles":{{"data":['
    return Call(kind.begin, "POST", kind.path, head.encode() + b",".join(profiles) + b"]}}}}")


def show_all(kind: Kind) -> Call:
    """All jobs of the account, the newest first. How many a page holds cannot be asked for."""
    return Call(kind.show_all, "GET", f"{kind.path}?sort=-created")


def show_one(kind: Kind, job_id: str) -> Call:
    """One job."""
    return Call(kind.show_one, "GET", f"{kind.path}/{path_segment(job_id)}")
