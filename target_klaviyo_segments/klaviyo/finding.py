"""Finds the import job of a submission whose answer never came: to the list, as many people, since, and no stranger.

Sending such rows again while the job is open would make Klaviyo drop them as duplicates:
https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from target_klaviyo_segments.klaviyo.protocol import JobStatus

CLOCKS_DIFFER_SECONDS = 120.0  # ours and Klaviyo's
_PEOPLE_LOOKED_AT = 100  # one page


_FIRST_LOOK_SECONDS = 0.5
_SLOWEST_LOOK_SECONDS = 5.0


class Jobs(Protocol):
    """What is asked of Klaviyo."""

    def import_jobs(self) -> Iterator[Iterable[JobStatus]]:
        """Pages of the account's jobs, newest first."""
        ...

    def import_job(self, job_id: str) -> JobStatus:
        """One job."""
        ...

    def job_emails(self, job_id: str) -> Iterator[str]:
        """E-mails of the profiles that a job brought in."""
        ...


class Finder:
    """Its methods raise `KlaviyoError` when Klaviyo does not answer."""

    def __init__(
        self,
        klaviyo: Jobs,
        *,
        known: AbstractSet[str],
        now: Callable[[], float],
        wait: Callable[[float], None],
        patience_seconds: float,
    ) -> None:
        """Take whom to ask.

        Args:
            klaviyo: Whom to ask.
            known: Ids of jobs that are accounted for.
            now: Seconds of any clock.
            wait: Waits so many seconds of it.
            patience_seconds: How long to wait for the end of a job; before, it cannot be told who is in it.
        """
        self._klaviyo = klaviyo
        self._known = known
        self._now = now
        self._wait = wait
        self._patience = patience_seconds

    def find(self, people: AbstractSet[str], list_id: str, since: float) -> str | None:
        """The job that takes these people, by normalised e-mail, to a list; None when none can be told.

        `since` is when they were submitted, in seconds since the epoch.
        """
        for job in self._jobs_since(since - CLOCKS_DIFFER_SECONDS):
            fits = job.total == len(people) and (not job.lists or list_id in job.lists)
            if fits and job.id not in self._known and self._is_of(job.id, people):
                return job.id
        return None

    def ended(self, job_id: str) -> JobStatus | None:
        """The job, once it has ended; None when it does not in time."""
        deadline, delay = self._now() + self._patience, _FIRST_LOOK_SECONDS
        while not (status := self._klaviyo.import_job(job_id)).ended:
            if self._now() > deadline:
                return None
            self._wait(delay)
            delay = min(delay * 2, _SLOWEST_LOOK_SECONDS)
        return status

    def _is_of(self, job_id: str, people: AbstractSet[str]) -> bool:
        try:
            self.ended(job_id)
            seen = {email.strip().lower() for email in islice(self._klaviyo.job_emails(job_id), _PEOPLE_LOOKED_AT)}
        except NotFound:
            return False
        return bool(seen) and seen <= people

    def _jobs_since(self, instant: float) -> Iterator[JobStatus]:
        """Jobs of the account that began since then, newest first."""
        for page in self._klaviyo.import_jobs():
            for job in page:
                if job.created_at is not None and _seconds(job.created_at) < instant:
                    return
                yield job


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
