"""What earlier runs left behind, settled and reported before a new run begins."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.export.rejects import kept_files
from target_klaviyo_segments.report.document import RunReport, StreamReport
from target_klaviyo_segments.report.files import past_report
from target_klaviyo_segments.report.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from target_klaviyo_segments.ledger import PastRun

Outcome = dict[tuple[str, str], Counter[str]]
Sent = dict[str, tuple[str, int]]  # by stream: its list, and how many import jobs went there


class _Row(msgspec.Struct):
    stream: str
    code: str


_row = msgspec.json.Decoder(_Row).decode


def sentences(outcome: Outcome) -> Iterator[str]:
    """What was found out, a sentence for each stream of each run."""
    for (run_id, stream), counts in outcome.items():
        arrived, lost = counts["delivered"], counts["undelivered"]
        rest = f", and {lost} had not: they are not taken for delivered" if lost else ""
        yield f"run {run_id} broke off: of its stream `{stream}`, {arrived} rows under way had arrived{rest}"


def end_of(run: PastRun, work_dir: Path) -> tuple[str, dict[str, Any]] | None:
    """Status and counts of a run that wrote itself that it failed, and only its ledger took no more; None of others.

    A report that says `successful` is of one that was killed in between: it did not end well.
    """
    try:
        found = json.loads(past_report(run.run_id, work_dir).read_text(encoding="utf-8"))
        if found["status"] == "successful":
            return None
        streams = {name: _counts(each) for name, each in found["streams"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # there is none that is ours and whole
        return None
    return found["status"], {"seconds": found["seconds"], "streams": streams}


def _counts(stream: Mapping[str, Any]) -> dict[str, Any]:
    fates = {name: stream[name] for name in (*Tally().as_dict(), "reject_reasons")}
    return fates | {"list_id": stream["list"] and stream["list"]["id"]}


def report_of(run: PastRun, outcome: Outcome, sent: Sent, work_dir: Path, *, user: str, settled_by: str) -> RunReport:
    """The report that a run could not write itself: what it had counted and kept, and what came of the rest.

    How long it ran, and what it asked of Klaviyo, nobody knows.
    """
    files = kept_files(work_dir, run.run_id)
    rejects_file, failed_file = (str(path) if _has_rows(path) else None for path in files)
    counted = _with_those_kept(run.counts.get("streams", {}), files[0])
    found = {name: counts for (run_id, name), counts in outcome.items() if run_id == run.run_id}
    streams = [
        _stream(name, counted.get(name, {}), found.get(name, Counter()), *sent.get(name, (None, 0)))
        for name in dict.fromkeys([*counted, *found])
    ]
    return RunReport(
        run_id=run.run_id,
        connection=run.connection,
        version=run.version,
        user=user,
        started_at=datetime.fromtimestamp(run.began, timezone.utc),
        ended_at=datetime.now(timezone.utc),
        seconds=None,
        requests=None,
        throttled=None,
        message=(
            f"the run was killed, or could not write its report; the run {settled_by} asked Klaviyo what had become of "
            "the rows under way"
        ),
        data_privacy_accepted=True,
        streams=streams,
        rejects_file=rejects_file,
        failed_file=failed_file,
    )


def _has_rows(path: Path) -> bool:
    """One that was killed may have made a file and no more."""
    with suppress(OSError):
        return path.stat().st_size > 0
    return False


def _with_those_kept(counted: Mapping[str, Any], rejects: Path) -> dict[str, Any]:
    """The counts, with rows that were rejected after they were written down last."""
    kept = _refused_before_sending(rejects)
    for name, counts in counted.items():
        for stream, codes in kept.items():
            if name == stream or name.startswith(f"{stream}/"):
                codes.subtract(counts.get("reject_reasons", {}))
    return {**counted, **{stream: _with(counted.get(stream, {}), +codes) for stream, codes in kept.items()}}


def _with(counts: Mapping[str, Any], refused: Counter[str]) -> dict[str, Any]:
    reasons = refused + Counter(counts.get("reject_reasons", {}))
    return {**counts, "reject_reasons": reasons, "rejected": counts.get("rejected", 0) + refused.total()}


def _refused_before_sending(rejects: Path) -> dict[str, Counter[str]]:
    """Rows of the file by stream and code. Those that Klaviyo refused were under way: the ledger knows them."""
    found: dict[str, Counter[str]] = {}
    with suppress(OSError), rejects.open("rb") as lines:
        for line in lines:
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the last one may be cut off
                row = _row(line)
                if not row.code.startswith("klaviyo_"):
                    found.setdefault(row.stream, Counter())[row.code] += 1
    return found


def _stream(name: str, counts: Mapping[str, Any], found: Counter[str], list_id: str | None, jobs: int) -> StreamReport:
    tally = Tally(**{fate: counts.get(fate, 0) for fate in Tally().as_dict()})
    tally.reasons.update(counts.get("reject_reasons", {}))
    tally.delivered += found["delivered"]
    tally.read = max(tally.read, tally.settled + found["undelivered"])  # some were read after the last counts
    tally.failed += tally.read - tally.settled
    return StreamReport(name, tally, list_id or counts.get("list_id"), jobs=jobs)
