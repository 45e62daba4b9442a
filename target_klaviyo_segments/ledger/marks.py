"""Fields that rows of the journal give and take, as bits of a number, until the rows are posted.

Only streams with `null_fields: clear` have marks; without any, posting does nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.journal import IN_DOUBT
from target_klaviyo_segments.ledger.names import email_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.ledger.database import Database

_SETTLED_ROWS = """
  FROM fates CROSS JOIN intents ON intents.n = fates.intent CROSS JOIN marks ON marks.n BETWEEN fates.low AND fates.high
  CROSS JOIN rows ON rows.n = marks.n WHERE fates.n > ?
"""
# What was given is had; a value takes back what was due, and a null makes due what is had.
ENTER = """
ON CONFLICT (email, stream) DO UPDATE SET fields = fields | excluded.fields,
  due = (due & ~excluded.fields) | (fields & excluded.due)
"""
_POST = f"""
INSERT INTO given (email, stream, fields, due)
SELECT {email_of("person")}, stream, gives, iif(fates.delivered = {IN_DOUBT}, 0, nulls)
{_SETTLED_ROWS} AND fates.delivered
ORDER BY 1, 2, fates.n {ENTER}
"""
_NEVER_GIVEN = "UPDATE given SET due = due & fields WHERE due & ~fields <> 0 AND due <> 0"


class Marks:
    """The table of marks. Both are part of a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def intend(self, intent: int, marks: Sequence[tuple[int, int]]) -> None:
        """What each row of a batch gives, and what it says has no value; nothing when there are no marks."""
        if not marks:
            return
        (low,) = self._database.row("SELECT low FROM intents WHERE n = ?", (intent,))
        rows = [(low + place, gives, nulls) for place, (gives, nulls) in enumerate(marks) if gives or nulls]
        columns = zip(*rows, strict=True) if rows else ((), (), ())
        self._database.write_over("INSERT INTO marks (n, gives, nulls) {values}", *columns, size=len(rows))

    def post(self, after_fate: int) -> None:
        """Enter what rows gave and took that were delivered, of those whose fate is later than this one."""
        if not self._database.row("SELECT 1 FROM marks LIMIT 1"):
            return
        self._database.run(_POST, (after_fate,))
        self._database.run(_NEVER_GIVEN)
        self._database.run(f"DELETE FROM marks WHERE n IN (SELECT marks.n {_SETTLED_ROWS})", (after_fate,))  # noqa: S608  # same
