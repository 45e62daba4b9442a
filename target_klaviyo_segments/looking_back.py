"""What the ledger remembers for a report: how fast the run went, and the runs before it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.klaviyo.protocol import IMPORT_PROFILES
from target_klaviyo_segments.report.tally import Tally

if TYPE_CHECKING:
    from target_klaviyo_segments.ledger import Ledger, PastRun
    from target_klaviyo_segments.report.document import RunReport

RUNS_SHOWN = 30


def look_back(report: RunReport, ledger: Ledger) -> None:
    """Complete a report by what only the ledger knows; one that cannot be read has been complained of already."""
    with suppress(WorkDirError):
        before = ledger.last_success()
        report.last_successful_at = None if before is None else _moment(before)
        report.pace = None if report.dry_run else pace_of(ledger, report.run_id)  # nothing was sent
        past = [run for run in ledger.last_runs(RUNS_SHOWN) if run.run_id != report.run_id]
        report.earlier = [_past(run) for run in past[: RUNS_SHOWN - 1]]


def pace_of(ledger: Ledger, run_id: str) -> dict[str, Any]:
    """Import jobs of a run by time, beside what the quota allows."""
    pace = ledger.pace(run_id)
    return {
        "began_at": _moment(pace.began),
        "step_seconds": pace.step_seconds,
        "submitted": list(pace.submitted),
        "ended": list(pace.ended),
        "quota": [{"jobs": window.quota, "seconds": window.seconds} for window in IMPORT_PROFILES.windows],
    }


def _past(run: PastRun) -> dict[str, Any]:
    """One line of the history; a run whose status nobody wrote down was killed."""
    fates = Counter[str]()
    for counts in run.counts.get("streams", {}).values():
        fates.update({fate: counts.get(fate, 0) for fate in Tally().as_dict()})
    return {
        "run_id": run.run_id,
        "status": run.status or "failed",
        "began_at": _moment(run.began),
        "seconds": _seconds(run),
        **{fate: fates[fate] for fate in Tally().as_dict()},
    }


def _seconds(run: PastRun) -> float | None:
    """How long it took by its own clock; of one that was killed nobody knows it."""
    if run.ended is None or "seconds" in run.counts:
        return run.counts.get("seconds")
    return round(run.ended - run.began, 3)  # an earlier release did not note it


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
