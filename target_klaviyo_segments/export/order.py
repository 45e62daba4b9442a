"""Whose rows wait in several lanes: they are sent in the order in which they came, for profiles are the account's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, KeysView

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
