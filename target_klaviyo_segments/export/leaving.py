"""Who is to be taken off a list when everything is delivered, unless they come back before.

A few thousand are kept in memory, the rest in a table of the ledger: a stream may name everybody who is on a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

# In memory, of one stream and one way to name them.
MOST_IN_MEMORY = 10_000
# Taken from the table at once: as many as one request takes off a list.
_A_PAGE = 1_000


class Store(Protocol):
    """The table. Each method raises `WorkDirError` when it cannot be read or written."""

    def put(self, part: str, rows: Mapping[str, int]) -> None:
        """So many rows more say that these leave; that they were seen somewhere before does not count any more."""
        ...

    def take(self, part: str, who: Iterable[str]) -> int:
        """These do not leave; to how many rows said that they do."""
        ...

    def page(self, part: str, after: str, count: int) -> dict[str, int]:
        """The next of them, in their order, with their rows; empty at the end."""
        ...

    def see(self, part: str, place: str, who: Iterable[str]) -> None:
        """Those of these who leave are in some place after all."""
        ...

    def places(self, part: str, who: Iterable[str]) -> dict[str, set[str]]:
        """Where these were seen since a row said that they leave; those who were."""
        ...

    def forget(self, part: str) -> int:
        """Nobody of a part leaves any more; to how many rows said that they do."""
        ...


@dataclass(slots=True)
class Named:
    """People who are named in one way, to the rows of each; bounded in memory."""

    part: str
    store: Store
    most: int = MOST_IN_MEMORY
    _rows: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, set[str]] = field(default_factory=dict)  # in which segments, after the row that says they leave
    _stored: bool = False

    def __bool__(self) -> bool:
        return self._stored or bool(self._rows)

    def add(self, who: str, rows: int = 1) -> None:
        """So many rows more say that somebody leaves."""
        self._seen.pop(who, None)
        self._rows[who] = self._rows.get(who, 0) + rows
        if len(self._rows) >= self.most:
            self._put_away()

    def come_back(self, who: Collection[str | None]) -> int:
        """These are there after all; to how many rows before said that they leave."""
        rows = 0
        if not self._rows.keys().isdisjoint(who):
            for each in self._rows.keys() & set(who):
                self._seen.pop(each, None)
                rows += self._rows.pop(each)
        if self._stored:
            rows += self.store.take(self.part, (each for each in who if each is not None))
        return rows

    def seen_in(self, segment: str, who: Collection[str | None]) -> None:
        """These are in one of several segments after all: they leave the others."""
        if not self._rows.keys().isdisjoint(who):
            for each in self._rows.keys() & set(who):
                self._seen.setdefault(each, set()).add(segment)
        if self._stored:
            self.store.see(self.part, segment, (each for each in who if each is not None))

    def pages(self) -> Iterator[dict[str, int]]:
        """All of them, some at a time, in their order. Those who were told may come back meanwhile."""
        self._put_away()
        last = ""
        while self._stored and (page := self.store.page(self.part, last, _A_PAGE)):
            last = max(page)
            yield page

    def segments_of(self, who: Iterable[str]) -> dict[str, set[str]]:
        """Where some of a page were seen after all; those who were."""
        return self.store.places(self.part, who)

    def forget(self) -> int:
        """Nobody leaves any more; to how many rows said that somebody does."""
        self._put_away()
        return self.store.forget(self.part) if self._stored else 0

    def _put_away(self) -> None:
        if not self._rows:
            return
        self.store.put(self.part, self._rows)
        for segment in set().union(*self._seen.values()):
            self.store.see(self.part, segment, (each for each, places in self._seen.items() if segment in places))
        self._rows.clear()
        self._seen.clear()
        self._stored = True


class Leaving:
    """People of one stream, or segment of it: by e-mail, or by record key where a delete marker has nothing else."""

    def __init__(self, name: str, store: Store, most: int = MOST_IN_MEMORY) -> None:
        self.emails = Named(f"@{name}", store, most)
        self.keys = Named(f"#{name}", store, most)

    def __bool__(self) -> bool:
        return bool(self.emails or self.keys)

    def leave(self, email: str | None, key: str | None) -> bool:
        """A row says that somebody leaves; False when it cannot be told who.

        By both, because the key may have had another address before.
        """
        if email is not None:
            self.emails.add(email)
        if key is not None:
            self.keys.add(key, 0 if email is not None else 1)
        return email is not None or key is not None

    def seen_in(self, segment: str, emails: Sequence[str], keys: Sequence[str | None]) -> None:
        """People are in one of several segments after all: they leave the others."""
        self.emails.seen_in(segment, emails)
        self.keys.seen_in(segment, keys)

    def come_back(self, emails: Sequence[str], keys: Sequence[str | None]) -> int:
        """Rows of people who are there after all; to how many rows before said that they leave."""
        return self.emails.come_back(emails) + self.keys.come_back(keys)

    def forget(self) -> int:
        """Nobody leaves any more; to how many rows said that somebody does."""
        return self.emails.forget() + self.keys.forget()
