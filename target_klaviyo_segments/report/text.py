"""The report in five lines, for a terminal or a log. No e-mails; no word that looks like trouble without cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.report.words import suppression_told

if TYPE_CHECKING:
    from target_klaviyo_segments.report.document import RunReport
    from target_klaviyo_segments.report.tally import Tally


def five_lines(report: RunReport, report_path: str, page: str | None) -> list[str]:
    """Status and time; rows; reasons; lists; where to read more."""
    totals, rejects, path = report.totals, report.rejects_file or "none", page or report_path
    failed = f"; not delivered, run again: {report.failed_file}" if report.failed_file else ""
    return [
        f"run {report.run_id} of connection {report.connection}: {report.status} in {report.seconds:.1f} s",
        f"rows: {counts_of(totals)}",
        f"rejected because: {reasons_of(totals)}",
        f"lists: {lists_of(report)}",
        f"report: {path}; rejects: {rejects}{failed}; requests: {report.requests}, throttled: {report.throttled}",
    ]


def counts_of(tally: Tally, *, delivered: str = "delivered") -> str:
    """Rows by fate: those that there are, and those that everybody looks for."""
    shown = [
        f"{delivered if name == 'delivered' else name} {count}"
        for name, count in tally.as_dict().items()
        if count or name in {"read", "delivered", "rejected"}
    ]
    return ", ".join(shown)


def reasons_of(tally: Tally) -> str:
    """Why rows were rejected, and fields left out or cleared."""
    reasons = ", ".join(f"{code} {count}" for code, count in tally.reasons.most_common())
    dropped, cleared = (
        ", ".join(f"{name} {count}" for name, count in fields.most_common())
        for fields in (tally.dropped, tally.cleared)
    )
    left_out = f"; left out of delivered profiles: {dropped}" if dropped else ""
    return (reasons or "none was") + left_out + (f"; cleared in Klaviyo: {cleared}" if cleared else "")


def lists_of(report: RunReport, *, delivered: str = "delivered") -> str:
    """What went to which list."""
    lines = [
        f"{stream.stream} -> {stream.list_name or stream.list_id} ({stream.list_id}): "
        f"{stream.tally.delivered} {delivered} in {len(stream.exports)} exports{_consent(stream.consent)}"
        for stream in report.streams
        if stream.list_id
    ]
    lines += [
        f"{each.stream} -> {suppression_told(each.suppression, dry_run=report.dry_run)}"
        for each in report.streams
        if each.suppression
    ]
    if len(lines) > 5:  # noqa: PLR2004  # a line must stay readable; the report has them all
        lines = [*lines[:5], f"and {len(lines) - 5} more"]
    return "; ".join(lines) or "none"


def _consent(consent: dict[str, Any] | None) -> str:
    counts = ((name.replace("_", " "), count) for name, count in (consent or {}).items() if isinstance(count, int))
    shown = ", ".join(f"{name} {count}" for name, count in counts if count)
    return f", consent: {shown}" if shown else ""
