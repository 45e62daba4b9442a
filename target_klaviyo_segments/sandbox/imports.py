"""Bulk import jobs: their life by the clock, and stage two, in which single rows are dropped with an import error.

https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

from __future__ import annotations

import base64
import hashlib
from array import array
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from target_klaviyo_segments.sandbox.block import Block
from target_klaviyo_segments.sandbox.life import CANCELLED, COMPLETE, Life
from target_klaviyo_segments.sandbox.people import People, Unresolvable
from target_klaviyo_segments.sandbox.person import sent_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from target_klaviyo_segments.sandbox.block import Row
    from target_klaviyo_segments.sandbox.lists import ListRecord
    from target_klaviyo_segments.sandbox.rows import Import
    from target_klaviyo_segments.sandbox.scenario import Scenario

# Whether a KB is 1,000 bytes is not said: the smaller reading is the stricter one.
PROFILE_BYTES_MAX = 100_000
LIFE_SECONDS = 7 * 86_400
# Jobs with errors that are remembered as such, for those who look.
_TROUBLED_KEPT = 50
# Before an id of the caller's own, which may read like an address.
_EXTERNAL_ID = "external_id "


class RowError(NamedTuple):
    """A row that stage two dropped, as it was sent."""

    code: str
    title: str
    detail: str
    raw: bytes


@dataclass(slots=True)
class Job(Life):
    """One bulk import."""

    total: int
    into: ListRecord | None
    rows: Sequence[Row] | Block = field(default=(), repr=False)
    errors: list[RowError] = field(default_factory=list, repr=False)
    done: Sequence[int] = field(default=(), repr=False)

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
        self._open: list[Job] = []
        # Who is in an open job, and how many of the open jobs have been looked at for it.
        self._taken: set[str] = set()
        self._looked_at = 0
        self._made = 0
        self._troubled: deque[Job] = deque(maxlen=_TROUBLED_KEPT)
        self._dropped = 0

    def submit(self, sent: Import, into: ListRecord | None, now: float) -> Job:
        """Queue what passed stage one; the same person again, in this job or another open one, is dropped later."""
        seconds = self._scenario.job_seconds
        job = Job(self._new_id(), now, now + seconds / 2, now + seconds, len(sent.rows), into)
        job.fate = self._scenario.next_fate()
        self._sift(job, sent.rows)
        self._jobs[job.id] = job
        self._open.append(job)
        return job

    def advance(self, now: float) -> None:
        """End what is due and forget what is too old."""
        due = [job for job in self._open if job.is_due(now)]
        for job in due:
            self._end(job)
        while self._jobs and now >= (oldest := next(iter(self._jobs.values()))).expires:
            due.append(oldest)
            del self._jobs[oldest.id]
        if due:
            self._open = [job for job in self._open if not job.ended and job.id in self._jobs]
            self._taken, self._looked_at = set(), 0

    def get(self, job_id: str) -> Job | None:
        """The job of an id, while it lives."""
        return self._jobs.get(job_id)

    def living(self) -> list[Job]:
        """Jobs that can be seen, oldest first."""
        return list(self._jobs.values())

    def latest(self, most: int) -> list[Job]:
        """The newest of them, newest first."""
        return list(islice(reversed(self._jobs.values()), most))

    def troubled(self) -> list[Job]:
        """The last that ended with errors, newest first."""
        return [job for job in reversed(self._troubled) if job.id in self._jobs]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Jobs that can be seen, those of them that are open, and rows that were dropped so far."""
        return len(self._jobs), len(self._open), self._dropped

    def _sift(self, job: Job, rows: list[Row] | Block) -> None:
        """The first row of a person wins, and who is in another open job falls."""
        for other in self._open[self._looked_at :]:
            self._taken.update(_keys(other.rows))
        self._looked_at = len(self._open)
        plain = isinstance(rows, Block) and rows.largest <= PROFILE_BYTES_MAX and not self._scenario.row_refusal
        if plain and (not self._taken or self._taken.isdisjoint(_keys(rows))):
            job.rows = rows
        else:
            self._sift_slowly(job, rows)

    def _sift_slowly(self, job: Job, rows: Iterable[Row]) -> None:
        seen: set[str] = set()
        refusal = self._scenario.row_refusal
        kept: list[Row] = []
        for row in rows:
            keys = _keys([row])
            error = _too_large(row) or (_refused(row, refusal) if refusal else None)
            if not (error or (seen.isdisjoint(keys) and self._taken.isdisjoint(keys))):
                error = _dropped(row, "duplicate_profile", "The same person is in an import that is not complete.")
            if error:
                job.errors.append(error)
            else:
                seen.update(keys)
                kept.append(row)
        job.rows = kept

    def _end(self, job: Job) -> None:
        job.ended = job.fate or COMPLETE
        rows, job.rows = job.rows, ()
        if job.ended == CANCELLED:
            job.errors = []
            return
        done = self._people.put_block(rows, job.due) if isinstance(rows, Block) else None
        job.done = self._put_slowly(job, rows) if done is None else done
        if job.into:
            job.into.members.add_all(job.done, job.due)
        if job.errors:
            self._troubled.append(job)
            self._dropped += len(job.errors)

    def _put_slowly(self, job: Job, rows: Iterable[Row]) -> Sequence[int]:
        done = array("i")
        for row in rows:
            try:
                done.append(self._people.put(row, job.due))
            except Unresolvable as error:  # noqa: PERF203  # each row falls alone
                job.errors.append(_dropped(row, "duplicate_profile", str(error)))
        return done

    def _new_id(self) -> str:
        """A long opaque string; Klaviyo's has about 58 characters."""
        self._made += 1
        digest = hashlib.sha512(f"import job {self._made}".encode()).digest()
        return base64.urlsafe_b64encode(digest[:43]).decode().rstrip("=")


def _keys(rows: Iterable[Row] | Block) -> list[str]:
    """All that the people of the rows are known by; no two kinds can be taken for each other."""
    if isinstance(rows, Block):
        external_ids = [value for value in rows.external_ids if value]
        return [*rows.emails, *filter(None, rows.phones), *map(_EXTERNAL_ID.__add__, external_ids)]
    keys: list[str] = []
    for row in rows:
        keys += [key for key in (row.email, row.phone) if key]
        keys += [_EXTERNAL_ID + row.external_id] if row.external_id else []
        keys += ["id " + row.id] if row.id else []
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
