"""The ledger, whole: which of its parts does what, and in which transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.ledger.bounds import Bounds
from target_klaviyo_segments.ledger.database import Database
from target_klaviyo_segments.ledger.declined import Way
from target_klaviyo_segments.ledger.journal import Columns, Journal
from target_klaviyo_segments.ledger.lock import Held, Lock
from target_klaviyo_segments.ledger.membership import Membership
from target_klaviyo_segments.ledger.opening import open_file
from target_klaviyo_segments.ledger.posting import Posting
from target_klaviyo_segments.ledger.runs import Runs
from target_klaviyo_segments.ledger.schema import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Counts = Mapping[str, Any]


class Ledger(Membership):
    """What was sent, across runs; and who is on which list because of it. One process at a time, one thread.

    Made by `open`.

    Every method raises `WorkDirError` when the file cannot be read or written, or is damaged; `ValueError` for a
    run, intent or row that cannot be.
    """

    def __init__(self, database: Database, lock: Held, now: Callable[[], float], bounds: Bounds) -> None:
        super().__init__(database, Posting(database, bounds), now)
        self._lock = lock
        self._bounds = bounds
        self._runs = Runs(database, now, bounds)
        self.crashed_runs, self.pace = self._runs.crashed, self._runs.pace
        self.sent = self._runs.sent
        self.last_runs, self.last_success = self._runs.last, self._runs.last_success
        self._journal = Journal(database, now)
        self.job_ids, self.unfinished = self._journal.job_ids, self._journal.unfinished

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        now: Callable[[], float],
        warn: Callable[[str], None],
        bounds: Bounds | None = None,
        steps: Sequence[str] = STEPS,
    ) -> Ledger:
        """Lock and open the ledger, made if there is none. `now`: seconds since the epoch.

        `warn` hears of a damaged ledger that was set aside.

        Raises:
            WorkDirError: Another run has it, the file is not ours or newer than this program, the disk refuses.
        """
        lock = Lock(path, now())
        try:
            database = Database(open_file(path, lock, now=now(), warn=warn, steps=steps), path)
        except BaseException:
            lock.release_as_found()
            raise
        try:
            return cls(database, lock, now, bounds or Bounds())
        except BaseException:
            database.close()
            lock.release(in_order=False)
            raise

    def close(self) -> None:
        """Let go of file and lock. Twice is harmless."""
        self._database.close()
        self._lock.release(in_order=not self._database.damaged)

    def begin_run(self, run_id: str, *, connection: str, version: str) -> None:
        """A run begins. What is older than 1,000 runs or 10,000 jobs is forgotten, if it is settled."""
        self._posting.post()
        self._runs.begin(run_id, connection, version)
        self.errands.declined.begin()

    def note_run(self, run_id: str, counts: Counts) -> None:
        """Keep what a run has counted so far, as `settle` does, where no batch has its fate."""
        with self._database.transaction():
            self._runs.note(self._runs.number(run_id), counts)

    def end_run(self, run_id: str, status: str, counts: Mapping[str, Any]) -> None:
        """A run is over: this one, or one that crashed and has been settled."""
        self._posting.post()
        self._runs.end(run_id, status, counts)

    def intend(
        self,
        run_id: str,
        *,
        stream: str,
        list_id: str,
        emails: Sequence[str],
        numbers: Sequence[int],
        fingerprints: Sequence[int],
        keys: Sequence[str | None],
        errands: Mapping[str, Sequence[bytes | None]] | None = None,
        marks: Sequence[tuple[int, int]] = (),
        source: str | None = None,
    ) -> int:
        """Write a batch down before it is sent; to its number. The columns, also the errands', have one entry a row.

        `source` is the stream that `stream` is a segment of.
        """
        batch = Columns(emails, numbers, fingerprints, keys)
        with self._database.transaction():
            names = self._names.enter(stream, list_id)
            intent = self._journal.intend(self._runs.number(run_id), *names, batch)
            self.errands.intend(intent, Way(source or stream, stream, *names), emails, errands or {}, self._now())
            self._posting.marks.intend(intent, marks)
        self._posting.intended(intent, emails)
        return intent

    def submitted(self, intent: int, job_id: str, rows: Sequence[int]) -> None:
        """Klaviyo took these rows, by position in the batch, as an import job."""
        with self._database.transaction():
            self._journal.submitted(intent, job_id, rows)

    def settle(
        self,
        intent: int,
        *,
        delivered: Sequence[int] = (),
        undelivered: Sequence[int] = (),
        in_doubt: Sequence[int] = (),
        counts: Counts | None = None,
    ) -> None:
        """Rows have their fate: those delivered are members; those not are never taken for unchanged.

        Those `in_doubt` are members of whom it is not known what Klaviyo has, nor whether they are on the list.
        `counts`: what the run has counted so far, by stream, as JSON; replaces what was kept of these streams.
        """
        with self._database.transaction():
            closed = self._journal.settle(intent, delivered, undelivered, in_doubt)
            self.errands.settle(intent, delivered, (*undelivered, *in_doubt))
            self._runs.note(self._runs.of(intent), counts or {})
        if self._posting.settled(intent, (delivered, undelivered, in_doubt), closed=closed):
            self._posting.post()

    def catch_up(self) -> None:
        """Post what waits and sort who was seen, if they are many, so that less is left to do at the end of the run."""
        if self._posting.is_much:
            self._posting.post()
        if self._seen.unsorted >= self._bounds.waiting_idle:
            self._seen.sort()
