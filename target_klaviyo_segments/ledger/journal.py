"""The journal: batches written down before they are sent, their jobs, and the fate of each row as it is known.

Rows are written once, in the order of sending, and never changed: appending is the cheapest thing that SQLite does.
`posting.py` takes them from here into the members.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.ledger.names import emails, people
from target_klaviyo_segments.ledger.spans import to_rows, to_spans
from target_klaviyo_segments.ledger.values import Sent, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from target_klaviyo_segments.ledger.database import Database
from target_klaviyo_segments.ledger.spans import Span

# What `fates.delivered` may say. Whether somebody in doubt is on the list, nobody can tell.
UNDELIVERED, DELIVERED, IN_DOUBT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Columns:
    """A batch by column: one entry a row in each. E-mails are normalised; fingerprints signed, of 64 bits."""

    emails: Sequence[str]
    numbers: Sequence[int]
    fingerprints: Sequence[int]
    keys: Sequence[str | None]


class Journal:
    """Intents, jobs, rows and fates."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def intend(self, run: int, stream: int, list_number: int, batch: Columns) -> int:
        """Write a batch down; to the number that it is known by."""
        size = len(batch.emails)
        if not size or {len(batch.numbers), len(batch.fingerprints), len(batch.keys)} != {size}:
            raise ValueError("a batch has at least one row, and columns of one length")
        (low,) = self._database.row("SELECT coalesce(max(n), 0) + 1 FROM rows")
        columns = {"person": people(list_number, batch.emails), "number": batch.numbers}
        columns |= {"fingerprint": batch.fingerprints} | ({"key": batch.keys} if any(batch.keys) else {})
        self._database.write_over(f"INSERT INTO rows ({', '.join(columns)}) {{values}}", *columns.values(), size=size)
        cursor = self._database.run(
            "INSERT INTO intents (run, stream, list, began, size, low) VALUES (?, ?, ?, ?, ?, ?)",
            (run, stream, list_number, self._now(), size, low),
        )
        return int(cursor.lastrowid or 0)

    def submitted(self, intent: int, job_id: str, rows: Sequence[int]) -> None:
        """Klaviyo took these rows as a job."""
        _, spans = self._open_spans(intent, rows)
        self._database.run(
            "INSERT INTO jobs (intent, job_id, at, size, spans) VALUES (?, ?, ?, ?, ?)",
            (intent, job_id, self._now(), len(rows), json.dumps(spans)),
        )

    def settle(
        self, intent: int, delivered: Sequence[int], undelivered: Sequence[int], in_doubt: Sequence[int]
    ) -> bool:
        """Rows have their fate; to whether it was the last of the batch. Those in doubt count as undelivered."""
        low, _ = self._open_spans(intent, ())
        for rows, fate in ((delivered, DELIVERED), (undelivered, UNDELIVERED), (in_doubt, IN_DOUBT)):
            for first, last in self._open_spans(intent, rows)[1]:
                self._enter(intent, (low + first, low + last), fate)
        self._database.run(
            "UPDATE intents SET delivered = delivered + ?, undelivered = undelivered + ? WHERE n = ?",
            (len(delivered), len(undelivered) + len(in_doubt), intent),
        )
        closed = self._database.run(
            "UPDATE intents SET closed = ? WHERE n = ? AND delivered + undelivered = size", (self._now(), intent)
        )
        return closed.rowcount > 0

    def job_ids(self) -> set[str]:
        """Ids of all import jobs that are remembered."""
        return {job_id for (job_id,) in self._database.rows("SELECT job_id FROM jobs")}

    def unfinished(self) -> Iterator[Unfinished]:
        """Open intents of any run, oldest first, read one at a time: settle as you go."""
        for (intent,) in self._database.rows("SELECT n FROM intents WHERE closed IS NULL ORDER BY n"):
            yield self._read(intent)

    def _open_spans(self, intent: int, rows: Sequence[int]) -> tuple[int, list[Span]]:
        """The batch's first row, and spans of some of its rows."""
        found = self._database.row("SELECT low, size FROM intents WHERE n = ? AND closed IS NULL", (intent,))
        if found is None:
            raise ValueError(f"there is no open intent {intent}")
        low, size = found
        spans = to_spans(rows)
        if spans and not 0 <= spans[0][0] <= spans[-1][1] < size:
            raise ValueError(f"intent {intent} has rows 0 to {size - 1} and not {spans[0][0]} to {spans[-1][1]}")
        return low, spans

    def _enter(self, intent: int, span: Span, fate: int) -> None:
        low, high = span
        before = self._database.row("SELECT intent, high FROM fates WHERE low <= ? ORDER BY low DESC LIMIT 1", (high,))
        if before is not None and before[0] == intent and before[1] >= low:
            raise ValueError(f"a row of intent {intent} has its fate already")
        self._database.run(
            "INSERT INTO fates (intent, low, high, delivered, at) VALUES (?, ?, ?, ?, ?)",
            (intent, low, high, fate, int(self._now())),
        )

    def _read(self, intent: int) -> Unfinished:
        with self._database.reading():
            run_id, stream, list_id, began, low, size = self._database.row(
                "SELECT run_id, name, list_id, intents.began, low, size FROM intents JOIN runs ON runs.n = run "
                "JOIN streams ON streams.n = stream JOIN lists ON lists.n = list WHERE intents.n = ?",
                (intent,),
            )
            return Unfinished(
                intent=intent,
                run_id=run_id,
                stream=stream,
                list_id=list_id,
                began=began,
                emails=emails(self._column("person", low, size)),
                numbers=self._column("number", low, size),
                fingerprints=self._column("fingerprint", low, size),
                keys=self._column("key", low, size),
                jobs=self._jobs(intent, size),
                settled=self._settled(intent, low, size),
            )

    def _column(self, name: str, low: int, size: int) -> list[Any]:
        column = self._database.array(
            f"SELECT json_group_array({name}) FROM (SELECT {name} FROM rows WHERE n BETWEEN ? AND ? ORDER BY n)",  # noqa: S608  # ours
            (low, low + size - 1),
        )
        if len(column) != size:
            raise ValueError("rows are missing")
        return column

    def _jobs(self, intent: int, size: int) -> tuple[Sent, ...]:
        rows = self._database.rows("SELECT job_id, spans, at FROM jobs WHERE intent = ? ORDER BY n", (intent,))
        return tuple(Sent(job_id, to_rows(json.loads(spans), size), at) for job_id, spans, at in rows)

    def _settled(self, intent: int, low: int, size: int) -> Sequence[int]:
        spans = self._database.rows("SELECT low - ?, high - ? FROM fates WHERE intent = ?", (low, low, intent))
        return to_rows(spans, size)
