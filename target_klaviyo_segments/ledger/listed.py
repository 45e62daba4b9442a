"""Who is on a list at Klaviyo, as it was read in this run, and so who is there and in no segment.

In temporary tables, as `seen.py` has it: a list may have more people than the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.holders import beside, numbers
from target_klaviyo_segments.ledger.names import emails, people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from target_klaviyo_segments.ledger.database import Database
    from target_klaviyo_segments.ledger.names import Names
    from target_klaviyo_segments.ledger.seen import Seen

_READ_AT_ONCE = 5_000


class Listed:
    """One list at a time: `begin`, `add`, `count`, `strangers`. Each raises `WorkDirError` as all of the ledger."""

    def __init__(self, database: Database, names: Names, seen: Seen, post: Callable[[], None]) -> None:
        """`post` enters into the members what waits in the journal."""
        self._database = database
        self._names = names
        self._seen = seen
        self._post = post
        self._list = 0

    def begin(self, list_id: str) -> None:
        """Forget the list before, for this one."""
        for table in ("listed", "strangers"):
            self._database.run(f"DROP TABLE IF EXISTS temp.{table}")
        self._database.run("CREATE TEMP TABLE listed (id TEXT NOT NULL, person TEXT, stays INTEGER NOT NULL)")
        self._list = self._names.list(list_id)

    def add(self, ids: Sequence[str], emails: Sequence[str | None], stays: Sequence[bool]) -> None:
        """Some of the people on it, and whether they stay whoever they are; who is told twice counts once."""
        whom = [None if email is None else people(self._list, (email,))[0] for email in emails]
        self._database.write_over(
            "INSERT INTO temp.listed (id, person, stays) {values}", ids, whom, map(int, stays), size=len(ids)
        )

    def count(self, streams: Sequence[str]) -> tuple[int, int]:
        """How many are on the list and need not stay, and how many of them no stream has but these, if any.

        `strangers` are those whom this run has not seen, also whom other streams have.
        """
        self._post()
        self._seen.sort()
        self._database.run(
            "CREATE TEMP TABLE strangers AS SELECT id, person FROM "
            "(SELECT id, min(person) AS person FROM temp.listed GROUP BY id HAVING NOT max(stays)) AS found "
            "WHERE person IS NULL OR NOT EXISTS "
            "(SELECT 1 FROM temp.seen_sorted AS seen WHERE seen.person = found.person)"
        )
        (members,) = self._database.row(
            "SELECT count(*) FROM (SELECT 1 FROM temp.listed GROUP BY id HAVING NOT max(stays))"
        )
        those = self._names.streams(streams)
        (strangers,) = self._database.row(
            "SELECT count(*) FROM temp.strangers WHERE NOT EXISTS "  # noqa: S608  # numbers
            "(SELECT 1 FROM members WHERE members.person = strangers.person "
            f"AND (stream NOT IN ({numbers(those)}) OR also IS NOT NULL AND {beside(those)}))"
        )
        return int(members), int(strangers)

    def strangers(self) -> Iterator[tuple[str | None, str]]:
        """E-mail, if they have one, and id, once they are counted."""
        last = 0
        while True:
            found = self._database.array(
                "SELECT json_group_array(json_array(person, id)) FROM "
                "(SELECT person, id FROM temp.strangers WHERE rowid > ? ORDER BY rowid LIMIT ?)",
                (last, _READ_AT_ONCE),
            )
            if not found:
                return
            last += len(found)
            yield from ((None if person is None else emails((person,))[0], each) for person, each in found)
