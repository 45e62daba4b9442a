"""Jobs that suppress people for e-mail marketing, or lift that: their life by the clock, and what they do to people.

https://developers.klaviyo.com/en/reference/bulk_suppress_profiles
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from target_klaviyo_segments.sandbox.block import Row
from target_klaviyo_segments.sandbox.life import COMPLETE, Life

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.sandbox.consents import Consents
    from target_klaviyo_segments.sandbox.people import People
    from target_klaviyo_segments.sandbox.scenario import Scenario

# The one reason that these jobs set and lift: https://developers.klaviyo.com/en/reference/bulk_unsuppress_profiles
REASON = "USER_SUPPRESSED"


@dataclass(slots=True)
class SuppressionJob(Life):
    """One job; it starts as soon as it is there."""

    lifts: bool
    list_id: str | None
    emails: Sequence[str] = field(repr=False)
    total: int = 0
    skipped: int = 0


class SuppressionJobs:
    """All of them, of both kinds, the oldest first."""

    def __init__(self, people: People, consents: Consents, scenario: Scenario) -> None:
        self._people = people
        self._consents = consents
        self._scenario = scenario
        self._jobs: dict[str, SuppressionJob] = {}
        self._open: list[SuppressionJob] = []

    def submit(self, emails: Sequence[str], now: float, *, lifts: bool, list_id: str | None = None) -> SuppressionJob:
        """Queue a job for people by their addresses, which are in lower case."""
        due = now + self._scenario.job_seconds
        job = SuppressionJob(self._new_id(), now, now, due, lifts, list_id, emails, len(emails))
        job.fate = self._scenario.next_fate()
        self._jobs[job.id] = job
        self._open.append(job)
        return job

    def advance(self, now: float) -> None:
        """End what is due."""
        due = [job for job in self._open if job.is_due(now)]
        for job in due:
            job.ended = job.fate or COMPLETE
            if job.ended == COMPLETE:
                done = [self._lift(email) if job.lifts else self._set(email, job.due) for email in job.emails]
                job.skipped = done.count(False)
        if due:
            self._open = [job for job in self._open if not job.ended]

    def of_kind(self, *, lifts: bool) -> list[SuppressionJob]:
        """Jobs of one kind, the oldest first."""
        return [job for job in self._jobs.values() if job.lifts == lifts]

    def get(self, job_id: str, *, lifts: bool) -> SuppressionJob | None:
        """The job of an id, if it is of that kind."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.lifts == lifts else None

    def _set(self, email: str, now: float) -> bool:
        """Suppress somebody, who is made where nobody is; whether there was anything to do."""
        person = self._people.by_email(email)
        if person is None:
            raw = msgspec.json.encode({"attributes": {"email": email}})
            number = self._people.put(Row(email, None, None, None, raw), now)
        else:
            number = person.number
        known = self._consents.of(number).suppressions
        fresh = REASON not in known
        known.setdefault(REASON, now)
        return fresh

    def _lift(self, email: str) -> bool:
        """Lift it, and nothing else; whether there was anything to do."""
        person = self._people.by_email(email)
        return person is not None and self._consents.of(person.number).suppressions.pop(REASON, None) is not None

    def _new_id(self) -> str:
        """26 capital letters and digits, as the one in Klaviyo's example has."""
        digest = hashlib.sha256(f"suppression job {len(self._jobs)}".encode()).digest()
        return "01" + base64.b32encode(digest).decode()[:24]
