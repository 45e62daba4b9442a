"""Whom earlier runs delivered, to whatever list: everybody else may be new to Klaviyo. Gone when the ledger is closed.

A temporary table, as for who was seen: the members of all lists may be more than the memory holds, and they are kept
by list, where looking a person up would cost a look for each list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.names import email_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.ledger.database import Database


class Known:
    """Made when it is first asked for, which is before anybody of the run is delivered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._anybody: bool | None = None

    def newcomers(self, emails: Sequence[str]) -> int:
        """How many of these people nobody delivered before, and nobody asked about before.

        While the ledger has no members at all every row counts, also a second one of a person: that costs nothing.
        """
        if self._anybody is None:
            self._anybody = self._gather()
        if not self._anybody:
            return len(emails)
        added = self._database.over("INSERT OR IGNORE INTO temp.known (email) {values}", emails, size=len(emails))
        return sum(cursor.rowcount for cursor in added)

    def _gather(self) -> bool:
        self._database.run("CREATE TEMP TABLE known (email TEXT PRIMARY KEY) WITHOUT ROWID")
        self._database.run(
            f"INSERT OR IGNORE INTO temp.known SELECT {email_of('person')} FROM members"  # noqa: S608  # ours
        )
        return self._database.row("SELECT 1 FROM temp.known LIMIT 1") is not None
