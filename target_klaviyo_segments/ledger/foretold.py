"""What becomes of people, by what was known of them before the run: in a copy of the ledger, where nothing is kept.

A temporary table, as for who was seen: a segment may have more people than the memory.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.elsewhere import Elsewhere
from target_klaviyo_segments.ledger.holders import has, key_of
from target_klaviyo_segments.ledger.names import people

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_klaviyo_segments.ledger.database import Database
    from target_klaviyo_segments.ledger.names import Names

# From what weighs least: of several rows of a person the heaviest counts.
KINDS = ("unchanged", "due_again", "changed", "new")
_NEW, _CHANGED, _UNCHANGED, _DUE_AGAIN = (KINDS.index(kind) for kind in ("new", "changed", "unchanged", "due_again"))
# The values come first in the text, as they do in the list of them.
_NOTE = f"""
WITH rows AS ({{values}}) INSERT INTO temp.foretold (stream, person, kind)
SELECT {{stream}}, column1, CASE WHEN members.person IS NULL THEN {_NEW}
  WHEN fingerprint IS NULL OR fingerprint <> column2 {{or_not_so}} THEN {_CHANGED}
  WHEN at >= ? AND at <= ? THEN {_UNCHANGED} ELSE {_DUE_AGAIN} END
FROM rows LEFT JOIN members ON members.person = column1 WHERE true
ON CONFLICT (stream, person) DO UPDATE SET kind = max(kind, excluded.kind)
"""  # noqa: S608  # no values in it


class Foretold:
    """`note` rows before they are delivered, `counts` at the end. Each raises `WorkDirError` as all of the ledger."""

    def __init__(self, database: Database, names: Names) -> None:
        self._database = database
        self._names = names
        self._elsewhere = Elsewhere(database)
        database.run(
            "CREATE TEMP TABLE foretold (stream INTEGER, person TEXT, kind INTEGER, PRIMARY KEY (stream, person)) "
            "WITHOUT ROWID"
        )

    def note(
        self,
        stream: str,
        list_id: str,
        emails: Sequence[str],
        fingerprints: Sequence[int],
        keys: Sequence[str | None] | None = None,
        *,
        since: float,
        until: float,
    ) -> None:
        """People of a stream are about to go to a list, or are left out because it has them so.

        Who is a member as they are, of this stream, and with this key when there are keys, is `unchanged` when that was
        delivered from `since` to `until`, else `due_again`; what this run delivers meanwhile makes nobody less than
        they were.
        """
        with self._database.transaction():
            number, list_number = self._names.enter(stream, list_id)
            sql = _NOTE.replace("{stream}", str(number))
            other_key = "" if keys is None else f"OR {key_of(number)} IS NOT column3"
            otherwise = self._elsewhere.otherwise()
            sql = sql.replace("{or_not_so}", f"OR NOT {has(number)} {other_key} OR {otherwise}")
            columns = people(list_number, emails), fingerprints, *(() if keys is None else (keys,))
            self._database.write_over(sql, *columns, size=len(emails), tail=(since, until))

    def counts(self) -> Mapping[str, Counter[str]]:
        """People of each stream by kind."""
        found: dict[str, Counter[str]] = {}
        for stream, kind, count in self._database.rows(
            "SELECT name, kind, count(*) FROM temp.foretold JOIN streams ON n = stream GROUP BY stream, kind"
        ):
            found.setdefault(stream, Counter())[KINDS[kind]] += count
        return found
