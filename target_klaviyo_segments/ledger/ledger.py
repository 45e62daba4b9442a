"""The ledger, whole: which of its parts does what, and in which transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.ledger.bounds import Bounds
from target_klaviyo_segments.ledger.database import Database
from target_klaviyo_segments.ledger.errands import Errands
from target_klaviyo_segments.ledger.given import Given
from target_klaviyo_segments.ledger.journal import Columns, Journal
from target_klaviyo_segments.ledger.known import Known
from target_klaviyo_segments.ledger.listed import Listed
from target_klaviyo_segments.ledger.lock import Lock
from target_klaviyo_segments.ledger.members import Members
from target_klaviyo_segments.ledger.names import NOBODY, Names
from target_klaviyo_segments.ledger.opening import open_file
from target_klaviyo_segments.ledger.posting import Posting
from target_klaviyo_segments.ledger.runs import Runs
from target_klaviyo_segments.ledger.schema import STEPS
from target_klaviyo_segments.ledger.seen import Seen
from target_klaviyo_segments.ledger.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from target_klaviyo_segments.ledger.values import PastRun, Unfinished


class Ledger:
    """What was sent, across runs. One process at a time, one thread. Made by `open`.

    `listed` is for who is on a list at Klaviyo, as this run has read it.

    Every method raises `WorkDirError` when the file cannot be read or written, or is damaged; `ValueError` for a
    run, intent or row that cannot be.
    """

    def __init__(self, database: Database, lock: Lock, now: Callable[[], float], bounds: Bounds) -> None:
        self._database = database
        self._lock = lock
        self._now = now
        self._runs = Runs(database, now, bounds)
        self.last_runs, self.pace = self._runs.last, self._runs.pace
        self._journal = Journal(database, now)
        self._posting = Posting(database, bounds)
        self._members = Members(database)
        self._names = Names(database)
        self.errands = Errands(database, self._names)
        self.given = Given(database, self._names, self._posting)
        self._seen = Seen(database)
        self._known = Known(database)
        self.segments = Segments(database, self._posting.post)
        self.listed = Listed(database, self._names, self._seen)

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

    def note_run(self, run_id: str, counts: Mapping[str, Any]) -> None:
        """Keep what a run has counted so far, as JSON; replaces what was kept before."""
        self._runs.note(run_id, counts)

    def end_run(self, run_id: str, status: str, counts: Mapping[str, Any]) -> None:
        """A run is over: this one, or one that crashed and has been settled."""
        self._posting.post()
        self._runs.end(run_id, status, counts)

    def crashed_runs(self) -> list[PastRun]:
        """Runs begun and never ended, but for the current one; oldest first."""
        return self._runs.crashed()

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
    ) -> int:
        """Write a batch down before it is sent; to its number. The columns, also the errands', have one entry a row."""
        batch = Columns(emails, numbers, fingerprints, keys)
        with self._database.transaction():
            names = self._names.enter(stream, list_id)
            intent = self._journal.intend(self._runs.number(run_id), *names, batch)
            self.errands.intend(intent, *names, emails, errands or {}, self._now())
            self._posting.marks.intend(intent, marks)
        self._posting.intended(intent, emails)
        return intent

    def submitted(self, intent: int, job_id: str, rows: Sequence[int]) -> None:
        """Klaviyo took these rows, by position in the batch, as an import job."""
        with self._database.transaction():
            self._journal.submitted(intent, job_id, rows)

    def settle(self, intent: int, *, delivered: Sequence[int] = (), undelivered: Sequence[int] = ()) -> None:
        """Rows have their fate: those delivered are members; those not are never taken for unchanged."""
        with self._database.transaction():
            closed = self._journal.settle(intent, delivered, undelivered)
            self.errands.settle(intent, delivered, undelivered)
        if self._posting.settled(intent, (delivered, undelivered), closed=closed):
            self._posting.post()

    def job_ids(self) -> set[str]:
        """Ids of all import jobs that it remembers."""
        return self._journal.job_ids()

    def unfinished(self) -> Iterator[Unfinished]:
        """Batches of any run with rows that have no fate, oldest first; read one by one, so settle as you go."""
        return self._journal.unfinished()

    def unchanged(
        self, list_id: str, emails: Sequence[str], fingerprints: Sequence[int], *, delivered_since: float
    ) -> list[int]:
        """Positions of people whose last fate on this list was to be delivered, since then, with this fingerprint.

        A delivery in the future, by a clock that was wrong, does not count. Ask about nobody who is in an open intent.
        """
        if self._posting.waits_for(emails):
            self._posting.post()
            self._posting.watch()
        number = self._names.list(list_id)
        return self._members.unchanged(number, emails, fingerprints, delivered_since, self._now())

    def members(self, list_id: str, stream: str | None = None) -> Iterator[str]:
        """E-mails of a list, or of those whom a stream delivered last. The ledger may be written meanwhile."""
        self._posting.post()
        yield from self._members.emails(self._names.list(list_id), self._stream(stream))

    def count_members(self, list_id: str, stream: str | None = None) -> int:
        """How many `members` there are."""
        self._posting.post()
        return self._members.count(self._names.list(list_id), self._stream(stream))

    def newcomers(self, emails: Sequence[str]) -> int:
        """How many of these people no earlier run delivered to any list, each counted once.

        To be asked before anybody of this run is delivered: the first call gathers everybody, a second a million.
        """
        return self._known.newcomers(emails)

    def emails_of_keys(self, list_id: str, stream: str, keys: Sequence[str]) -> dict[str, str]:
        """Record key to e-mail, of those known. The first call ever makes an index: seconds for a million people."""
        self._posting.post()
        names = self._names.list(list_id), self._names.stream(stream)
        return self._members.of_keys(*names, keys)

    def hand_over(self, list_id: str, streams: Sequence[str], emails: Sequence[str]) -> list[str]:
        """People who left these streams: those whom another stream has on the list too, and keeps."""
        self._posting.post()
        with self._database.transaction():
            self.errands.leave(self._names.list(list_id), emails, self._names.streams(streams))
            return self._members.hand_over(self._names.list(list_id), self._names.streams(streams), emails)

    def count_leavers(self, list_id: str, streams: Sequence[str]) -> int:
        """How many `leavers` there are whom no other stream has."""
        self._posting.post()
        return self._seen.count_leavers(self._names.list(list_id), self._names.streams(streams))

    def ids_of(self, list_id: str, emails: Sequence[str]) -> dict[str, str]:
        """E-mail to Klaviyo's profile id, of those known."""
        self._posting.post()
        return self._members.ids(self._names.list(list_id), emails)

    def learn_ids(self, list_id: str, ids: Mapping[str, str]) -> None:
        """Keep Klaviyo's profile ids, by e-mail, of those who are members."""
        self._posting.post()
        with self._database.transaction():
            self._members.learn(self._names.list(list_id), ids)

    def doubt(self, list_id: str, emails: Sequence[str]) -> None:
        """Nobody knows for the moment what Klaviyo has of these people: they are not `unchanged`."""
        self._posting.post()
        with self._database.transaction():
            self._members.doubt(self._names.list(list_id), emails)

    def remove(self, list_id: str, emails: Sequence[str]) -> None:
        """These people left the list."""
        self._posting.post()
        with self._database.transaction():
            self.errands.leave(self._names.list(list_id), emails)
            self._members.remove(self._names.list(list_id), emails)

    def see(self, list_id: str, emails: Sequence[str]) -> None:
        """These people are in a segment of this run that goes to the list."""
        number = self._names.list(list_id)
        if number == NOBODY:
            with self._database.transaction():
                number = self._names.enter_list(list_id)
        self._seen.add(number, emails)

    def leavers(self, list_id: str, streams: Sequence[str]) -> Iterator[str]:
        """Members whom one of the streams delivered last and this run has not seen. It may be written meanwhile."""
        self._posting.post()
        yield from self._seen.leavers(self._names.list(list_id), self._names.streams(streams))

    def disown(self, list_id: str, streams: Sequence[str]) -> None:
        """These streams came whole: members of other streams whom this run has not seen are in these no longer."""
        self._posting.post()
        with self._database.transaction():
            self._seen.disown(self._names.list(list_id), self._names.streams(streams))

    def _stream(self, name: str | None) -> int | None:
        return None if name is None else self._names.stream(name)
