"""What earlier runs left open: asks Klaviyo how it ended, and settles it in the ledger before the new run begins."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import NotFound
from target_klaviyo_segments.klaviyo.finding import CLOCKS_DIFFER_SECONDS, Finder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.export.jobs import JobReader
    from target_klaviyo_segments.ledger import Ledger, Unfinished


class Resume:
    """`settle` once; then nothing of an earlier run is open any more."""

    def __init__(
        self, klaviyo: JobReader, ledger: Ledger, *, known_jobs: set[str], clock: Clock, job_timeout_seconds: float
    ) -> None:
        """Take whom to ask. Jobs that are found are `known_jobs` from then on: they are nobody else's."""
        self._klaviyo = klaviyo
        self._ledger = ledger
        self._known = known_jobs
        self._now, self._patience = clock.now, job_timeout_seconds
        self._deadline = 0.0
        self._finder = Finder(
            klaviyo, known=known_jobs, now=clock.now, wait=clock.sleep, patience_seconds=job_timeout_seconds
        )

    def settle(self) -> dict[tuple[str, str], Counter[str]]:
        """Rows `delivered` and `undelivered` by run and stream; empty when nothing was open.

        Raises:
            KlaviyoError: Klaviyo does not answer; the rest stays open for the next run.
            WorkDirError: The ledger cannot be written.
        """
        self._deadline = self._now() + self._patience  # of all jobs: they go on at the same time
        outcome: dict[tuple[str, str], Counter[str]] = {}
        for intent in self._ledger.unfinished():
            counts = outcome.setdefault((intent.run_id, intent.stream), Counter())
            for job in intent.jobs:
                self._settle_job(intent, job.job_id, job.rows, intent.open_rows(job), counts)
            if intent.jobless:
                self._settle_jobless(intent, counts)
        return outcome

    def _settle_jobless(self, intent: Unfinished, counts: Counter[str]) -> None:
        """Rows whose submission was never answered, or never made."""
        since = intent.began - CLOCKS_DIFFER_SECONDS
        found = self._finder.find({intent.emails[row] for row in intent.jobless}, intent.list_id, since)
        if found is None:
            self._enter(intent, counts, undelivered=intent.jobless)
        else:
            self._known.add(found)
            self._ledger.submitted(intent.intent, found, intent.jobless)
            self._settle_job(intent, found, intent.jobless, intent.jobless, counts)

    def _settle_job(
        self, intent: Unfinished, job_id: str, sent: Sequence[int], rows: Sequence[int], counts: Counter[str]
    ) -> None:
        """`sent` are the rows of a job, `rows` those of them that have no fate yet."""
        if not rows:
            return
        absent = self._absent(job_id, {intent.emails[row]: row for row in sent})
        if absent is None:
            self._enter(intent, counts, in_doubt=rows)
        else:
            present = [row for row in rows if row not in absent]
            self._enter(intent, counts, delivered=present, undelivered=sorted(absent.intersection(rows)))

    def _enter(
        self,
        intent: Unfinished,
        counts: Counter[str],
        *,
        delivered: Sequence[int] = (),
        undelivered: Sequence[int] = (),
        in_doubt: Sequence[int] = (),
    ) -> None:
        self._ledger.settle(intent.intent, delivered=delivered, undelivered=undelivered, in_doubt=in_doubt)
        counts.update(delivered=len(delivered), undelivered=len(undelivered) + len(in_doubt))

    def _absent(self, job_id: str, row_of: Mapping[str, int]) -> set[int] | None:
        """Rows that a job did not bring in; None when that cannot be told."""
        try:
            status = self._finder.ended(job_id, self._deadline)
            if status is None or not status.ended_well:
                return None
            named = [(each.email or "").strip().lower() for each in self._klaviyo.import_errors(job_id)]
            tied = {row_of[email] for email in named if email in row_of}
            if row_of.keys() >= set(named) and len(tied) >= status.failed:
                return tied
            present = {email.strip().lower() for email in self._klaviyo.job_emails(job_id)}
            absent = tied | {row for email, row in row_of.items() if email not in present}
            return absent if len(absent) >= status.failed else None
        except NotFound:
            return None
