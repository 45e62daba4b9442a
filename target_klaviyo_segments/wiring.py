"""Settings into the parts of a run: which clock and transport, which client, which bounds."""

from __future__ import annotations

import random
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments import __version__
from target_klaviyo_segments.alerts import Alarm, Webhook
from target_klaviyo_segments.clock import Clock, SystemClock
from target_klaviyo_segments.export.errands import Errands, Hand
from target_klaviyo_segments.export.limits import Limits
from target_klaviyo_segments.export.mirror import MirrorLimits
from target_klaviyo_segments.export.roll import READERS
from target_klaviyo_segments.export.subscribing import Subscribing
from target_klaviyo_segments.gate import user_name
from target_klaviyo_segments.klaviyo.auth import ApiKey
from target_klaviyo_segments.klaviyo.client import KlaviyoClient
from target_klaviyo_segments.klaviyo.oauth import FORM, App, OAuth
from target_klaviyo_segments.klaviyo.protocol import import_envelope_bytes
from target_klaviyo_segments.klaviyo.rehearsal import Rehearsal
from target_klaviyo_segments.klaviyo.transport import ReadsOnly, make_transport
from target_klaviyo_segments.klaviyo.wire import Wire
from target_klaviyo_segments.report.document import RunReport
from target_klaviyo_segments.tokens import TokenFile

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Sequence

    from requests.adapters import BaseAdapter

    from target_klaviyo_segments.klaviyo.auth import Auth
    from target_klaviyo_segments.ledger import Ledger
    from target_klaviyo_segments.settings import Settings

# The longest list ID that is planned for; Klaviyo's have six characters.
_LONGEST_LIST_ID = "x" * 64
_USER_AGENT = f"target-klaviyo-segments/{__version__}"


@dataclass(frozen=True, slots=True)
class Wires:
    """What a run is connected to; a test connects it to other things."""

    clock: Clock = field(default_factory=SystemClock)
    transport: BaseAdapter | None = None
    wall: Callable[[], float] = time.time  # seconds since the epoch
    webhook: Callable[[str], Webhook] = Webhook  # by its address


def steady(wires: Wires) -> Callable[[], float]:
    """Seconds since the epoch by a wall clock that nobody sets from now on: times of one run fit each other."""
    first = wires.wall() - wires.clock.now()
    return lambda: first + wires.clock.now()


@dataclass(frozen=True, slots=True)
class Once:
    """What the command line says for one run: whose kept rows are the input, how many a mirror may take off."""

    retry_of: str | None = None
    allow_removals: int | None = None


def make_auth(settings: Settings, wires: Wires) -> Auth:
    """Who the connection is to Klaviyo.

    Raises:
        SettingsError: There is no key in `api_key_file`.
    """
    if settings.api_key is not None:
        return ApiKey(settings.api_key)
    if settings.api_key_file is not None:
        return ApiKey.from_file(settings.api_key_file)
    app = App(str(settings.oauth_client_id), str(settings.oauth_client_secret))
    wire = Wire(
        api_url=settings.api_url,
        auth=app,
        headers={"Accept": "application/json", "Content-Type": FORM, "User-Agent": _USER_AGENT},
        timeout_seconds=settings.request_timeout_seconds,
        pool_size=1,
        clock=wires.clock,
        transport=wires.transport,
    )
    tokens = TokenFile(Path(settings.work_dir), str(settings.oauth_refresh_token))
    return OAuth(tokens, wire.send, wires.clock.now)


def make_client(settings: Settings, wires: Wires, on_retry: Callable[[str, float], None]) -> KlaviyoClient:
    """The client of this connection; with `dry_run` nothing but reads goes through it."""
    return KlaviyoClient(**_client_parts(settings, wires, on_retry))


def make_rehearsal(settings: Settings, wires: Wires, on_retry: Callable[[str, float], None]) -> Rehearsal:
    """The client of a dry run."""
    return Rehearsal(**_client_parts(settings, wires, on_retry))


def _client_parts(settings: Settings, wires: Wires, on_retry: Callable[[str, float], None]) -> dict[str, Any]:
    pool_size = max(settings.max_in_flight, READERS if settings.mirror_scope == "all" else 0) + 1
    transport = wires.transport
    if settings.dry_run:
        transport = ReadsOnly(transport or make_transport(pool_size))
    return {
        "api_url": settings.api_url,
        "auth": make_auth(settings, wires),
        "revision": settings.api_revision,
        "user_agent": _USER_AGENT,
        "request_timeout_seconds": settings.request_timeout_seconds,
        "retry_max_seconds": settings.retry_max_seconds,
        "job_timeout_seconds": settings.job_timeout_seconds,
        "pool_size": pool_size,
        "clock": wires.clock,
        "wall": wires.wall,
        "random": random.random,
        "transport": transport,
        "on_retry": on_retry,
    }


def make_mirror_limits(settings: Settings, allow_removals: int | None) -> MirrorLimits:
    """What a mirror may do."""
    return MirrorLimits(
        lists=settings.mirrored_lists,
        everybody=settings.mirror_scope == "all",
        max_removal_percent=settings.max_removal_percent,
        max_rejected_percent=settings.max_rejected_percent,
        allow_removals=allow_removals,
    )


def make_errands(  # each of another type
    settings: Settings,
    wires: Wires,
    ledger: Ledger,
    hands: Sequence[Hand[Any]],
    begin: Callable[[], None],
    warn: Callable[[str], None],
) -> Errands:
    """What is done for people once they are delivered, each kind by its hand."""
    again_after = settings.resend_after_days * 86_400
    return Errands(ledger.errands, hands, now=wires.wall, again_after_seconds=again_after, begin=begin, warn=warn)


def make_subscribing(settings: Settings, client: KlaviyoClient, warn: Callable[[str], None]) -> Subscribing:
    """What subscribes people; the settings of each stream say whether it may."""
    return Subscribing(
        client.permission,
        opt_in_of=lambda list_id: client.list(list_id).opt_in_process,
        allowed=settings.consent,
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


def make_report(settings: Settings) -> RunReport:
    """The report of a run that begins now."""
    now = datetime.now(timezone.utc)
    return RunReport(
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        connection=settings.connection_name,
        version=__version__,
        user=user_name(),
        started_at=now,
        data_privacy_accepted=settings.accept_data_privacy,
        dry_run=settings.dry_run,
    )


def make_alarm(settings: Settings, wires: Wires, log: logging.Logger) -> Alarm:
    """Who is told when a run of this connection goes wrong; nobody of a dry run, which whoever asked for it reads."""
    url = None if settings.dry_run else settings.alert_webhook_url
    webhook = wires.webhook(url) if url else None
    return Alarm(webhook, connection=settings.connection_name, work_dir=Path(settings.work_dir), log=log)
