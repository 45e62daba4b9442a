"""The lists of the account and who is on them. Being on a list is no consent, and nothing here knows of any."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

GONE = -1
_STRIDE = 512


class Members:
    """Who is on a list, by profile number, in the order of joining. Positions never change."""

    def __init__(self) -> None:
        self.numbers = array("i")
        self.joined = array("d")
        self._places = array("i")  # by profile number
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, number: int, now: float) -> None:
        """Let a profile join; who is on the list already keeps the moment of joining."""
        if self.place(number) is None:
            self._places.extend([GONE] * (number + 1 - len(self._places)))
            self._places[number] = len(self.numbers)
            self.numbers.append(number)
            self.joined.append(now)
            self._count += 1

    def add_all(self, numbers: Sequence[int], now: float) -> None:
        """Let several join, in their order; a whole range of them at once."""
        if isinstance(numbers, range) and numbers.start >= len(self._places):
            joining = array("i", numbers)
            first = len(self.numbers)
            self._places.extend(array("i", [GONE]) * (numbers.start - len(self._places)))
            self._places.extend(joining if first == numbers.start else range(first, first + len(numbers)))
            self.numbers.extend(joining)
            self.joined.extend(array("d", [now]) * len(numbers))
            self._count += len(numbers)
            return
        for number in numbers:
            self.add(number, now)

    def remove(self, number: int) -> None:
        """Let a profile leave; who is not on the list is no error."""
        place = self.place(number)
        if place is not None:
            self.numbers[place] = self._places[number] = GONE
            self._count -= 1

    def latest(self, below: int, most: int) -> list[int]:
        """Positions of those who joined last, the last one first: at most so many, all of them below a position."""
        found: list[int] = []
        end = min(below, len(self.numbers))
        while end > 0 and len(found) < most:
            start = max(0, end - _STRIDE)
            # All bits of a GONE are set: a list that was emptied is not looked through one by one.
            if self.numbers[start:end].tobytes().strip(b"\xff"):
                found += [place for place in range(end - 1, start - 1, -1) if self.numbers[place] != GONE]
            end = start
        return found[:most]

    def place(self, number: int) -> int | None:
        """The position of a member."""
        found = self._places[number] if number < len(self._places) else GONE
        return None if found == GONE else found


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow that joining a list starts; `status` is draft, manual or live."""

    id: str
    name: str
    status: str
    created: float


@dataclass(slots=True)
class ListRecord:
    """A list, and what hangs on it."""

    id: str
    name: str
    opt_in_process: str
    created: float
    members: Members = field(default_factory=Members, repr=False)
    flows: list[Flow] = field(default_factory=list)

    def hang_flow(self, name: str, status: str, now: float) -> None:
        """Let joining the list start a flow."""
        letters = "".join(letter for letter in f"{self.id}{len(self.flows)}F" if letter.isalnum())
        self.flows.append(Flow(letters[:12], name, status, now))


class Lists:
    """All lists, by id."""

    def __init__(self) -> None:
        self.by_id: dict[str, ListRecord] = {}

    def add(self, list_id: str, name: str, opt_in_process: str, now: float) -> ListRecord:
        """Make a list."""
        made = self.by_id[list_id] = ListRecord(list_id, name, opt_in_process, now)
        return made

    def new_id(self) -> str:
        """Six characters, as Klaviyo's list ids have."""
        digest = hashlib.sha256(str(len(self.by_id)).encode()).digest()
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
        return "".join(letters[byte % len(letters)] for byte in digest[:6])
