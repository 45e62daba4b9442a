"""Who is in a job that has not ended."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# A whole number of 60 bits takes 32 bytes, one of 61 takes 48.
_short = (2**60 - 1).__and__


class Crowd:
    """People by the hashes of their addresses, which take a third of the memory; of 56 jobs there are 560,000.

    Of two people who have one hash, one in billions of runs, the second may wait for the first, or not be waited for.
    """

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def __contains__(self, email: str) -> bool:
        return _short(hash(email)) in self._hashes

    def isdisjoint(self, emails: Iterable[str]) -> bool:
        """Whether none of these is here."""
        return self._hashes.isdisjoint(_marks(emails))

    def enter(self, emails: Iterable[str]) -> array[int]:
        """Take people in; what is returned lets them go."""
        hashes = array("q", _marks(emails))
        self._hashes.update(hashes)
        return hashes

    def leave(self, hashes: array[int]) -> None:
        """Let people go."""
        self._hashes.difference_update(hashes)


def _marks(emails: Iterable[str]) -> Iterable[int]:
    return map(_short, map(hash, emails))
