"""Finds the import job of a submission whose answer never came: to the list, as many people, since, and no stranger.

Sending such rows again while the job is open would make Klaviyo drop them as duplicates:
https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.errors import KlaviyoError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from target_klaviyo_segments.klaviyo.protocol import JobStatus

CLOCKS_DIFFER_SECONDS = 120.0  # ours and Klaviyo's
KLAVIYOS_CLOCKS_DIFFER_SECONDS = 5.0  # that of its answers and that of its jobs
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
        """The job that takes these people, by normalised e-mail, to a list; None when there is none.

        `since` is when they were submitted, in seconds since the epoch, or somewhat before.

        Raises:
            KlaviyoError: One may be it and does not end in time. If it is, to send them again would lose them.
        """
        deadline, delay = self._now() + self._patience, _FIRST_LOOK_SECONDS
        may_be = {job.id: job.ended for job in self._jobs_since(since) if self._fits(job, len(people), list_id)}
        while may_be:
            for job_id in [each for each, ended in may_be.items() if ended]:
                del may_be[job_id]
                if self._is_of(job_id, people):
                    return job_id
            if may_be:
                self._in_time(deadline, may_be)
                self._wait(delay)
                delay = min(delay * 2, _SLOWEST_LOOK_SECONDS)
                may_be = {job_id: self._has_ended(job_id) for job_id in may_be}
        return None

    def ended(self, job_id: str, deadline: float) -> JobStatus | None:
        """The job, once it has ended; None when it does not until then."""
        delay = _FIRST_LOOK_SECONDS
        while not (status := self._klaviyo.import_job(job_id)).ended:
            if self._now() > deadline:
                return None
            self._wait(delay)
            delay = min(delay * 2, _SLOWEST_LOOK_SECONDS)
        return status

    def _fits(self, job: JobStatus, count: int, list_id: str) -> bool:
        return job.total == count and (not job.lists or list_id in job.lists) and job.id not in self._known

    def _in_time(self, deadline: float, jobs: Iterable[str]) -> None:
        if self._now() > deadline:
            raise KlaviyoError(
                f"the answer to an import was lost, and import job {next(iter(jobs))}, which may have its rows, has "
                f"not ended after {self._patience:.0f} s (`job_timeout_seconds`)"
            )

    def _has_ended(self, job_id: str) -> bool:
        """One that is gone has nobody."""
        try:
            return self._klaviyo.import_job(job_id).ended
        except NotFound:
            return True

    def _is_of(self, job_id: str, people: AbstractSet[str]) -> bool:
        try:
            seen = {email.strip().lower() for email in islice(self._klaviyo.job_emails(job_id), _PEOPLE_LOOKED_AT)}
        except NotFound:
            return False
        return bool(seen) and seen <= people

    def _jobs_since(self, instant: float) -> Iterator[JobStatus]:
        """Jobs of the account that began since then, newest first."""
        for page in self._klaviyo.import_jobs():
            for job in page:
                if job.created_at is not None and job.created_at.timestamp() < instant:
                    return
                yield job
