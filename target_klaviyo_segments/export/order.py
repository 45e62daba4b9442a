"""Whose rows wait in several lanes: they are sent in the order in which they came, for profiles are the account's."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, KeysView, Mapping

    from target_klaviyo_segments.export.lane import Lane


class Order:
    """Lanes by name. Nobody is told apart before `add` is called for everybody who waits."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}  # who waits, and in which lane with their newest row
        self._chains: dict[str, list[str]] = {}  # of those who wait in several: the lanes, the newest row's last

    def add(self, lane: Lane, emails: Collection[str]) -> None:
        """Rows of these people begin to wait in a lane."""
        name = lane.name
        for email in [email for email in emails if self._last.get(email, name) != name]:
            chain = self._chains.setdefault(email, [self._last[email]])
            if name in chain:
                chain.remove(name)
            chain.append(name)
        self._last.update(dict.fromkeys(emails, name))

    def ahead(self, lane: Lane, emails: KeysView[str]) -> set[str]:
        """Those of these people of whom another lane has an older row."""
        if not self._chains:
            return set()
        return {email for email in self._chains.keys() & emails if self._chains[email][0] != lane.name}

    def behind(self, lane: Lane, emails: KeysView[str]) -> dict[str, set[str]]:
        """The same by the lane that has their oldest row."""
        found: dict[str, set[str]] = {}
        for email in self.ahead(lane, emails):
            found.setdefault(self._chains[email][0], set()).add(email)
        return found

    def gone(self, lane: Lane, emails: Iterable[str]) -> None:
        """Rows of these people are sent, or need not be; who has another one in the lane waits on."""
        for email in emails:
            if not lane.holds(email):
                self._forget(lane.name, email)

    def _forget(self, name: str, email: str) -> None:
        chain = self._chains.get(email, [])
        if len(chain) > 1 and name in chain:
            chain.remove(name)
            self._last[email] = chain[-1]
            if len(chain) == 1:
                del self._chains[email]
        elif self._last.get(email) == name:
            del self._last[email]


class Orders:
    """Of all lanes of a run: one of people whose profiles are written, and one of those who are suppressed.

    While there is one lane, nothing is done.
    """

    def __init__(self, lanes: Mapping[str, Lane]) -> None:
        self._lanes = lanes
        self._of_imports, self._of_suppressions = Order(), Order()
        self._several = False
        self._moved: list[tuple[Lane, Callable[[], Iterable[str]]]] = []

    def begin(self) -> None:
        """There is more than one lane now: a person may wait in two of them."""
        if not self._several:
            self._several = True
            for lane in self._lanes.values():
                for batcher in filter(None, (lane.later, lane.filling, lane.sieve)):
                    if batcher.open is not None:
                        self.add(lane, batcher.open.positions)

    def add(self, lane: Lane, people: Collection[str]) -> None:
        """As `Order.add`."""
        if self._several:
            self._of(lane).add(lane, people)

    def ahead(self, lane: Lane, people: KeysView[str]) -> set[str]:
        """As `Order.ahead`."""
        return self._of(lane).ahead(lane, people)

    def behind(self, lane: Lane, people: KeysView[str]) -> dict[str, set[str]]:
        """As `Order.behind`."""
        return self._of(lane).behind(lane, people)

    def gone(self, lane: Lane, people: Iterable[str]) -> None:
        """As `Order.gone`; not of those who have another row that is moving."""
        if self._several:
            moving = set(chain.from_iterable(those() for other, those in self._moved if other is lane))
            self._of(lane).gone(lane, set(people) - moving if moving else people)

    @contextmanager
    def moving(self, lane: Lane, people: Callable[[], Iterable[str]]) -> Iterator[None]:
        """Rows of these people are in no batch for a moment, and wait all the same."""
        self._moved.append((lane, people))
        try:
            yield
        finally:
            self._moved.pop()

    def _of(self, lane: Lane) -> Order:
        return self._of_imports if lane.suppression is None else self._of_suppressions
