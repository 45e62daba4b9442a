"""What a webhook is told: numbers, names and one sentence. No e-mail address, no record, no key."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.report.text import counts_of
from target_klaviyo_segments.segment.identity import mask

if TYPE_CHECKING:
    from target_klaviyo_segments.alerts.memory import Trouble
    from target_klaviyo_segments.report.document import RunReport

EVENTS = {
    "failed": "failed",
    "refused": "was refused",
    "canceled": "was stopped",
    "crashed": "was killed",
    "recovered": "went well again",
}
_STREAMS_MAX = 20
_MESSAGE_CHARACTERS_MAX = 2000
_ADDRESS = re.compile(r"[^\s@<>()\[\]\"'`,;:]+@[^\s@<>()\[\]\"'`,;:]+")
# https://api.slack.com/docs/message-formatting: these three and no others
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def body_of(event: str, message: str, trouble: Trouble, connection: str, report: RunReport | None) -> dict[str, Any]:
    """JSON values. `text` alone says it all for people: Slack, and what takes Slack's form, show that and no more."""
    message = masked(message)[:_MESSAGE_CHARACTERS_MAX]
    connection = masked(connection)
    lines = [f"{connection}: an export to Klaviyo {EVENTS[event]}. {message}"]
    found: dict[str, Any] = {"event": event, "message": message, "connection": connection}
    found |= {"failing_since": trouble.since, "failed_runs": trouble.runs}
    if report is not None:
        lines.append(f"run {report.run_id}, rows: {counts_of(report.totals)}")
        found |= _numbers(report)
    return {"text": "\n".join(lines).translate(_SLACK), **found}


def masked(text: str) -> str:
    """Addresses in it as a log may show them, `a***@e***.com`."""
    return _ADDRESS.sub(lambda found: mask(found.group()), text)


def _numbers(report: RunReport) -> dict[str, Any]:
    streams = report.counts["streams"].items()
    return {
        "run_id": report.run_id,
        "version": report.version,
        "started_at": report.started_at.isoformat(),
        "ended_at": report.ended_at.isoformat() if report.ended_at else None,
        "seconds": report.rounded_seconds,
        "totals": {**report.totals.as_dict(), "reject_reasons": dict(report.totals.reasons.most_common())},
        "streams": {masked(name): numbers for name, numbers in islice(streams, _STREAMS_MAX)},
    }
