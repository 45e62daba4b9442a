"""Settings into the parts of a run: which clock and transport, which client, which bounds."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_klaviyo_segments import __version__
from target_klaviyo_segments.clock import Clock, SystemClock
from target_klaviyo_segments.export.errands import Errands
from target_klaviyo_segments.export.limits import Limits
from target_klaviyo_segments.export.mirror import MirrorLimits
from target_klaviyo_segments.export.roll import READERS
from target_klaviyo_segments.klaviyo.auth import ApiKey
from target_klaviyo_segments.klaviyo.client import KlaviyoClient
from target_klaviyo_segments.klaviyo.protocol import import_envelope_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests.adapters import BaseAdapter

    from target_klaviyo_segments.ledger import Ledger
    from target_klaviyo_segments.settings import Settings

# The longest list ID that is planned for; Klaviyo's have six characters.
_LONGEST_LIST_ID = "x" * 64


@dataclass(frozen=True, slots=True)
class Wires:
    """What a run is connected to; a test connects it to other things."""

    clock: Clock = field(default_factory=SystemClock)
    transport: BaseAdapter | None = None
    wall: Callable[[], float] = time.time  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Once:
    """What the command line says for one run: whose kept rows are the input, how many a mirror may take off."""

    retry_of: str | None = None
    allow_removals: int | None = None


def make_client(settings: Settings, wires: Wires, on_retry: Callable[[str, float], None]) -> KlaviyoClient:
    """The client of this connection."""
    return KlaviyoClient(
        api_url=settings.api_url,
        auth=ApiKey(settings.api_key),
        revision=settings.api_revision,
        user_agent=f"target-klaviyo-segments/{__version__}",
        request_timeout_seconds=settings.request_timeout_seconds,
        retry_max_seconds=settings.retry_max_seconds,
        pool_size=max(settings.max_in_flight, READERS if settings.mirror_scope == "all" else 0) + 1,
        clock=wires.clock,
        wall=wires.wall,
        random=random.random,
        transport=wires.transport,
        on_retry=on_retry,
    )


def make_mirror_limits(settings: Settings, allow_removals: int | None) -> MirrorLimits:
    """What a mirror may do."""
    return MirrorLimits(
        lists=settings.mirrored_lists,
        everybody=settings.mirror_scope == "all",
        max_removal_percent=settings.max_removal_percent,
        max_rejected_percent=settings.max_rejected_percent,
        allow_removals=allow_removals,
    )


def make_errands(
    settings: Settings, ledger: Ledger, wires: Wires, *, begin: Callable[[], None], warn: Callable[[str], None]
) -> Errands:
    """What is done for people once they are delivered; each kind has its hand here."""
    return Errands(
        ledger.errands,
        [],
        now=wires.wall,
        again_after_seconds=settings.resend_after_days * 86_400,
        begin=begin,
        warn=warn,
    )


def make_limits(settings: Settings) -> Limits:
    """The bounds of an export."""
    return Limits(
        batch_rows=settings.batch_size_rows,
        batch_bytes=settings.batch_size_bytes - import_envelope_bytes(_LONGEST_LIST_ID),
        max_in_flight=settings.max_in_flight,
        profiles_per_export=settings.max_profiles_per_export,
        split_exports=settings.on_export_limit == "split",
        job_timeout_seconds=settings.job_timeout_seconds,
        max_rejected_percent=settings.max_rejected_percent,
        skip_unchanged=settings.unchanged_profiles == "skip",
    )
