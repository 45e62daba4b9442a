"""Names as the tables keep them: streams and lists by number, and a person on a list as one text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_klaviyo_segments.ledger.database import Database

# No stream or list has it.
NOBODY = 0


class Names:
    """The tables of streams and lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stream(self, name: str) -> int:
        """A stream's number, or `NOBODY`."""
        return self._find("SELECT n FROM streams WHERE name = ?", name)

    def streams(self, names: Iterable[str]) -> tuple[int, ...]:
        """Streams' numbers."""
        return tuple(self.stream(name) for name in names)

    def list(self, list_id: str) -> int:
        """A list's number, or `NOBODY`."""
        return self._find("SELECT n FROM lists WHERE list_id = ?", list_id)

    def enter(self, stream: str, list_id: str) -> tuple[int, int]:
        """Numbers of both, given to those who have none. Part of a transaction."""
        self._database.run("INSERT INTO streams (name) VALUES (?) ON CONFLICT DO NOTHING", (stream,))
        return self.stream(stream), self.enter_list(list_id)

    def enter_list(self, list_id: str) -> int:
        """A list's number, given to one that has none. Part of a transaction."""
        self._database.run("INSERT INTO lists (list_id) VALUES (?) ON CONFLICT DO NOTHING", (list_id,))
        return self.list(list_id)

    def _find(self, sql: str, name: str) -> int:
        found = self._database.row(sql, (name,))
        return NOBODY if found is None else int(found[0])


def people(list_number: int, emails: Iterable[str]) -> list[str]:
    """People on a list: its number, a space, the e-mail."""
    prefix = f"{list_number} "
    return [prefix + email for email in emails]


def emails(people: Iterable[str]) -> list[str]:
    """The way back."""
    return [person.partition(" ")[2] for person in people]


def email_of(person: str) -> str:
    """The same in SQL, of one; an index of e-mails is used where this is asked for."""
    return f"substr({person}, instr({person}, ' ') + 1)"


def span(list_number: int) -> tuple[str, str]:
    """Texts before and after all people of a list."""
    return f"{list_number} ", f"{list_number}!"
