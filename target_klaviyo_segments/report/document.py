"""The report of a run as a document: what `report.json` holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.report.tally import Tally, total

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class StreamReport:
    """One stream: its list, its rows by fate, its exports."""

    stream: str
    tally: Tally
    list_id: str | None = None
    list_name: str | None = None
    exports: Sequence[dict[str, Any]] = ()
    warnings: Sequence[str] = ()
    mirror: dict[str, Any] | None = None
    consent: dict[str, Any] | None = None
    suppression: dict[str, Any] | None = None  # of a stream that goes to no list
    jobs: int | None = None  # of a run that was killed, whose exports nobody knows

    def as_dict(self) -> dict[str, Any]:
        """For the document."""
        return {
            "list": {"id": self.list_id, "name": self.list_name} if self.list_id else None,
            **self.tally.as_dict(),
            "reject_reasons": dict(self.tally.reasons.most_common()),
            "filter_reasons": dict(self.tally.left_out.most_common()),
            "dropped_fields": dict(self.tally.dropped.most_common()),
            "cleared_fields": dict(self.tally.cleared.most_common()),
            "exports": list(self.exports),
            "jobs": sum(export["jobs"] for export in self.exports) if self.jobs is None else self.jobs,
            "mirror": self.mirror,
            "consent": self.consent,
            "suppression": self.suppression,
            "warnings": list(self.warnings),
        }


@dataclass(slots=True)
class RunReport:
    """Everything a run tells. `status`: successful, failed, canceled, skipped. None is not known."""

    run_id: str
    connection: str
    version: str
    user: str
    started_at: datetime
    retry_of: str | None = None
    status: str = "failed"
    message: str | None = None
    ended_at: datetime | None = None
    seconds: float | None = 0.0
    dry_run: bool = False
    data_privacy_accepted: bool = False
    data_privacy: dict[str, Any] = field(default_factory=dict)
    account_id: str | None = None
    account_name: str | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    lists_created: list[dict[str, Any]] = field(default_factory=list)
    streams: list[StreamReport] = field(default_factory=list)
    requests: int | None = 0
    throttled: int | None = 0
    rejects_file: str | None = None
    failed_file: str | None = None
    warnings: list[str] = field(default_factory=list)
    pace: dict[str, Any] | None = None  # import jobs by time
    earlier: Sequence[dict[str, Any]] = ()  # runs, newest first
    foretold: dict[str, Any] | None = None  # of a dry run: what a run would do
    last_successful_at: str | None = None  # before this run

    @property
    def counts(self) -> dict[str, Any]:
        """For the ledger: what later reports tell of this run; of its form is also what is noted on the way."""
        return {
            "seconds": self.rounded_seconds,
            "streams": {
                found.stream: {
                    **found.tally.as_dict(),
                    "reject_reasons": dict(found.tally.reasons),
                    "list_id": found.list_id,
                }
                for found in self.streams
            },
        }

    @property
    def rounded_seconds(self) -> float | None:
        """How long it took."""
        return None if self.seconds is None else round(self.seconds, 3)

    @property
    def totals(self) -> Tally:
        """All streams together."""
        return total([stream.tally for stream in self.streams])

    @property
    def _delivered(self) -> bool:
        return self.status == "successful" and not self.dry_run

    def as_dict(self) -> dict[str, Any]:
        """The document, JSON values only."""
        totals = self.totals
        ended_at = self.ended_at.isoformat() if self.ended_at else None
        streams = {stream.stream: stream.as_dict() for stream in self.streams}
        return {
            "run_id": self.run_id,
            "dry_run": self.dry_run,
            "retry_of": self.retry_of,
            "status": self.status,
            "message": self.message,
            "connection": self.connection,
            "version": self.version,
            "user": self.user,
            "data_privacy_accepted": self.data_privacy_accepted,
            "data_privacy": self.data_privacy or {"accepted": self.data_privacy_accepted},
            "started_at": self.started_at.isoformat(),
            "ended_at": ended_at,
            "seconds": self.rounded_seconds,
            "last_successful_at": ended_at if self._delivered else self.last_successful_at,
            "account": {"id": self.account_id, "name": self.account_name},
            "plan": self.plan,
            "lists_created": self.lists_created,
            "totals": totals.as_dict()
            | {
                "reject_reasons": dict(totals.reasons.most_common()),
                "exports": sum(len(stream.exports) for stream in self.streams),
                "jobs": sum(stream["jobs"] for stream in streams.values()),
            },
            "streams": streams,
            "requests": self.requests,
            "throttled": self.throttled,
            "rejects_file": self.rejects_file,
            "failed_file": self.failed_file,
            "warnings": self.warnings,
            "pace": self.pace,
            "earlier_runs": list(self.earlier),
            "foretold": self.foretold,
        }
