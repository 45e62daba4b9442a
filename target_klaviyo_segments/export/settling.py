"""The books of a run: what is under way, and the fate of each row as answers come back. Main thread only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.export.crowd import Crowd
from target_klaviyo_segments.export.events import Broken, JobEnded, JobLost, JobPeople, Refused, Shipped, Submitted
from target_klaviyo_segments.klaviyo.protocol import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from target_klaviyo_segments.export.checkpoint import Checkpoint
    from target_klaviyo_segments.export.events import Event
    from target_klaviyo_segments.export.keeper import Fate, Keeper
    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.parcel import Parcel
    from target_klaviyo_segments.export.rejects import Rejects
    from target_klaviyo_segments.klaviyo.protocol import RowError

IMPORT_ERROR = "klaviyo_import_error"
NOT_DELIVERED = "not_delivered"


class Books:
    """Every row is settled once; a STATE is held back for ever by a row that failed."""

    def __init__(self, rejects: Rejects, failed: Rejects, keeper: Keeper, checkpoint: Checkpoint) -> None:
        self._rejects = rejects
        self._failed = failed
        self._keeper = keeper
        self._checkpoint = checkpoint
        self._jobs: dict[str, tuple[Parcel, Sequence[int]]] = {}
        self._known: set[str] = set()  # ids of all jobs that this run began
        self._unexplained: dict[str, tuple[Rejection, int]] = {}  # and how many rows failed without a name
        self.parcels: dict[int, Parcel] = {}
        self.people = Crowd()  # of all parcels under way
        self.in_flight = 0
        self.broken: Exception | None = None
        self.crashed = False  # a worker died: not everything under way will be told
        self.incomplete: list[str] = []
        self.watch: Callable[[Lane, str], None] = _nobody_watches
        self.ask_people: Callable[[str], None] = partial(_nobody_watches, None)

    @property
    def awaits(self) -> bool:
        """Whether something is still to come back: not of rows whose answer could not be written down."""
        return bool(self.in_flight or self._jobs)

    def send(self, parcel: Parcel, people: Iterable[str], first_sequence: int) -> None:
        """A parcel is about to go to a worker."""
        self.parcels[parcel.identity] = parcel
        parcel.people = self.people.enter(people)
        self._checkpoint.hold(parcel.identity, first_sequence)
        self.in_flight += 1

    def reject_unsent(self, lane: Lane, number: int, rejection: Rejection, record: bytes) -> None:
        """A row did not pass the checks."""
        self._rejects.write(lane, number, rejection, record)
        lane.tally.reject(rejection.code)

    def count_failed(self, lanes: Iterable[Lane]) -> None:
        """The run is over: a row that has no fate by now was not delivered, as far as is known."""
        for lane in lanes:
            lane.tally.failed += lane.tally.read - lane.tally.settled
            for export in lane.exports:
                export.failed = export.profiles - export.delivered - export.rejected

    def write_failed(self, lanes: Iterable[Lane], reason: str) -> None:
        """Those rows into the file from which they can be sent again.

        Raises:
            WorkDirError: The file cannot be written.
        """
        why = Rejection(NOT_DELIVERED, reason)
        for parcel in self.parcels.values():
            self._write_failed(parcel, [row for row, settled in enumerate(parcel.settled) if not settled], why)
        for lane in lanes:
            for row in lane.unsent:
                self._failed.write(lane, row.number, why, bytes(row.record))

    def book(self, event: Event) -> None:
        """Enter what a worker tells."""
        match event:
            case Submitted():
                self._submitted(event)
            case Refused():
                self._reject(self.parcels[event.parcel], {event.row: event.rejection})
            case Shipped():
                self._shipped(event)
            case JobEnded() if event.status.id in self._jobs:
                self._ended(event)
            case JobPeople() if event.job_id in self._jobs:
                self._people(event)
            case JobLost() if event.job_id in self._jobs:
                parcel, rows = self._jobs.pop(event.job_id)
                self._fail(parcel, rows, f"{parcel.lane.kind_of_job} {event.job_id}: {event.reason}")
            case Broken():
                self.broken, self.crashed = self.broken or event.error, True

    def _submitted(self, event: Submitted) -> None:
        """A job has begun. When two have one id nobody can tell which rows which of them holds: they have failed."""
        parcel = self.parcels[event.parcel]
        parcel.export.jobs += 1
        self._keeper.note_job(parcel.export)
        if event.job_id in self._known:
            first = [self._jobs.pop(event.job_id)] if event.job_id in self._jobs else []
            for holder, rows in [*first, (parcel, event.rows)]:
                self._fail(holder, rows, f"Klaviyo gave two imports one job id, {event.job_id}")
            return
        self._known.add(event.job_id)
        self._jobs[event.job_id] = (parcel, event.rows)
        self.watch(parcel.lane, event.job_id)
        self._keeper.submitted(parcel, event.job_id, event.rows)

    def _shipped(self, event: Shipped) -> None:
        self.in_flight -= 1
        self.broken = self.broken or event.error
        for rows, sent in ((event.unsent, False), (event.in_doubt, True)):
            if rows:
                self._fail(self.parcels[event.parcel], rows, str(event.error), told=True, sent=sent)

    def _ended(self, event: JobEnded) -> None:
        job = event.status
        parcel, rows = self._jobs.pop(job.id)
        if not job.ended_well:
            how = "was cancelled in Klaviyo" if job.status == CANCELLED else f"has ended as {job.status}"
            self._fail(parcel, rows, f"{parcel.lane.kind_of_job} {job.id} {how}")
            return
        tied, untied = _tie(parcel, rows, event.errors)
        self._reject(parcel, tied)
        rest = [row for row in rows if row not in tied] if tied else rows
        unnamed = job.failed - len(tied)
        if not untied and unnamed > 0:
            untied = Rejection(
                IMPORT_ERROR, f"Klaviyo counts {job.failed} failed rows in the import job and names fewer"
            )
        if untied and rest:
            self._jobs[job.id] = (parcel, rest)
            self._unexplained[job.id] = untied, unnamed
            self.ask_people(job.id)
        else:
            self._deliver(parcel, rest)
            if parcel.lane.suppression is not None:
                parcel.lane.suppression.skipped += job.skipped

    def _people(self, event: JobPeople) -> None:
        """An import error could not be tied to a row: whoever the job did not bring in is the one.

        When more are counted than that, nobody can tell who they are.
        """
        parcel, rows = self._jobs.pop(event.job_id)
        why, unnamed = self._unexplained.pop(event.job_id)
        emails = parcel.emails
        absent = {row: why for row in rows if emails[row] not in event.emails}
        rest = [row for row in rows if row not in absent]
        self._reject(parcel, absent)
        if len(absent) >= unnamed:
            self._deliver(parcel, rest)
        else:
            reason = f"counts {unnamed} failed rows that it does not name, and {len(absent)} of its people are missing"
            self._fail(parcel, rest, f"{parcel.lane.kind_of_job} {event.job_id}: Klaviyo {reason}")

    def _reject(self, parcel: Parcel, rows: dict[int, Rejection]) -> None:
        for row, record in parcel.records(rows).items() if rows else ():
            self._rejects.write(parcel.lane, parcel.numbers[row], rows[row], record)
            parcel.lane.tally.reject(rows[row].code)
            parcel.export.rejected += 1
        self._settle(parcel, list(rows), "undelivered")

    def _deliver(self, parcel: Parcel, rows: Sequence[int]) -> None:
        parcel.lane.tally.delivered += len(rows)
        parcel.export.delivered += len(rows)
        self._settle(parcel, rows, "delivered")

    def _fail(self, parcel: Parcel, rows: Sequence[int], reason: str, *, told: bool = False, sent: bool = True) -> None:
        """Rows were not delivered, as far as is known; Klaviyo may still bring in those that were `sent`.

        `told` when the run breaks off for the same reason, so that it is said once.
        """
        parcel.lane.tally.failed += len(rows)
        parcel.export.failed += len(rows)
        parcel.failed += len(rows)
        if not told:
            self.incomplete.append(f"{reason}; {len(rows)} rows of `{parcel.lane.name}` were not delivered: run again")
        self._write_failed(parcel, rows, Rejection(NOT_DELIVERED, reason))
        self._settle(parcel, rows, "in_doubt" if sent else "undelivered")

    def _write_failed(self, parcel: Parcel, rows: Sequence[int], why: Rejection) -> None:
        for row, record in parcel.records(rows).items() if rows else ():
            self._failed.write(parcel.lane, parcel.numbers[row], why, record)

    def _settle(self, parcel: Parcel, rows: Sequence[int], fate: Fate) -> None:
        if not rows:
            return
        parcel.settle(rows)
        self._keeper.note_fate(parcel.export)
        if not parcel.open:
            del self.parcels[parcel.identity]
            self.people.leave(parcel.people)
            if not parcel.failed:
                self._checkpoint.release(parcel.identity)
        self._keeper.settle(parcel, rows, fate)


def _tie(
    parcel: Parcel, rows: Sequence[int], errors: Sequence[RowError]
) -> tuple[dict[int, Rejection], Rejection | None]:
    """Import errors by row, by the e-mail that Klaviyo gives back; and one that belongs to no row, if any."""
    if not errors:
        return {}, None
    emails = parcel.emails
    row_of = {emails[row]: row for row in rows}
    tied: dict[int, Rejection] = {}
    untied: Rejection | None = None
    for error in errors:
        rejection = Rejection(IMPORT_ERROR, f"Klaviyo: {error.reason}", error.field)
        row = row_of.get((error.email or "").strip().lower())
        if row is None:
            untied = untied or rejection
        else:
            tied.setdefault(row, rejection)
    return tied, untied


def _nobody_watches(_lane: Lane | None, job_id: str) -> None:
    raise RuntimeError(f"job {job_id} was booked before its watch began")
