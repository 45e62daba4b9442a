"""Members of a stream that has several segments: in which of them, on which lists.

The segments of the stream `people` are named `people/` and a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.schema import INDEX_OF_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.ledger.database import Database
    from target_klaviyo_segments.ledger.values import Placed

_LIST_NUMBER = "CAST(substr(person, 1, instr(person, ' ') - 1) AS INTEGER)"
_OF_STREAM = "JOIN streams ON streams.n = stream AND substr(streams.name, 1, length(?)) = ?"


class Segments:
    """Looks through the members of all lists."""

    def __init__(self, database: Database, post: Callable[[], None]) -> None:
        """`post` enters into the members what waits in the journal."""
        self._database = database
        self._post = post

    def of_keys(self, stream: str, keys: Sequence[str]) -> list[Placed]:
        """Where the records with these keys are: key, segment, list, e-mail."""
        self._post()
        self._database.run(INDEX_OF_KEYS)
        return self._database.arrays_over(
            "SELECT json_group_array(json_array(key, streams.name, list_id, substr(person, instr(person, ' ') + 1))) "  # noqa: S608  # ours
            f"FROM ({{values}}) CROSS JOIN members ON key = column1 {_OF_STREAM} "
            f"JOIN lists ON lists.n = {_LIST_NUMBER}",
            keys, size=len(keys), tail=(f"{stream}/", f"{stream}/"),
        )  # fmt: skip  # one column a word

    def of_emails(self, stream: str, emails: Sequence[str]) -> list[Placed]:
        """Where these people are: e-mail, segment, list, e-mail."""
        self._post()
        return self._database.arrays_over(
            "SELECT json_group_array(json_array(column1, streams.name, list_id, column1)) FROM ({values}) "  # noqa: S608  # ours
            f"CROSS JOIN lists CROSS JOIN members ON person = lists.n || ' ' || column1 {_OF_STREAM}",
            emails, size=len(emails), tail=(f"{stream}/", f"{stream}/"),
        )  # fmt: skip  # same

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
