"""Who is to leave when the run ends, beyond those in memory: to how many rows each. Gone when the ledger is closed.

In temporary tables, as `seen.py` has it. The people are in parts, whose names are the caller's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_klaviyo_segments.ledger.database import Database

_TABLES = (
    "leaving (part INTEGER NOT NULL, who TEXT NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (part, who))",
    "left_seen (part INTEGER NOT NULL, who TEXT NOT NULL, place TEXT NOT NULL, PRIMARY KEY (part, who, place))",
)


class Leaving:
    """Each method raises `WorkDirError` as all of the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parts: dict[str, int] = {}

    def put(self, part: str, rows: Mapping[str, int]) -> None:
        """So many rows more say that these leave; that they were seen somewhere before does not count any more."""
        who, number = sorted(rows), self._number(part)
        self._database.write_over(
            "INSERT INTO temp.leaving (part, who, rows) SELECT * FROM ({values}) WHERE true "
            "ON CONFLICT (part, who) DO UPDATE SET rows = rows + excluded.rows",
            [number] * len(who), who, [rows[each] for each in who], size=len(who),
        )  # fmt: skip  # one column a word
        self._delete("left_seen", number, who)

    def take(self, part: str, who: Iterable[str]) -> int:
        """These do not leave; to how many rows said that they do."""
        asked, number = sorted(set(who)), self._number(part)
        rows: list[int] = self._database.arrays_over(
            "SELECT json_group_array(rows) FROM ({values}) CROSS JOIN temp.leaving ON part = ? AND who = column1",
            asked, size=len(asked), tail=(number,),
        )  # fmt: skip  # one column a word
        if rows:
            self._delete("leaving", number, asked)
        return sum(rows)

    def page(self, part: str, after: str, count: int) -> dict[str, int]:
        """The next of them, in their order, with their rows; empty at the end."""
        return dict(
            self._database.array(
                "SELECT json_group_array(json_array(who, rows)) FROM "
                "(SELECT who, rows FROM temp.leaving WHERE part = ? AND who > ? ORDER BY who LIMIT ?)",
                (self._number(part), after, count),
            )
        )

    def see(self, part: str, place: str, who: Iterable[str]) -> None:
        """Those of these who leave are in some place after all."""
        asked = sorted(set(who))
        self._database.write_over(
            "INSERT OR IGNORE INTO temp.left_seen (part, who, place) SELECT part, who, column2 FROM ({values}) "
            "CROSS JOIN temp.leaving ON part = ? AND who = column1",
            asked, [place] * len(asked), size=len(asked), tail=(self._number(part),),
        )  # fmt: skip  # one column a word

    def places(self, part: str, who: Iterable[str]) -> dict[str, set[str]]:
        """Where these were seen since a row said that they leave; those who were."""
        asked = sorted(set(who))
        found: dict[str, set[str]] = {}
        for each, place in self._database.arrays_over(
            "SELECT json_group_array(json_array(who, place)) FROM ({values}) CROSS JOIN temp.left_seen "
            "ON part = ? AND who = column1",
            asked, size=len(asked), tail=(self._number(part),),
        ):  # fmt: skip  # one column a word
            found.setdefault(each, set()).add(place)
        return found

    def forget(self, part: str) -> int:
        """Nobody of a part leaves any more; to how many rows said that they do."""
        number = self._number(part)
        (rows,) = self._database.row("SELECT coalesce(sum(rows), 0) FROM temp.leaving WHERE part = ?", (number,))
        for table in ("leaving", "left_seen"):
            self._database.run(f"DELETE FROM temp.{table} WHERE part = ?", (number,))  # noqa: S608  # ours
        return int(rows)

    def _delete(self, table: str, number: int, who: list[str]) -> None:
        self._database.write_over(
            f"DELETE FROM temp.{table} WHERE who IN ({{values}}) AND part = ?",  # noqa: S608  # ours
            who, size=len(who), tail=(number,),
        )  # fmt: skip  # one column a word

    def _number(self, part: str) -> int:
        if not self._parts:
            for table in _TABLES:
                self._database.run(f"CREATE TEMP TABLE {table} WITHOUT ROWID")
        return self._parts.setdefault(part, len(self._parts))
