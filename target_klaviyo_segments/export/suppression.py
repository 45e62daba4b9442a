"""People to be suppressed for e-mail marketing, or no longer: what a lane's rows may ask for in place of a list.

Their rows go the way of all others, 100 a job, and have the same fates. The ledger is not concerned: who is suppressed
is no member of anything, and after a crash the tap sends the rows again, which changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from target_klaviyo_segments.klaviyo.protocol import JobStatus, RowError


class Jobs(Protocol):
    """What is asked of Klaviyo. Each raises `KlaviyoError` when it is not done."""

    def begin(self, profiles: Sequence[bytes]) -> str:
        """Begin a job for people, each an encoded profile; its id."""
        ...

    def all(self) -> Iterator[Iterable[JobStatus]]:
        """Pages of the account's jobs, newest first."""
        ...

    def one(self, job_id: str) -> JobStatus:
        """One job."""
        ...


@dataclass(slots=True)
class Suppression:
    """One stream's. `skipped` of the people delivered Klaviyo had nothing to do for; it does not say who they are."""

    mode: str  # suppress, unsuppress
    jobs: Jobs
    skipped: int = 0

    def as_dict(self, people: int) -> dict[str, Any]:
        """For the report; `people` is whose job has ended."""
        return {"mode": self.mode, "people": people, "skipped": self.skipped}


@dataclass(frozen=True, slots=True)
class AsImports:
    """The jobs as a watch looks at imports. They name no single person, in errors or otherwise."""

    jobs: Jobs

    def import_jobs(self) -> Iterator[Iterable[JobStatus]]:
        """Pages of the account's jobs, newest first."""
        return self.jobs.all()

    def import_job(self, job_id: str) -> JobStatus:
        """One job."""
        return self.jobs.one(job_id)

    def import_errors(self, job_id: str) -> Iterator[RowError]:  # noqa: ARG002  # as of imports
        """None: who cannot be suppressed is named when the job is begun, or nowhere."""
        return iter(())

    def job_emails(self, job_id: str) -> Iterator[str]:  # noqa: ARG002  # as of imports
        """Nobody's, for no error has to be tied to a row."""
        return iter(())
