"""Jobs that suppress people, or lift that: begun and looked at by the client where the settings ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.klaviyo import answers, suppressing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from target_klaviyo_segments.klaviyo.protocol import JobStatus
    from target_klaviyo_segments.klaviyo.sending import Sender
    from target_klaviyo_segments.klaviyo.suppressing import Kind


class SuppressionJobs:
    """Of one kind. Every method raises `KlaviyoError` when Klaviyo does not do it, `RunStopped` when the run ended."""

    def __init__(self, sender: Sender, kind: Kind) -> None:
        self._sender = sender
        self._kind = kind

    def begin(self, profiles: Sequence[bytes]) -> str:
        """Begin a job for at most 100 people, each an encoded profile with its e-mail address alone; the job's id.

        When the answer is lost it is begun again: to do it twice changes nothing.

        Raises:
            RowsRefused: Klaviyo names people whom it does not take. Nobody was taken.
            BodyRefused: It names none. Nobody was taken.
        """
        return self._sender.ask(suppressing.begin(self._kind, profiles), answers.read_submitted)

    def all(self) -> Iterator[tuple[JobStatus, ...]]:
        """Pages of the account's jobs of this kind, newest first; also those of others."""
        return self._sender.pages(suppressing.show_all(self._kind), answers.read_jobs)

    def one(self, job_id: str) -> JobStatus:
        """One job."""
        return self._sender.ask(suppressing.show_one(self._kind, job_id), answers.read_job)
