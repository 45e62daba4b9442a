"""Which fields a stream gave to whom, and which of them are to be cleared: bits of a number, whose meaning others know.

    due(stream, count) -> list[Due]                   # the next people, by e-mail; who stays due is told again
    count_due(stream) -> int
    done(stream, cleared, refused)                    # they have the fields no more, or cannot be rid of them
    note(stream, list_id, emails, fields)             # they have these fields, as an earlier run delivered them
    forget(stream)                                    # nobody notes any more what a stream gives

A field is due when a delivered row says that it has no value, and an earlier one of the stream gave it a value. What a
stream gave stays known when the person leaves the list: the profile stays as well. Everything is posted before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.marks import ENTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.ledger.database import Database
    from target_klaviyo_segments.ledger.names import Names
    from target_klaviyo_segments.ledger.posting import Posting


@dataclass(frozen=True, slots=True)
class Due:
    """Fields of a person that are to be cleared; `kept` are due too, but another stream gives them."""

    email: str = field(repr=False)
    fields: int
    kept: int = 0


class Given:
    """The table of given fields. Every method raises `WorkDirError` when the ledger cannot be read or written."""

    def __init__(self, database: Database, names: Names, posting: Posting) -> None:
        self._database = database
        self._names = names
        self._posting = posting

    def due(self, stream: str, count: int) -> list[Due]:
        """The next people of a stream with fields to be cleared."""
        self._posting.post()
        number = self._names.stream(stream)
        rows = self._database.rows(
            "SELECT email, due FROM given WHERE stream = ? AND due <> 0 ORDER BY email LIMIT ?", (number, count)
        )
        others = self._of_others(number, [email for email, _ in rows])
        return [Due(email, fields & ~others.get(email, 0), fields & others.get(email, 0)) for email, fields in rows]

    def count_due(self, stream: str) -> int:
        """How many people of a stream have fields to be cleared."""
        self._posting.post()
        number = self._names.stream(stream)
        (count,) = self._database.row("SELECT count(*) FROM given WHERE stream = ? AND due <> 0", (number,))
        return int(count)

    def done(self, stream: str, cleared: Sequence[Due], refused: Sequence[Due] = ()) -> None:
        """These have the fields from us no more; the refused are not due any more until a row says it again."""
        number = self._names.stream(stream)
        with self._database.transaction():
            self._write("fields = fields & ~bits, due = due & ~bits", number, cleared)
            self._write("due = due & ~bits", number, refused)

    def note(self, stream: str, list_id: str, emails: Sequence[str], fields: Sequence[int]) -> None:
        """These people have these fields, of the stream, as an earlier run delivered them."""
        self._posting.post()
        with self._database.transaction():
            number, _ = self._names.enter(stream, list_id)
            self._database.write_over(
                f"INSERT INTO given (email, stream, fields, due) SELECT *, 0 FROM ({{values}}) WHERE true {ENTER}",  # noqa: S608  # ours
                emails, [number] * len(emails), fields, size=len(emails),
            )  # fmt: skip  # one column a word

    def forget(self, stream: str) -> None:
        """Nobody notes any more what a stream gives: what is known of it would be out of date one day."""
        known = "SELECT 1 FROM given UNION ALL SELECT 1 FROM marks LIMIT 1"
        if self._database.row(known):
            self._posting.post()
            self._database.run("DELETE FROM given WHERE stream = ?", (self._names.stream(stream),))

    def _of_others(self, number: int, emails: Sequence[str]) -> dict[str, int]:
        """What other streams give these people."""
        found: dict[str, int] = {}
        given = self._database.arrays_over(
            "SELECT json_group_array(json_array(email, fields & ~due)) FROM ({values}) CROSS JOIN given "
            "ON email = column1 AND stream <> ?",
            emails, size=len(emails), tail=(number,),
        )  # fmt: skip  # one column a word
        for email, fields in given:
            found[email] = found.get(email, 0) | fields
        return found

    def _write(self, change: str, number: int, dues: Sequence[Due]) -> None:
        self._database.write_over(
            f"UPDATE given SET {change} FROM (SELECT column1 AS who, column2 AS bits FROM ({{values}})) "  # noqa: S608  # ours
            "WHERE email = who AND stream = ?",
            [due.email for due in dues], [due.fields | due.kept for due in dues], size=len(dues), tail=(number,),
        )  # fmt: skip  # one column a word
