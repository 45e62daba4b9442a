"""The mirror: who left a segment leaves its list, when the segment came whole and nothing speaks against it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from target_klaviyo_segments.export.modes import MirrorPlan, Refusal, may_remove
from target_klaviyo_segments.export.removal import still_there
from target_klaviyo_segments.export.roll import call_the_roll
from target_klaviyo_segments.report.tally import total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.removal import Removal, Removed
    from target_klaviyo_segments.export.roll import ListReader
    from target_klaviyo_segments.klaviyo.membership import JoinedSpan, Person

_AT_ONCE = 1_000
_SEEN_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class MirrorLimits:
    """As the settings give them; `allow_removals` is for one run."""

    lists: frozenset[str] | None = frozenset()  # that a mirrored segment goes to; None: perhaps any
    everybody: bool = False  # `mirror_scope` all
    max_removal_percent: int = 20
    max_rejected_percent: int = 50
    allow_removals: int | None = None


@dataclass(slots=True)
class Mirrored:
    """What came of one list, for the report."""

    members_before: int
    leavers: int = 0
    removed: int = 0
    not_found: int = 0
    stayed: int = 0  # another segment has them
    kept: int = 0  # Klaviyo refuses to take them off
    refused: str | None = None


class Memory(Protocol):
    """What the ledger knows. Each raises `WorkDirError` when it cannot be read or written."""

    def see(self, list_id: str, emails: Sequence[str]) -> None:
        """These people are in a segment of this run."""
        ...

    def count_members(self, list_id: str, stream: str | None = None) -> int:
        """How many are on the list because of us."""
        ...

    def count_leavers(self, list_id: str, streams: Sequence[str]) -> int:
        """How many of them have left these streams, and are in no other."""
        ...

    def leavers(self, list_id: str, streams: Sequence[str]) -> Iterator[str]:
        """Who has left these streams."""
        ...

    def disown(self, list_id: str, streams: Sequence[str]) -> None:
        """These streams came whole: whom this run has not seen is in them no longer."""
        ...

    def hand_over(self, list_id: str, streams: Sequence[str], emails: Sequence[str]) -> list[str]:
        """People who left these streams: those whom another stream has on the list too."""
        ...


class Roster(Protocol):
    """A list as it was read. Each raises `WorkDirError` when it cannot be read or written."""

    def begin(self, list_id: str) -> None:
        """A list is about to be read."""
        ...

    def add(self, ids: Sequence[str], emails: Sequence[str | None], stays: Sequence[bool]) -> None:
        """Some of the people on it, and whether they stay whoever they are; who is told twice counts once."""
        ...

    def count(self, streams: Sequence[str]) -> tuple[int, int]:
        """How many are on it, and how many of them leave: this run has not seen them, and no other stream has them."""
        ...

    def strangers(self) -> Iterator[tuple[str | None, str]]:
        """E-mail, if they have one, and id of those whom this run has not seen."""
        ...


@dataclass(slots=True)
class Mirror:
    """One run's; on the main thread. `lists` is what came of each list."""

    klaviyo: ListReader
    memory: Memory
    roster: Roster
    removal: Removal
    limits: MirrorLimits
    lists: dict[str, Mirrored] = field(default_factory=dict)
    _waiting: dict[str, list[str]] = field(default_factory=dict)
    _waiting_people: int = 0  # of all lists, of which there may be a thousand
    _before: dict[str, JoinedSpan | None] = field(default_factory=dict)  # who was there when the run began

    def watches(self, list_id: str) -> bool:
        """Whether it must be told of everybody who goes to a list; to be asked before anybody goes.

        Raises:
            KlaviyoError: Klaviyo does not tell who was there before.
            WorkDirError: The ledger cannot be read.
        """
        if self.limits.lists is not None and list_id not in self.limits.lists:
            return False
        if list_id not in self.lists:
            if self.limits.everybody:
                self._before[list_id] = self.klaviyo.list_joined_span(list_id)
            self.lists[list_id] = Mirrored(self.memory.count_members(list_id))
        return True

    def see(self, list_id: str, emails: Sequence[str]) -> None:
        """These people are in the segment, whatever becomes of their rows."""
        self._waiting.setdefault(list_id, []).extend(emails)
        self._waiting_people += len(emails)
        if self._waiting_people >= _SEEN_AT_ONCE:
            for waiting in list(self._waiting):
                self._note(waiting)
            self._waiting_people = 0

    def carry_out(self, lanes: Iterable[Lane], check: Callable[[], None], *, by_itself: bool) -> Iterator[str]:
        """Once every row has its fate: take off who left; why not, a sentence for each list where it is refused.

        `check` is called before each page and each removal; what it raises ends the mirror there.

        Raises:
            KlaviyoError: Klaviyo does not do it; who was removed before is counted.
            WorkDirError: The ledger cannot be read or written.
        """
        lanes = list(lanes)
        for list_id, outcome in self.lists.items():
            mirrored = [lane for lane in lanes if lane.list_id == list_id and lane.completeness is not None]
            if mirrored:
                self._note(list_id)
                yield from self._one(list_id, mirrored, outcome, check, by_itself=by_itself)

    def report(self, list_id: str) -> dict[str, Any] | None:
        """What came of a list; None when it is not mirrored."""
        return asdict(self.lists[list_id]) if list_id in self.lists else None

    def _one(
        self, list_id: str, lanes: Sequence[Lane], outcome: Mirrored, check: Callable[[], None], *, by_itself: bool
    ) -> Iterator[str]:
        streams = [lane.name for lane in lanes]
        gap = _gap(lanes, by_itself=by_itself)
        if self.limits.everybody and gap is None:
            self._read(list_id, check)
            outcome.members_before, outcome.leavers = self.roster.count(streams)
        else:
            outcome.leavers = self.memory.count_leavers(list_id, streams)
        verdict = may_remove(self._plan(lanes, gap, outcome))
        if isinstance(verdict, Refusal):
            outcome.refused = verdict.reason
            yield verdict.reason
            return
        self.memory.disown(list_id, streams)
        for part in self._take_off(list_id, streams, outcome):
            outcome.removed += len(part.removed) + part.nameless
            outcome.not_found += len(part.not_found)
            outcome.kept += len(part.refused)
            check()
        if outcome.kept:
            yield still_there(", ".join(streams), outcome.kept)

    def _take_off(self, list_id: str, streams: Sequence[str], outcome: Mirrored) -> Iterator[Removed]:
        if self.limits.everybody:
            strangers = self._others_stay(list_id, streams, self.roster.strangers(), outcome)
            return self.removal.remove_members(list_id, strangers)
        leavers = ((email, "") for email in self.memory.leavers(list_id, streams))
        left = self._others_stay(list_id, streams, leavers, outcome)
        return self.removal.remove(list_id, (email for email, _ in left if email is not None))

    def _plan(self, lanes: Sequence[Lane], gap: str | None, outcome: Mirrored) -> MirrorPlan:
        return MirrorPlan(
            stream=", ".join(lane.name for lane in lanes),
            gap=gap,
            tally=total([lane.tally for lane in lanes]),
            members_before=outcome.members_before,
            leavers=outcome.leavers,
            max_removal_percent=self.limits.max_removal_percent,
            max_rejected_percent=self.limits.max_rejected_percent,
            allow_removals=self.limits.allow_removals,
        )

    def _read(self, list_id: str, check: Callable[[], None]) -> None:
        """Everybody on the list, whoever put them there. Who joined after the run had begun stays.

        Nobody can leave a list that was empty then, so it is not read.
        """
        before = self._before[list_id]
        self.roster.begin(list_id)
        for people in call_the_roll(self.klaviyo, list_id, check) if before is not None else ():
            self.roster.add(
                [person.id for person in people],
                [person.email for person in people],
                [_joined_after(before, person) for person in people],
            )

    def _others_stay(
        self, list_id: str, streams: Sequence[str], people: Iterable[tuple[str | None, str]], outcome: Mirrored
    ) -> Iterator[tuple[str | None, str]]:
        rest = iter(people)
        while part := list(islice(rest, _AT_ONCE)):
            stay = set(self.memory.hand_over(list_id, streams, [email for email, _ in part if email is not None]))
            outcome.stayed += len(stay)
            yield from (member for member in part if member[0] not in stay)

    def _note(self, list_id: str) -> None:
        waiting = self._waiting.pop(list_id, [])
        if waiting:
            self.memory.see(list_id, waiting)


def _joined_after(span: JoinedSpan | None, person: Person) -> bool:
    """Whether somebody joined later than all who were there; False where Klaviyo does not tell when."""
    return span is not None and span.last is not None and person.joined is not None and person.joined > span.last


def _gap(lanes: Sequence[Lane], *, by_itself: bool) -> str | None:
    """Why the segments of a list are not all complete."""
    for lane in lanes:
        if lane.completeness is not None:
            lane.completeness.end_of_input(by_itself=by_itself)
            if lane.completeness.gap is not None:
                return lane.completeness.gap
    return None
