"""Errands: what is to be done for a person once their row is delivered, kept until it is done, and as done after.

    intend(intent, way, emails, errands, now)                        # these two in the transactions of the journal:
    settle(intent, delivered, undelivered)                           # the row's errands become ready, or are dropped
    decline(kind, stream, list_id, emails, source=None)              # rows that are not sent are without it
    take_back(kind)                                                  # what another segment or list of a stream declines

    ready(kind, after=None, count=1000) -> list[Errand]              # of one stream and list, in their order
    count_ready(kind) -> dict[str, int]                              # by stream
    finish(errands, rests_until)                                     # done, and not asked for again before that moment
    drop(kind, stream)                                               # nobody wants them any more
    leave(list_number, emails, streams=None)                         # these people left: nothing more is done for them

The last row of a person in a stream decides: an errand is done if that row has it and was delivered. A row without it,
or one that was refused, takes an older one back, also one that is done: it counts as new when it comes again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.declined import Declined, Way
from target_klaviyo_segments.ledger.fingerprint import fingerprints
from target_klaviyo_segments.ledger.names import Names, people
from target_klaviyo_segments.ledger.spans import to_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_klaviyo_segments.ledger.database import Database

FOR_EVER = inf

# An errand of the same body that rests is left as it is; everything else makes way.
_ENTER = """
INSERT INTO errands (kind, stream, person, print, body, intent, position)
SELECT * FROM ({values}) WHERE true
ON CONFLICT (kind, stream, person) DO UPDATE SET print = excluded.print, body = excluded.body,
  intent = excluded.intent, position = excluded.position, rests_until = NULL
