"""Runs: begun, counted, ended. A run that was begun and never ended has crashed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.ledger.pace import Pace, pace_of
from target_klaviyo_segments.ledger.values import PastRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_klaviyo_segments.ledger.bounds import Bounds
    from target_klaviyo_segments.ledger.database import Database

_COLUMNS = ("run_id", "connection", "version", "began", "ended", "status")
_ENTER = """
INSERT INTO counted (run, stream, counts) {values}
ON CONFLICT (run, stream) DO UPDATE SET counts = excluded.counts
"""

_SENT = """
SELECT streams.name, list_id, count(jobs.n) FROM intents JOIN streams ON streams.n = stream JOIN lists ON lists.n = list
LEFT JOIN jobs ON jobs.intent = intents.n WHERE run = ? GROUP BY stream, list
"""


class Runs:
    """The table of runs, and how much of the past is kept."""

    def __init__(self, database: Database, now: Callable[[], float], bounds: Bounds) -> None:
        self._database = database
        self._bounds = bounds
        self._now = now
        self._current = ""

    def begin(self, run_id: str, connection: str, version: str) -> None:
        """A new run, and out with the oldest."""
        with self._database.transaction():
            if self._database.row("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)):
                raise ValueError(f"run {run_id} was begun before")
            self._database.run(
                "INSERT INTO runs (run_id, connection, version, began, counts) VALUES (?, ?, ?, ?, '{}')",
                (run_id, connection, version, self._now()),
            )
            self._prune()
        self._current = run_id

    def note(self, run: int, counts: Mapping[str, Any]) -> None:
        """Replace the counts of some streams. Part of a transaction."""
        if counts:
            texts = map(json.dumps, counts.values())
            self._database.write_over(_ENTER, [run] * len(counts), counts, texts, size=len(counts))

    def of(self, intent: int) -> int:
        """The run that a batch is of."""
        (run,) = self._database.row("SELECT run FROM intents WHERE n = ?", (intent,))
        return int(run)

    def end(self, run_id: str, status: str, counts: Mapping[str, Any]) -> None:
        """The run is over."""
        with self._database.transaction():
            number = self.number(run_id)
            self._database.run(
                "UPDATE runs SET ended = ?, status = ?, counts = ? WHERE n = ?",
                (self._now(), status, json.dumps(counts), number),
            )
            self._database.run("DELETE FROM counted WHERE run = ?", (number,))

    def number(self, run_id: str) -> int:
        """The run in other tables."""
        found = self._database.row("SELECT n FROM runs WHERE run_id = ?", (run_id,))
        if found is None:
            raise ValueError(f"run {run_id} was never begun")
        return int(found[0])

    def crashed(self) -> list[PastRun]:
        """Begun, never ended, and not the current one; oldest first."""
        return self._read("WHERE ended IS NULL AND run_id <> ? ORDER BY n", self._current)

    def last(self, count: int) -> list[PastRun]:
        """Newest first."""
        return self._read("ORDER BY n DESC LIMIT ?", count)

    def last_success(self) -> float | None:
        """When a run last ended well, as far as runs are kept; None when none did."""
        found = self._database.row("SELECT max(ended) FROM runs WHERE status = 'successful'")
        return None if found is None or found[0] is None else float(found[0])

    def pace(self, run_id: str) -> Pace:
        """Import jobs of a run by time."""
        return pace_of(self._database, self.number(run_id))

    def sent(self, run_id: str) -> dict[str, tuple[str, int]]:
        """Where each stream of a run went, and in how many import jobs."""
        found = self._database.rows(_SENT, (self.number(run_id),))
        return {stream: (list_id, jobs) for stream, list_id, jobs in found}

    def _read(self, which: str, value: str | int) -> list[PastRun]:
        rows = self._database.rows(f"SELECT n, counts, {', '.join(_COLUMNS)} FROM runs {which}", (value,))  # noqa: S608  # ours
        return [PastRun(*[*columns, self._counts(number, whole)]) for number, whole, *columns in rows]

    def _counts(self, run: int, whole: str) -> dict[str, Any]:
        """Those of its end; without one, stream by stream as far as it came."""
        parts = self._database.rows("SELECT stream, counts FROM counted WHERE run = ? ORDER BY rowid", (run,))
        with self._database.reading():
            counts: dict[str, Any] = json.loads(whole)
            streams = {stream: json.loads(each) for stream, each in parts}
            return counts | {"streams": counts.get("streams", {}) | streams} if streams else counts

    def _prune(self) -> None:
        """What has an open row is kept, however old."""
        run = self._database.run
        run(
            "DELETE FROM jobs WHERE n <= (SELECT max(n) FROM jobs) - ? "
            "AND intent IN (SELECT n FROM intents WHERE closed IS NOT NULL)",
            (self._bounds.jobs,),
        )
        run(
            "DELETE FROM intents WHERE low IS NULL AND n <= (SELECT max(n) FROM intents) - ? "
            "AND n NOT IN (SELECT intent FROM jobs)",
            (self._bounds.jobs,),
        )
        run(
            "DELETE FROM runs WHERE n <= (SELECT max(n) FROM runs) - ? AND n NOT IN (SELECT run FROM intents)",
            (self._bounds.runs,),
        )
        run("DELETE FROM counted WHERE run NOT IN (SELECT n FROM runs)")
