"""Bulk import jobs: their life by the clock, and stage two, in which single rows are dropped with an import error.

https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

from __future__ import annotations

import base64
import hashlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from target_klaviyo_segments.sandbox.people import People, Unresolvable, sent_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from target_klaviyo_segments.sandbox.lists import ListRecord
    from target_klaviyo_segments.sandbox.rows import Import, Row
    from target_klaviyo_segments.sandbox.scenario import Scenario

# Whether a KB is 1,000 bytes is not said: the smaller reading is the stricter one.
PROFILE_BYTES_MAX = 100_000
LIFE_SECONDS = 7 * 86_400

QUEUED, PROCESSING, COMPLETE, CANCELLED = "queued", "processing", "complete", "cancelled"


class RowError(NamedTuple):
    """A row that stage two dropped, as it was sent."""

    code: str
    title: str
    detail: str
    raw: bytes


@dataclass(slots=True)
class Job:
    """One bulk import. `fate` is how a scenario lets it end; None for the usual way."""

    id: str
    created: float
    started: float
    due: float
    total: int
    into: ListRecord | None
    fate: str | None = None
    rows: list[Row] = field(default_factory=list, repr=False)
    people: frozenset[str] = field(default=frozenset(), repr=False)
    errors: list[RowError] = field(default_factory=list, repr=False)
    done: array[int] = field(default_factory=lambda: array("q"), repr=False)
    ended: str | None = None

    def status(self, now: float) -> str:
        """What Klaviyo would show at a moment."""
        if self.ended:
            return self.ended
        if self.fate not in {None, CANCELLED}:
            return self.fate or ""
        return PROCESSING if now >= self.started and now > self.created else QUEUED

    @property
    def expires(self) -> float:
        """When the job and its errors are gone."""
        return self.created + LIFE_SECONDS


class Jobs:
    """All import jobs; those of the last seven days can be seen."""

    def __init__(self, people: People, scenario: Scenario) -> None:
        self._people = people
        self._scenario = scenario
        self._jobs: dict[str, Job] = {}
        self._made = 0

    def submit(self, sent: Import, into: ListRecord | None, now: float) -> Job:
        """Queue what passed stage one; the same person again, in this job or another open one, is dropped later."""
        seconds = self._scenario.job_seconds
        job = Job(self._new_id(), now, now + seconds / 2, now + seconds, len(sent.rows), into)
        job.fate = self._scenario.next_fate()
        elsewhere = frozenset[str]().union(*(other.people for other in self._jobs.values()))
        self._sift(job, sent.rows, elsewhere)
        self._jobs[job.id] = job
        return job

    def advance(self, now: float) -> None:
        """End what is due and forget what is too old."""
        for job in list(self._jobs.values()):
            if not job.ended and now >= job.due and job.fate in {None, CANCELLED}:
                self._end(job)
            if now >= job.expires:
                del self._jobs[job.id]

    def get(self, job_id: str) -> Job | None:
        """The job of an id, while it lives."""
        return self._jobs.get(job_id)

    def living(self) -> list[Job]:
        """Jobs that can be seen, oldest first."""
        return list(self._jobs.values())

    def _sift(self, job: Job, rows: list[Row], elsewhere: frozenset[str]) -> None:
        refusal = self._scenario.row_refusal
        keys = _keys(rows)
        people = frozenset(keys)
        if not refusal and len(people) == len(keys) and people.isdisjoint(elsewhere) and not any(map(_too_large, rows)):
            job.rows, job.people = rows, people
        else:
            self._sift_slowly(job, rows, elsewhere)

    def _sift_slowly(self, job: Job, rows: Iterable[Row], elsewhere: frozenset[str]) -> None:
        """The first row of a person wins."""
        seen: set[str] = set()
        refusal = self._scenario.row_refusal
        for row in rows:
            keys = _keys([row])
            error = _too_large(row) or (_refused(row, refusal) if refusal else None)
            if not (error or (seen.isdisjoint(keys) and elsewhere.isdisjoint(keys))):
                error = _dropped(row, "duplicate_profile", "The same person is in an import that is not complete.")
            if error:
                job.errors.append(error)
            else:
                seen.update(keys)
                job.rows.append(row)
        job.people = frozenset(seen)

    def _end(self, job: Job) -> None:
        job.ended = job.fate or COMPLETE
        rows, job.rows, job.people = job.rows, [], frozenset()
        if job.ended == CANCELLED:
            job.errors = []
            return
        for row in rows:
            try:
                person = self._people.put(row, job.due)
            except Unresolvable as error:
                job.errors.append(_dropped(row, "duplicate_profile", str(error)))
                continue
            job.done.append(person.number)
            if job.into:
                job.into.members.add(person.number, job.due)

    def _new_id(self) -> str:
        """A long opaque string; Klaviyo's has about 58 characters."""
        self._made += 1
        digest = hashlib.sha512(f"import job {self._made}".encode()).digest()
        return base64.urlsafe_b64encode(digest[:43]).decode().rstrip("=")


def _keys(rows: Sequence[Row]) -> list[str]:
    """All that the people of the rows are known by; no two kinds can be taken for each other."""
    keys = [key for row in rows for key in (row.email, row.phone) if key]
    keys += ["external_id " + row.external_id for row in rows if row.external_id]
    keys += ["id " + row.id for row in rows if row.id]
    return keys


def _too_large(row: Row) -> RowError | None:
    size = len(row.raw)
    if size <= PROFILE_BYTES_MAX:
        return None
    return _dropped(row, "invalid", f"The profile has {size} bytes; at most {PROFILE_BYTES_MAX} are accepted.")


def _refused(row: Row, refusal: Callable[[dict[str, object]], tuple[str, str] | None]) -> RowError | None:
    found = refusal(sent_attributes(row.raw))
    return _dropped(row, *found) if found else None


def _dropped(row: Row, code: str, detail: str) -> RowError:
    title = "Conflict." if code == "duplicate_profile" else "Invalid input."
    return RowError(code, title, detail, row.raw)