WHERE rests_until IS NULL OR rests_until <= ? OR errands.print <> excluded.print
"""
_READY = "intent IS NULL AND rests_until IS NULL"


@dataclass(frozen=True, slots=True)
class Errand:
    """One thing to do for one person. `body` is JSON that its kind understands; both are personal."""

    kind: str
    stream: str
    list_id: str
    email: str = field(repr=False)
    body: bytes = field(repr=False)


class Errands:
    """The table of errands. Every method raises `WorkDirError` when the ledger cannot be read or written."""

    def __init__(self, database: Database, names: Names, post: Callable[[], None]) -> None:
        self._database = database
        self._names = names
        self._post = post
        self.declined = Declined(database, post)
        self.take_back = self.declined.take_back

    def intend(
        self,
        intent: int,
        way: Way,
        emails: Sequence[str],
        errands: Mapping[str, Sequence[bytes | None]],
        now: float,
    ) -> None:
        """Rows are about to be sent; the errand of each, or None, by kind. Part of a transaction."""
        persons, stream = people(way.list_number, emails), way.stream_number
        for kind, bodies in errands.items():
            self._forget(kind, stream, [person for person, body in zip(persons, bodies, strict=True) if body is None])
            self.declined.note(way, kind, zip(emails, bodies, strict=True))
            rows = sorted((person, at) for at, person in enumerate(persons) if bodies[at] is not None)
            count = len(rows)
            found = [bodies[at] or b"" for _, at in rows]
            self._database.write_over(
                _ENTER, [kind] * count, [stream] * count, [person for person, _ in rows], fingerprints(found),
                [body.decode() for body in found], [intent] * count, [at for _, at in rows], size=count, tail=(now,),
            )  # fmt: skip  # one column a word

    def decline(self, kind: str, stream: str, list_id: str, emails: Sequence[str], source: str | None = None) -> None:
        """Rows of these people are without it, and are not sent. `source`: the stream that it is a segment of."""
        with self._database.transaction():
            way = Way(source or stream, stream, *self._names.enter(stream, list_id))
            self.declined.note(way, kind, ((email, None) for email in emails))

    def settle(self, intent: int, delivered: Sequence[int], undelivered: Sequence[int]) -> None:
        """Rows have their fate. Part of a transaction."""
        if not self._database.row("SELECT 1 FROM errands WHERE intent = ? LIMIT 1", (intent,)):
            return
        which = "WHERE intent = ? AND position BETWEEN ? AND ?"
        for first, last in to_spans(undelivered):
            self._database.run(f"DELETE FROM errands {which}", (intent, first, last))  # noqa: S608  # ours
        for first, last in to_spans(delivered):
            self._database.run(
                f"UPDATE errands SET intent = NULL, position = NULL {which}",  # noqa: S608  # ours
                (intent, first, last),
            )

    def ready(self, kind: str, *, after: Errand | None = None, count: int = 1_000) -> list[Errand]:
        """The next errands that can be done, all of one stream and list; empty at the end."""
        begin = (0, "") if after is None else (self._names.stream(after.stream), self._person(after))
        rows = self._database.rows(
            "SELECT name, list_id, person, body FROM (SELECT stream, person, body FROM errands "  # noqa: S608  # ours
            f"WHERE kind = ? AND {_READY} AND (stream, person) > (?, ?) ORDER BY stream, person LIMIT ?) "
            "JOIN streams ON streams.n = stream JOIN lists ON lists.n = CAST(person AS INTEGER) "
            "ORDER BY stream, person",
            (kind, *begin, count),
        )
        with self._database.reading():
            found = [
                Errand(kind, name, list_id, who.partition(" ")[2], body.encode()) for name, list_id, who, body in rows
            ]
        return [each for each in found if (each.stream, each.list_id) == (found[0].stream, found[0].list_id)]

    def count_ready(self, kind: str) -> dict[str, int]:
        """How many can be done, by stream."""
        rows = self._database.rows(
            "SELECT name, count(*) FROM errands JOIN streams ON streams.n = stream "  # noqa: S608  # ours
            f"WHERE kind = ? AND {_READY} GROUP BY name ORDER BY name",
            (kind,),
        )
        return dict(rows)

    def finish(self, errands: Sequence[Errand], rests_until: float = FOR_EVER) -> None:
        """These are done. The same ones are not asked for again before that moment, in seconds since the epoch."""
        with self._database.transaction():
            for kind, stream in {(each.kind, each.stream) for each in errands}:
                persons = [self._person(each) for each in errands if (each.kind, each.stream) == (kind, stream)]
                self._database.write_over(
                    f"UPDATE errands SET body = NULL, rests_until = rest FROM (SELECT column1 AS who, column2 AS rest "  # noqa: S608  # ours
                    f"FROM ({{values}})) WHERE person = who AND kind = ? AND stream = ? AND {_READY}",
                    sorted(persons), [rests_until] * len(persons), size=len(persons),
                    tail=(kind, self._names.stream(stream)),
                )  # fmt: skip  # one column a word

    def drop(self, kind: str, stream: str) -> None:
        """Nobody wants those of a stream any more that can be done.

        Whose they are is not `unchanged`: the same row asks for them again once they are wanted again.
        """
        self._post()
        which = f"FROM errands WHERE kind = ? AND stream = ? AND {_READY}"
        values = kind, self._names.stream(stream)
        with self._database.transaction():
            self._database.run(
                f"UPDATE members SET fingerprint = NULL WHERE person IN (SELECT person {which})",  # noqa: S608  # ours
                values,
            )
            self._database.run(f"DELETE {which}", values)

    def leave(self, list_number: int, emails: Sequence[str], streams: Sequence[int] | None = None) -> None:
        """These people left the list, or these streams of it. Part of a transaction."""
        kinds = self._database.rows("SELECT DISTINCT kind, stream FROM errands")
        for kind, stream in kinds:
            if streams is None or stream in streams:
                self._forget(kind, stream, people(list_number, emails))

    def _forget(self, kind: str, stream: int, persons: Sequence[str]) -> None:
        self._database.write_over(
            "DELETE FROM errands WHERE person IN ({values}) AND kind = ? AND stream = ?",
            sorted(persons), size=len(persons), tail=(kind, stream),
        )  # fmt: skip  # one column a word

    def _person(self, errand: Errand) -> str:
        (person,) = people(self._names.list(errand.list_id), [errand.email])
        return person
