"""What the ledger tells. Times are seconds since the epoch; rows are positions in their batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.ledger.spans import without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Placed = tuple[str, str, str, str]  # what was asked for, segment, list, e-mail


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run. `ended` and `status` are None while it runs, and for ever if it crashed.

    `counts` are its last: whole when it ended, else `streams` alone, each as it was when it was noted last.
    """

    run_id: str
    connection: str
    version: str
    began: float
    ended: float | None
    status: str | None
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """An import job that Klaviyo took, and the rows in it."""

    job_id: str
    rows: Sequence[int]
    at: float


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A batch of which some rows have no fate. The four columns are by position; `settled` are positions."""

    intent: int
    run_id: str
    stream: str
    list_id: str
    began: float
    emails: Sequence[str]
    numbers: Sequence[int]
    fingerprints: Sequence[int]
    keys: Sequence[str | None]
    jobs: Sequence[Sent]
    settled: Sequence[int]

    @property
    def jobless(self) -> Sequence[int]:
        """Rows without a fate that belong to no known job: being submitted when the run died, or never sent."""
        return without(range(len(self.emails)), [self.settled, *(job.rows for job in self.jobs)])

    def open_rows(self, job: Sent) -> Sequence[int]:
        """Rows of a job that have no fate yet."""
        return without(job.rows, [self.settled])
