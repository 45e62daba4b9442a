"""Who is on which list because of us: found by e-mail or key, many at a time. Everything is posted before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.elsewhere import Elsewhere
from target_klaviyo_segments.ledger.holders import SUCCEED, beside, has, key_of, numbers, without
from target_klaviyo_segments.ledger.names import emails, people, span
from target_klaviyo_segments.ledger.schema import INDEXES_OF_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.ledger.database import Database

_READ_AT_ONCE = 5_000


class Members:
    """The table of members. Lists and streams go by their numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._elsewhere = Elsewhere(database)

    def unchanged(
        self,
        list_number: int,
        stream: int,
        emails: Sequence[str],
        fingerprints: Sequence[int],
        keys: Sequence[str | None] | None,
        times: tuple[float, float],
    ) -> list[int]:
        """Positions of those whose last delivery had this fingerprint, and was in this time.

        Whom the stream has not, or by another key, is changed: others may leave, and a delete marker may come. So is
        whom another list was given otherwise since.
        """
        key = "" if keys is None else f"AND {key_of(stream)} IS column4"
        return self._database.arrays_over(
            "SELECT json_group_array(column2) FROM ({values}) CROSS JOIN members ON person = column1 "  # noqa: S608  # ours
            f"AND fingerprint = column3 AND {has(stream)} {key} AND at >= ? AND at <= ? "
            f"AND NOT {self._elsewhere.otherwise()}",
            people(list_number, emails), range(len(emails)), fingerprints, *(() if keys is None else (keys,)),
            size=len(emails), tail=times,
        )  # fmt: skip  # one column a word

    def emails(self, list_number: int, stream: int | None) -> Iterator[str]:
        """E-mails on a list, some thousand at a time: the table may change in between."""
        last, end = span(list_number)
        while True:
            found = self._database.array(
                "SELECT json_group_array(person) FROM (SELECT person FROM members WHERE person > ? AND person < ? "
                "AND (? IS NULL OR stream = ?) ORDER BY person LIMIT ?)",
                (last, end, stream, stream, _READ_AT_ONCE),
            )
            if not found:
                return
            last = found[-1]
            yield from emails(found)

    def count(self, list_number: int, stream: int | None) -> int:
        """How many are on a list."""
        (count,) = self._database.row(
            "SELECT count(*) FROM members WHERE person > ? AND person < ? AND (? IS NULL OR stream = ?)",
            (*span(list_number), stream, stream),
        )
        return int(count)

    def holders(self, list_number: int) -> dict[str, int]:
        """How many people of a list each stream has, by the stream's name."""
        found = self._database.rows(
            "SELECT name, sum(people) FROM ("
            "SELECT stream AS n, count(*) AS people FROM members WHERE person > ? AND person < ? GROUP BY stream "
            "UNION ALL SELECT CAST(held.key AS INTEGER), count(*) FROM members, json_each(members.also) AS held "
            "WHERE also IS NOT NULL AND person > ? AND person < ? GROUP BY held.key"
            ") JOIN streams USING (n) GROUP BY name ORDER BY name",
            (*span(list_number), *span(list_number)),
        )
        return {name: int(people) for name, people in found}

    def of_keys(self, list_number: int, stream: int, keys: Sequence[str]) -> dict[str, list[str]]:
        """Key to e-mails, the person delivered last in front."""
        for index in INDEXES_OF_KEYS:
            self._database.run(index)
        found = self._database.arrays_over(
            "SELECT json_group_array(json_array(key, person)) FROM (SELECT key, person FROM ({values}) "
            "CROSS JOIN members ON key = column1 AND stream = ? AND person > ? AND person < ? ORDER BY fate DESC)",
            keys, size=len(keys), tail=(stream, *span(list_number)),
        )  # fmt: skip  # one column a word
        found += self._database.arrays_over(
            "SELECT json_group_array(json_array(held.value, person)) FROM members CROSS JOIN json_each(members.also) "
            "AS held WHERE also IS NOT NULL AND held.value IN ({values}) AND held.key = CAST(? AS TEXT) "
            "AND person > ? AND person < ?",
            keys, size=len(keys), tail=(stream, *span(list_number)),
        )  # fmt: skip  # same
        people_of: dict[str, list[str]] = {}
        for key, person in found:
            people_of.setdefault(key, []).extend(emails((person,)))
        return people_of

    def hand_over(self, list_number: int, streams: Sequence[int], emails: Sequence[str]) -> list[str]:
        """These people left these streams: those whom another stream has too are from now on its own."""
        among = numbers(streams)
        stay: list[str] = self._database.arrays_over(
            "SELECT json_group_array(column2) FROM ({values}) CROSS JOIN members ON person = column1 "  # noqa: S608  # ours
            f"AND (stream NOT IN ({among}) OR {beside(streams)})",
            people(list_number, emails), emails, size=len(emails),
        )  # fmt: skip  # one column a word
        them = sorted(people(list_number, stay))
        for change in (
            f"UPDATE members SET also = {without(streams)} WHERE also IS NOT NULL AND person IN ({{values}})",  # noqa: S608  # ours
            f"{SUCCEED} WHERE stream IN ({among}) AND person IN ({{values}})",
        ):
            self._database.write_over(change, them, size=len(them))
        return stay

    def ids(self, list_number: int, emails: Sequence[str]) -> dict[str, str]:
        """E-mail to Klaviyo's id, of those known."""
        found = self._database.arrays_over(
            "SELECT json_group_array(json_array(column2, id)) FROM ({values}) CROSS JOIN members "
            "ON person = column1 AND id IS NOT NULL",
            people(list_number, emails), emails, size=len(emails),
        )  # fmt: skip  # one column a word
        return dict(found)

    def learn(self, list_number: int, ids: Mapping[str, str]) -> None:
        """Klaviyo's ids of members."""
        self._database.write_over(
            "UPDATE members SET id = column2 FROM ({values}) WHERE person = column1",
            people(list_number, sorted(ids)), [ids[email] for email in sorted(ids)], size=len(ids),
        )  # fmt: skip  # one column a word

    def doubt(self, list_number: int, emails: Sequence[str]) -> None:
        """What they have in Klaviyo is not known."""
        self._database.write_over(
            "UPDATE members SET fingerprint = NULL WHERE person IN ({values})",
            sorted(people(list_number, emails)), size=len(emails),
        )  # fmt: skip  # one column a word

    def remove(self, list_number: int, emails: Sequence[str]) -> None:
        """They are members no more."""
        self._elsewhere.doubt(emails)
        self._database.write_over(
            "DELETE FROM members WHERE person IN ({values})", sorted(people(list_number, emails)), size=len(emails)
        )
