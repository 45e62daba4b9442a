"""Whose row said no while another segment of its stream, or another list that it went to, has their errand.

    begin()                                          # a run begins: what the last one noted and did not come to is done
    note(way, kind, rows)                            # part of a transaction of the journal
    take_back(kind)                                  # before errands of a kind are done

A person may be in several segments of a stream, and the segments are sent in no order of their rows: one no is enough.
Within one segment the last row decides, and `errands.py` sees to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from target_klaviyo_segments.ledger.database import Database

_FOUND = "SELECT name, CAST(person AS INTEGER) FROM errands JOIN streams ON streams.n = stream WHERE"
# Both by an index: of those who were done there may be a million.
_PENDING = f"{_FOUND} intent IS NOT NULL UNION {_FOUND} intent IS NULL AND rests_until IS NULL"
_TAKEN_BACK = """
kind = ? AND rests_until IS NULL AND EXISTS (
  SELECT 1 FROM declined JOIN streams ON streams.n = errands.stream
  WHERE declined.kind = errands.kind AND declined.email = substr(errands.person, instr(errands.person, ' ') + 1)
  AND (declined.stream <> errands.stream OR declined.list <> CAST(errands.person AS INTEGER))
  AND (streams.name = source OR substr(streams.name, 1, length(source) + 1) = source || '/')
)
"""


class Way(NamedTuple):
    """How rows go: the tap's stream, the segment of it or the stream again, by name and number, the list's number."""

    source: str
    stream: str
    stream_number: int
    list_number: int


class Declined:
    """The table of those. Every method raises `WorkDirError` when the ledger cannot be read or written."""

    def __init__(self, database: Database, post: Callable[[], None]) -> None:
        self._database = database
        self._post = post
        self._pending: list[tuple[str, int]] = []  # streams and lists with errands of earlier runs

    def begin(self) -> None:
        """A run begins."""
        for (kind,) in self._database.rows("SELECT DISTINCT kind FROM declined"):
            self.take_back(kind)
        self._pending = self._database.rows(_PENDING)

    def note(self, way: Way, kind: str, rows: Iterable[tuple[str, bytes | None]]) -> None:
        """Rows by e-mail: those without an errand said no."""
        if not self._matters(way):
            return
        named = kind, way.stream_number, way.list_number
        last = dict(rows)
        declined, asked = ([email for email in sorted(last) if (last[email] is None) is no] for no in (True, False))
        self._database.write_over(
            "DELETE FROM declined WHERE email IN ({values}) AND kind = ? AND stream = ? AND list = ?",
            asked, size=len(asked), tail=named,
        )  # fmt: skip  # one column a word
        self._database.write_over(
            "INSERT OR IGNORE INTO declined (email, kind, stream, list, source) "
            "SELECT * FROM ({values}) CROSS JOIN (SELECT ?, ?, ?, ?)",
            declined, size=len(declined), tail=(*named, way.source),
        )  # fmt: skip  # same

    def take_back(self, kind: str) -> None:
        """Who said no on one way is asked on none; as after `Errands.drop`, the same row asks again."""
        if self._database.row("SELECT 1 FROM declined WHERE kind = ? LIMIT 1", (kind,)) is None:
            return
        self._post()
        with self._database.transaction():
            self._database.run(
                "UPDATE members SET fingerprint = NULL WHERE person IN "  # noqa: S608  # ours
                f"(SELECT person FROM errands WHERE {_TAKEN_BACK})",
                (kind,),
            )
            self._database.run(f"DELETE FROM errands WHERE {_TAKEN_BACK}", (kind,))  # noqa: S608  # ours
            self._database.run("DELETE FROM declined WHERE kind = ?", (kind,))

    def _matters(self, way: Way) -> bool:
        """A stream that is no segment has its errands on one list, unless an earlier run left some on another."""
        return way.stream != way.source or any(
            (name, number) != (way.stream, way.list_number)
            and (name == way.source or name.startswith(f"{way.source}/"))
            for name, number in self._pending
        )
