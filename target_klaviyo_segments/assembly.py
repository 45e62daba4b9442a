"""The parts of a run, made and tied to each other: what does what is told by each part itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments import __version__
from target_klaviyo_segments.conclusion import Snapshots
from target_klaviyo_segments.destinations import Destinations
from target_klaviyo_segments.errors import TargetError
from target_klaviyo_segments.export.caution import Caution
from target_klaviyo_segments.export.clearing import Clearing
from target_klaviyo_segments.export.departure import Departure
from target_klaviyo_segments.export.exporter import Exporter
from target_klaviyo_segments.export.foretelling import Unkept
from target_klaviyo_segments.export.keeper import Keeper
from target_klaviyo_segments.export.mirror import Mirror
from target_klaviyo_segments.export.plan import PlanLimit
from target_klaviyo_segments.export.rejects import Rejects, kept_files
from target_klaviyo_segments.export.removal import Removal
from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.rehearsing import rehearse
from target_klaviyo_segments.wiring import (
    make_client,
    make_errands,
    make_limits,
    make_mirror_limits,
    make_subscribing,
    steady,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from pathlib import Path

    from target_klaviyo_segments.export.subscribing import Subscribing
    from target_klaviyo_segments.klaviyo.client import KlaviyoClient
    from target_klaviyo_segments.rehearsing import Rehearsing
    from target_klaviyo_segments.report.document import RunReport
    from target_klaviyo_segments.settings import Settings
    from target_klaviyo_segments.wiring import Once, Wires


@dataclass(frozen=True, slots=True)
class Parts:
    """What one run consists of; `rehearsing` is there in a dry run."""

    client: KlaviyoClient
    ledger: Ledger
    plan: PlanLimit
    destinations: Destinations
    mirror: Mirror
    clearing: Clearing
    subscribing: Subscribing
    rejects: Rejects
    failed: Rejects
    exporter: Exporter
    rehearsing: Rehearsing | None


def put_together(
    settings: Settings,
    wires: Wires,
    once: Once,
    *,
    report: RunReport,
    work_dir: Path,
    log: logging.Logger,
    warn: Callable[[str], None],
    on_retry: Callable[[str, float], None],
    emit_state: Callable[[Any], None],
) -> Parts:
    """Open the ledger, begin the run in it, and make the rest around it. Klaviyo is not asked yet.

    Raises:
        SettingsError: There is no key in `api_key_file`.
        WorkDirError: The ledger cannot be opened, or another run has it.
    """
    rejected_at, failed_at = kept_files(work_dir, report.run_id)
    rejects = Rejects(rejected_at)
    failed = (Unkept if settings.dry_run else Rejects)(failed_at, "rows that were not delivered")
    path, dry = work_dir / "ledger.sqlite3", None
    if settings.dry_run:
        dry = rehearse(settings, wires, path, on_retry=on_retry, warn=warn)
    client = dry.client if dry else make_client(settings, wires, on_retry)
    plan = PlanLimit(None, settings.on_plan_limit)
    destinations = Destinations(client, settings, report, plan, log)
    ledger = dry.ledger if dry else Ledger.open(path, now=wires.wall, warn=warn)
    try:
        client.known_jobs.update(ledger.job_ids())
        ledger.begin_run(report.run_id, connection=settings.connection_name, version=__version__)
    except TargetError:
        ledger.close()
        raise
    make_keeper: Callable[..., Keeper] = dry.keeper if dry else partial(Keeper, ledger)
    removal = Removal(client, ledger)
    mirror = Mirror(client, ledger, ledger.listed, removal, make_mirror_limits(settings, once.allow_removals))
    subscribing = make_subscribing(settings, client, warn)
    snapshots = Snapshots()
    exporter: Exporter = Exporter(
        client,
        clock=wires.clock,
        limits=make_limits(settings),
        caution=Caution(ledger, plan, destinations.lists, settings.warn_new_members),
        rejects=rejects,
        failed=failed,
        keeper=make_keeper(
            report.run_id,
            counts=lambda lane: snapshots.of(lane, exporter.lanes),
            now=steady(wires),
            resend_after_days=settings.resend_after_days,
        ),
        departure=Departure(removal, ledger, mirror),
        errands=make_errands(settings, wires, ledger, [subscribing], destinations.recognise, warn),
        emit_state=_hold_back if dry else emit_state,
        warn=warn,
    )
    clearing = Clearing(client, ledger.given, max_in_flight=settings.max_in_flight)
    return Parts(client, ledger, plan, destinations, mirror, clearing, subscribing, rejects, failed, exporter, dry)


def _hold_back(value: Any) -> None:  # noqa: ANN401  # a STATE's value is whatever the tap says
    """A STATE of a dry run: nothing was delivered, so the next run must read everything again."""
