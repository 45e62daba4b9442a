"""The parts of a run, made and tied to each other: what does what is told by each part itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments import __version__
from target_klaviyo_segments.conclusion import snapshot
from target_klaviyo_segments.destinations import Destinations
from target_klaviyo_segments.export.caution import Caution
from target_klaviyo_segments.export.clearing import Clearing
from target_klaviyo_segments.export.departure import Departure
from target_klaviyo_segments.export.exporter import Exporter
from target_klaviyo_segments.export.keeper import Keeper
from target_klaviyo_segments.export.mirror import Mirror
from target_klaviyo_segments.export.plan import PlanLimit
from target_klaviyo_segments.export.rejects import Rejects
from target_klaviyo_segments.export.removal import Removal
from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.wiring import (
    make_client,
    make_errands,
    make_limits,
    make_mirror_limits,
    make_subscribing,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from pathlib import Path

    from target_klaviyo_segments.export.subscribing import Subscribing
    from target_klaviyo_segments.klaviyo.client import KlaviyoClient
    from target_klaviyo_segments.report.document import RunReport
    from target_klaviyo_segments.settings import Settings
    from target_klaviyo_segments.wiring import Once, Wires


@dataclass(frozen=True, slots=True)
class Parts:
    """What one run consists of."""

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
    rejects = Rejects(work_dir / "rejects" / f"{report.run_id}.jsonl")
    failed = Rejects(work_dir / "failed" / f"{report.run_id}.jsonl", "rows that were not delivered")
    client = make_client(settings, wires, on_retry)
    plan = PlanLimit(None, settings.on_plan_limit)
    destinations = Destinations(client, settings, report, plan, log)
    ledger = Ledger.open(work_dir / "ledger.sqlite3", now=wires.wall, warn=warn)
    client.known_jobs.update(ledger.job_ids())
    ledger.begin_run(report.run_id, connection=settings.connection_name, version=__version__)
    removal = Removal(client, ledger)
    mirror = Mirror(client, ledger, ledger.listed, removal, make_mirror_limits(settings, once.allow_removals))
    subscribing = make_subscribing(settings, client)
    exporter = Exporter(
        client,
        clock=wires.clock,
        limits=make_limits(settings),
        caution=Caution(ledger, plan, destinations.lists, settings.warn_new_members),
        rejects=rejects,
        failed=failed,
        keeper=Keeper(
            ledger,
            report.run_id,
            counts=lambda: snapshot(exporter.lanes),
            now=wires.wall,
            resend_after_days=settings.resend_after_days,
        ),
        departure=Departure(removal, ledger, mirror),
        errands=make_errands(settings, wires, ledger, [subscribing], destinations.recognise, warn),
        emit_state=emit_state,
        warn=warn,
    )
    clearing = Clearing(client, ledger.given, max_in_flight=settings.max_in_flight)
    return Parts(client, ledger, plan, destinations, mirror, clearing, subscribing, rejects, failed, exporter)
