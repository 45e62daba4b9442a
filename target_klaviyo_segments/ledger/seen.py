"""Who was seen in the segments of this run, and so which members have left them. Gone when the ledger is closed.

Kept in a temporary table, because a segment may have more people than the memory: SQLite puts it into an unlinked
file of its own, mode 0600, beside the ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.holders import beside, numbers, without
from target_klaviyo_segments.ledger.names import emails, people, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from target_klaviyo_segments.ledger.database import Database

_READ_AT_ONCE = 5_000


class Seen:
    """Appended in any order, sorted when it is asked. Lists and streams go by their numbers.

    `unsorted` are as many as `sort` would have to do with.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begun = False
        self.unsorted = 0

    def add(self, list_number: int, emails: Sequence[str]) -> None:
        """These people are in a segment of the list."""
        self._begin()
        self.unsorted += len(emails)
        self._database.write_over(
            "INSERT INTO temp.seen (person) {values}", people(list_number, emails), size=len(emails)
        )

    def leavers(self, list_number: int, streams: Sequence[int]) -> Iterator[str]:
        """Members whom one of these streams delivered last and whom nobody has seen; the table may change meanwhile."""
        self.sort()
        last, end = span(list_number)
        among = ",".join("?" * len(streams))
        while True:
            found = self._database.array(
                "SELECT json_group_array(person) FROM (SELECT person FROM members WHERE person > ? AND person < ? "  # noqa: S608  # question marks
                f"AND stream IN ({among}) AND NOT EXISTS "
                "(SELECT 1 FROM temp.seen_sorted AS seen WHERE seen.person = members.person) ORDER BY person LIMIT ?)",
                (last, end, *streams, _READ_AT_ONCE),
            )
            if not found:
                return
            last = found[-1]
            yield from emails(found)

    def count_leavers(self, list_number: int, streams: Sequence[int]) -> int:
        """How many of them no other stream has."""
        self.sort()
        (count,) = self._database.row(
            f"SELECT count(*) FROM members WHERE person > ? AND person < ? AND stream IN ({numbers(streams)}) "  # noqa: S608  # numbers
            f"AND (also IS NULL OR NOT {beside(streams)}) AND NOT EXISTS "
            "(SELECT 1 FROM temp.seen_sorted AS seen WHERE seen.person = members.person)",
            span(list_number),
        )
        return int(count)

    def disown(self, list_number: int, streams: Sequence[int]) -> None:
        """Members of other streams whom nobody has seen are no longer in these."""
        self.sort()
        self._database.run(
            f"UPDATE members SET also = {without(streams)} WHERE person > ? AND person < ? AND also IS NOT NULL "  # noqa: S608  # same
            f"AND stream NOT IN ({numbers(streams)}) AND NOT EXISTS "
            "(SELECT 1 FROM temp.seen_sorted AS seen WHERE seen.person = members.person)",
            span(list_number),
        )

    def sort(self) -> None:
        """Bring everybody seen so far into the table `seen_sorted`."""
        self._begin()
        if self.unsorted:
            self._database.run("INSERT OR IGNORE INTO temp.seen_sorted SELECT person FROM temp.seen ORDER BY person")
            self._database.run("DELETE FROM temp.seen")
            self.unsorted = 0

    def _begin(self) -> None:
        if not self._begun:
            self._database.run("CREATE TEMP TABLE seen (person TEXT NOT NULL)")
            self._database.run("CREATE TEMP TABLE seen_sorted (person TEXT PRIMARY KEY) WITHOUT ROWID")
            self._begun = True
