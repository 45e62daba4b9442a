"""What was sent, remembered across runs in `{work_dir}/ledger.sqlite3`: runs, batches under way, members of lists.

Everything that others use is imported from here. One thread calls all of it. It knows nothing of Klaviyo or Singer.

    ledger = Ledger.open(path, now=time.time, warn=log.warning)      # locks, migrates, sets a corrupt file aside
    for intent in ledger.unfinished(): ...                           # of crashed runs: ask Klaviyo, then settle
    ledger.begin_run(run_id, connection=name, version=__version__)   # also prunes old bookkeeping

    intent = ledger.intend(run_id, stream=..., list_id=..., emails=..., numbers=..., fingerprints=..., keys=...)
    ledger.submitted(intent, job_id, rows)                           # on each 202; rows are positions in the batch
    ledger.settle(intent, delivered=rows, undelivered=rows)          # as often as rows get their fate

    ledger.note_run(run_id, counts); ledger.end_run(run_id, status, counts); ledger.close()

Signatures:

    Ledger.open(path: Path, *, now: Callable[[], float], warn: Callable[[str], None],
                bounds: Bounds | None = None) -> Ledger
    close() -> None                                                  # twice is harmless

    begin_run(run_id: str, *, connection: str, version: str) -> None
    note_run(run_id: str, counts: Mapping[str, Any]) -> None         # of streams so far: JSON, replaces the last
    end_run(run_id: str, status: str, counts: Mapping[str, Any]) -> None
    crashed_runs() -> list[PastRun]                                  # begun, never ended, not the current; oldest first
    last_runs(count: int) -> list[PastRun]                           # newest first
    last_success() -> float | None                                   # when a run last ended well
    pace(run_id: str) -> Pace                                        # its import jobs by time

    intend(run_id: str, *, stream: str, list_id: str, emails: Sequence[str], numbers: Sequence[int],
           fingerprints: Sequence[int], keys: Sequence[str | None],
           errands: Mapping[str, Sequence[bytes | None]] | None = None,    # what to do then, see `errands.py`
           marks: Sequence[tuple[int, int]] = (),
           source: str | None = None) -> int                         # the stream that `stream` is a segment of
    submitted(intent: int, job_id: str, rows: Sequence[int]) -> None
    settle(intent: int, *, delivered: Sequence[int] = (), undelivered: Sequence[int] = (),
           in_doubt: Sequence[int] = (),                             # nobody can tell whether Klaviyo took them
           counts: Mapping[str, Any] | None = None) -> None          # as `note_run`, in one transaction
    unfinished() -> Iterator[Unfinished]                             # rows without a fate, of any run; oldest first

    unchanged(list_id: str, emails: Sequence[str], fingerprints: Sequence[int],
              keys: Sequence[str | None] | None = None, *, stream: str, delivered_since: float) -> list[int]
    members(list_id: str, stream: str | None = None) -> Iterator[str]      # the ledger may be written meanwhile
    count_members(list_id: str, stream: str | None = None) -> int
    newcomers(emails: Sequence[str]) -> int                          # whom no earlier run delivered to any list
    emails_of_keys(list_id: str, stream: str, keys: Sequence[str]) -> dict[str, list[str]]   # the last in front
    segments.of_keys(stream: str, keys: Sequence[str]) -> list[Placed]     # key, `stream/value`, list, e-mail
    segments.of_emails(stream: str, emails: Sequence[str]) -> list[Placed]
    segments.counts(stream: str) -> dict[tuple[str, str], int]       # by `stream/value` and list
    hand_over(list_id: str, streams: Sequence[str], emails: Sequence[str]) -> list[str]   # whom another stream has too
    ids_of(list_id: str, emails: Sequence[str]) -> dict[str, str]          # those known
    learn_ids(list_id: str, ids: Mapping[str, str]) -> None                # of members; others are passed over
    doubt(list_id: str, emails: Sequence[str]) -> None                     # not unchanged, whatever happens next
    remove(list_id: str, emails: Sequence[str]) -> None                    # they left the list

    see(list_id: str, emails: Sequence[str]) -> None                       # they are in a segment of this run
    leavers(list_id: str, streams: Sequence[str]) -> Iterator[str]         # members of theirs who were not seen
    disown(list_id: str, streams: Sequence[str]) -> None                   # others' members who were not seen
    count_leavers(list_id: str, streams: Sequence[str]) -> int             # of whom no other stream has

    listed.begin(list_id: str) -> None                                     # a list of Klaviyo's is about to be read
    listed.add(ids: Sequence[str], emails: Sequence[str | None], stays: Sequence[bool]) -> None
    listed.count(streams: Sequence[str]) -> tuple[int, int]                # on it; not seen, nor of other streams
    listed.strangers() -> Iterator[tuple[str | None, str]]                 # their e-mails and ids
    leaving.put(part: str, rows: Mapping[str, int]) -> None                # and the rest of `leaving.py`
    given.due(stream: str, count: int) -> list[Due]                        # and the rest of `given.py`

    fingerprint(payload: bytes) -> int                               # signed 64 bits
    fingerprints(payloads: Iterable[bytes]) -> list[int]

    Copy.of(path: Path, *, now, warn) -> Copy                        # a ledger to try things on; nothing of it is kept
    glance(path: Path) -> Glance | None                              # changes nothing; None when there is no ledger

Values (frozen): `PastRun(run_id, connection, version, began, ended, status, counts)`, `Unfinished(intent, run_id,
stream, list_id, began, emails, numbers, fingerprints, keys, jobs, settled)` with `.jobless` (open rows that belong to
no job) and `.open_rows(job)`, `Sent(job_id, rows, at)`,
`Pace(began, step_seconds, submitted, ended)`. Rows are `range` where they are contiguous, else a tuple.

Errors: every call raises `WorkDirError`, with words, when the disk is full, read-only, broken, or the file is found
corrupt; `ValueError` for a row or intent that cannot be (a mistake of the program).

What the caller owes: every row of an intent is settled in the end, also one that was never sent (`undelivered`);
`unchanged` is asked only about people of no open intent, because nobody knows yet what Klaviyo has of those.
"""

from __future__ import annotations

from target_klaviyo_segments.ledger.bounds import Bounds
from target_klaviyo_segments.ledger.copying import Copy
from target_klaviyo_segments.ledger.errands import FOR_EVER, Errand
from target_klaviyo_segments.ledger.fingerprint import fingerprint, fingerprints
from target_klaviyo_segments.ledger.given import Due
from target_klaviyo_segments.ledger.ledger import Ledger
from target_klaviyo_segments.ledger.looking import Glance, glance
from target_klaviyo_segments.ledger.pace import Pace
from target_klaviyo_segments.ledger.values import PastRun, Sent, Unfinished

__all__ = [
    "FOR_EVER",
    "Bounds",
    "Copy",
    "Due",
    "Errand",
    "Glance",
    "Ledger",
    "Pace",
    "PastRun",
    "Sent",
    "Unfinished",
    "fingerprint",
    "fingerprints",
    "glance",
]
