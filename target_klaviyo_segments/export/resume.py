"""What earlier runs left open: asks Klaviyo how it ended, and settles it in the ledger before the new run begins."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.export.jobs import JobReader
    from target_klaviyo_segments.klaviyo.protocol import JobStatus
    from target_klaviyo_segments.ledger import Ledger, Unfinished

_FIRST_LOOK_SECONDS = 0.5
_SLOWEST_LOOK_SECONDS = 5.0
_CLOCKS_DIFFER_SECONDS = 120.0  # ours and Klaviyo's
_PEOPLE_LOOKED_AT = 100  # one page


class Resume:
    """`settle` once; then nothing of an earlier run is open any more."""

    def __init__(self, klaviyo: JobReader, ledger: Ledger, *, clock: Clock, job_timeout_seconds: float) -> None:
        self._klaviyo = klaviyo
        self._ledger = ledger
        self._clock = clock
        self._timeout = job_timeout_seconds

    def settle(self) -> dict[tuple[str, str], Counter[str]]:
        """Rows `delivered` and `undelivered` by run and stream; empty when nothing was open.

        Raises:
            KlaviyoError: Klaviyo does not answer; the rest stays open for the next run.
            WorkDirError: The ledger cannot be written.
        """
        outcome: dict[tuple[str, str], Counter[str]] = {}
        for intent in self._ledger.unfinished():
            counts = outcome.setdefault((intent.run_id, intent.stream), Counter())
            for job in intent.jobs:
                self._settle_job(intent, job.job_id, intent.open_rows(job), counts)
            if intent.jobless:
                self._settle_jobless(intent, counts)
        return outcome

    def _settle_jobless(self, intent: Unfinished, counts: Counter[str]) -> None:
        """Rows whose submission was never answered, or never made."""
        found = self._find(intent)
        if found is None:
            self._enter(intent, (), intent.jobless, counts)
        else:
            self._settle_job(intent, found, intent.jobless, counts)

    def _settle_job(self, intent: Unfinished, job_id: str, rows: Sequence[int], counts: Counter[str]) -> None:
        if not rows:
            return
        absent = self._absent(job_id, {intent.emails[row]: row for row in rows})
        self._enter(intent, [row for row in rows if row not in absent], sorted(absent), counts)

    def _enter(
        self, intent: Unfinished, delivered: Sequence[int], undelivered: Sequence[int], counts: Counter[str]
    ) -> None:
        self._ledger.settle(intent.intent, delivered=delivered, undelivered=undelivered)
        counts.update(delivered=len(delivered), undelivered=len(undelivered))

    def _absent(self, job_id: str, row_of: Mapping[str, int]) -> set[int]:
        """Rows that a job did not bring in; all of them when that cannot be told."""
        everybody = set(row_of.values())
        try:
            status = self._ended(job_id)
            if status is None or status.cancelled:
                return everybody
            errors = list(self._klaviyo.import_errors(job_id))
            tied = {row_of[email] for each in errors if (email := (each.email or "").strip().lower()) in row_of}
            if len(tied) == len(errors) >= status.failed:
                return tied
            present = {email.strip().lower() for email in self._klaviyo.job_emails(job_id)}
            return {row for email, row in row_of.items() if email not in present}
        except NotFound:
            return everybody

    def _ended(self, job_id: str) -> JobStatus | None:
        """The job, once it has ended; None when it does not within the time for it."""
        deadline, delay = self._clock.now() + self._timeout, _FIRST_LOOK_SECONDS
        while not (status := self._klaviyo.import_job(job_id)).ended:
            if self._clock.now() > deadline:
                return None
            self._clock.sleep(delay)
            delay = min(delay * 2, _SLOWEST_LOOK_SECONDS)
        return status

    def _find(self, intent: Unfinished) -> str | None:
        """The job of rows whose submission was not answered: as many people, none of whom is a stranger."""
        people = {intent.emails[row] for row in intent.jobless}
        known = {job.job_id for job in intent.jobs}
        for job in self._since(intent.began - _CLOCKS_DIFFER_SECONDS):
            if job.total == len(people) and job.id not in known and self._is_of(job.id, people):
                return job.id
        return None

    def _is_of(self, job_id: str, people: set[str]) -> bool:
        try:
            self._ended(job_id)
            seen = {email.strip().lower() for email in islice(self._klaviyo.job_emails(job_id), _PEOPLE_LOOKED_AT)}
        except NotFound:
            return False
        return bool(seen) and seen <= people

    def _since(self, instant: float) -> Iterator[JobStatus]:
        """Jobs of the account that began since then, newest first."""
        for page in self._klaviyo.import_jobs():
            for job in page:
                if job.created_at is not None and _seconds(job.created_at) < instant:
                    return
                yield job


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
