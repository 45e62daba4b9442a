"""Members of a stream that has several segments: in which of them, on which lists.

The segments of the stream `people` are named `people/` and a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.names import email_of
from target_klaviyo_segments.ledger.schema import INDEXES_OF_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.ledger.database import Database
    from target_klaviyo_segments.ledger.values import Placed

_LIST_NUMBER = "CAST(substr(person, 1, instr(person, ' ') - 1) AS INTEGER)"
_OF_STREAM = "JOIN streams ON streams.n = stream AND substr(streams.name, 1, length(?)) = ?"
_OTHERS = (
    "CROSS JOIN json_each(members.also) AS held "
    "JOIN streams ON streams.n = CAST(held.key AS INTEGER) AND substr(streams.name, 1, length(?)) = ?"
)
_PLACED = f"json_group_array(json_array({{}}, streams.name, list_id, {email_of('person')}))"


class Segments:
    """Looks through the members of all lists."""

    def __init__(self, database: Database, post: Callable[[], None]) -> None:
        """`post` enters into the members what waits in the journal."""
        self._database = database
        self._post = post

    def of_keys(self, stream: str, keys: Sequence[str]) -> list[Placed]:
        """Where the records with these keys are: key, segment, list, e-mail."""
        self._post()
        for index in INDEXES_OF_KEYS:
            self._database.run(index)
        last = (
            f"SELECT {_PLACED.format('key')} FROM ({{values}}) CROSS JOIN members ON key = column1 "  # noqa: S608  # ours
            f"{_OF_STREAM} JOIN lists ON lists.n = {_LIST_NUMBER}"
        )
        others = (
            f"WITH asked AS ({{values}}) SELECT {_PLACED.format('held.value')} FROM members {_OTHERS} "  # noqa: S608  # same
            f"JOIN lists ON lists.n = {_LIST_NUMBER} WHERE also IS NOT NULL AND held.value IN asked"
        )
        placed: list[Placed] = []
        for sql in (last, others):
            placed += self._database.arrays_over(sql, keys, size=len(keys), tail=(f"{stream}/", f"{stream}/"))
        return placed

    def of_emails(self, stream: str, emails: Sequence[str]) -> list[Placed]:
        """Where these people are: e-mail, segment, list, e-mail."""
        self._post()
        placed: list[Placed] = []
        for holders in (_OF_STREAM, _OTHERS):
            placed += self._database.arrays_over(
                f"SELECT {_PLACED.format('column1')} FROM ({{values}}) CROSS JOIN lists "  # noqa: S608  # ours
                f"CROSS JOIN members ON person = lists.n || ' ' || column1 {holders}",
                emails, size=len(emails), tail=(f"{stream}/", f"{stream}/"),
            )  # fmt: skip  # one column a word
        return placed

    def counts(self, stream: str) -> dict[tuple[str, str], int]:
        """Members of each segment on each list; reads all members, a second for some millions."""
        self._post()
        found = self._database.array(
            "SELECT json_group_array(json_array(streams.name, list_id, people)) FROM "  # noqa: S608  # ours
            f"(SELECT stream, {_LIST_NUMBER} AS list, count(*) AS people FROM members GROUP BY 1, 2) "
            f"{_OF_STREAM} JOIN lists ON lists.n = list",
            (f"{stream}/", f"{stream}/"),
        )
        return {(name, list_id): people for name, list_id, people in found}
