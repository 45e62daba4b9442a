"""From the journal into the members: settled rows are posted, many batches at once and in the members' order.

Written one batch at a time, each of its rows would rewrite a page of its own, and the pages are what costs. Whoever
reads members has everything posted first, so that nobody sees the difference.

Who is in doubt becomes a member of whom nobody knows what Klaviyo has: they can leave, and are never unchanged.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.holders import HAND_DOWN, KEPT_KEY
from target_klaviyo_segments.ledger.journal import IN_DOUBT
from target_klaviyo_segments.ledger.marks import Marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_klaviyo_segments.ledger.bounds import Bounds
    from target_klaviyo_segments.ledger.database import Database

_FROM_JOURNAL = """
  FROM fates CROSS JOIN intents ON intents.n = fates.intent CROSS JOIN rows ON rows.n BETWEEN fates.low AND fates.high
"""
_DELIVERED = f"""
INSERT INTO members (person, fingerprint, key, stream, at, run, fate)
SELECT person, iif(fates.delivered = {IN_DOUBT}, NULL, fingerprint), key, stream, at, run, fates.n {_FROM_JOURNAL}
WHERE fates.n > ? AND fates.delivered
ORDER BY person, fates.n
ON CONFLICT (person) DO UPDATE SET fingerprint = excluded.fingerprint, key = {KEPT_KEY}, stream = excluded.stream,
  also = iif(stream = excluded.stream, also, {HAND_DOWN}), at = excluded.at, run = excluded.run, fate = excluded.fate
"""
_UNDELIVERED = f"""
UPDATE members SET fingerprint = NULL FROM (
  SELECT person, max(fates.n) AS last {_FROM_JOURNAL}
  WHERE fates.n > ? AND NOT fates.delivered GROUP BY person
) AS refused
WHERE members.person = refused.person AND members.fate < refused.last
"""  # noqa: S608  # no values in it


class Posting:
    """How many rows wait, and who they are."""

    def __init__(self, database: Database, bounds: Bounds) -> None:
        self._database = database
        self._bounds = bounds
        self.marks = Marks(database)
        (waiting,) = database.row(
            "SELECT coalesce(sum(high - low + 1), 0) FROM fates WHERE n > (SELECT fate FROM posted)"
        )
        self._waiting = int(waiting)
        self._hashes: dict[int, array[int]] = {}  # of the rows of open intents, from the first question on
        self._watched: set[int] | None = None  # hashes of the rows that wait

    def intended(self, intent: int, emails: Iterable[str]) -> None:
        """A batch is open."""
        if self._watched is not None:
            self._hashes[intent] = array("q", map(hash, emails))

    def settled(self, intent: int, fates: Iterable[Sequence[int]], *, closed: bool) -> bool:
        """Rows have their fates and wait; to whether it is time to post."""
        self._waiting += sum(map(len, fates))
        hashes = self._hashes.pop(intent, None) if closed else self._hashes.get(intent)
        if self._watched is None:
            return self._waiting >= self._bounds.waiting
        if hashes is None:  # a batch that was open before the first question
            return True
        self._watched.update(hashes[row] for rows in fates for row in rows)
        return self._waiting >= self._bounds.waiting_watched

    @property
    def is_much(self) -> bool:
        """Whether enough waits to be posted by who has nothing else to do."""
        return self._waiting >= self._bounds.waiting_idle

    def waits_for(self, emails: Iterable[str]) -> bool:
        """Whether one of these may wait in the journal."""
        if self._watched is None:
            return True
        return not self._watched.isdisjoint(map(hash, emails))

    def watch(self) -> None:
        """Remember from now on who waits. Nobody does now."""
        if self._watched is None:
            self._watched = set()

    def post(self) -> None:
        """Enter all that waits into the members, and forget the rows of closed batches."""
        if not self._waiting:
            return
        with self._database.transaction():
            (posted,) = self._database.row("SELECT fate FROM posted")
            self._database.run(_DELIVERED, (posted,))
            self._database.run(_UNDELIVERED, (posted,))
            self.marks.post(posted)
            self._database.run("UPDATE posted SET fate = (SELECT max(n) FROM fates)")
            self._forget_closed()
        self._waiting = 0
        if self._watched is not None:
            self._watched = set()

    def _forget_closed(self) -> None:
        closed = self._database.rows(
            "SELECT n, low, low + size - 1 FROM intents WHERE low IS NOT NULL AND closed IS NOT NULL"
        )
        if not self._database.row("SELECT 1 FROM intents WHERE closed IS NULL"):
            self._database.run("DELETE FROM rows")  # all at once costs nothing
        for intent, low, high in closed:
            self._database.run("DELETE FROM rows WHERE n BETWEEN ? AND ?", (low, high))
            self._database.run("DELETE FROM fates WHERE intent = ?", (intent,))
            self._database.run("UPDATE intents SET low = NULL WHERE n = ?", (intent,))
