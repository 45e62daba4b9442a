"""Whether a mirrored segment came whole, and whether those who are not in it may be taken off the list. Pure.

Feed it a stream's messages as they come, then ask:

    completeness = Completeness(mirror_on_end_of_input=False)
    completeness.schema(properties: Iterable[str], bookmark_properties: Sequence[str] | None)
    completeness.record(version: object)              # once a record, or a run of records of one version
    completeness.activate_version(version: object)
    completeness.state()                              # every STATE of the input, whichever stream it speaks of
    completeness.end_of_input(by_itself: bool)        # False after a signal, a broken line, a broken-off run
    completeness.gap -> str | None                    # why it is not complete, in words

    plan = MirrorPlan(stream, gap, tally, members_before, leavers, max_removal_percent, max_rejected_percent,
                      allow_removals)
    may_remove(plan) -> Permission | Refusal          # Permission(leavers, takes_stock), Refusal(code, reason)

The end of the input proves nothing by itself: of a tap that crashed it looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from target_klaviyo_segments.report.tally import Tally

INCOMPLETE = "incomplete"
EMPTY = "empty"
FAILED_ROWS = "failed_rows"
TOO_MANY_REJECTED = "too_many_rejected"
TOO_MANY_LEAVERS = "too_many_leavers"

_INCREMENTAL = (
    "its tap reads only what changed (`bookmark_properties` in its SCHEMA): let it read the whole table (FULL_TABLE)"
)
_TWO_SHAPES = "it came in two shapes (SCHEMAs with different properties), so it may be two segments under one name"
_BROKEN = "the input did not end by itself"
_NO_RECORDS = "no record came"
_TWO_VERSIONS = "its records are of more than one version"
_NOT_CLOSED = (
    "no ACTIVATE_VERSION of its records' version came after the last of them. If its tap never sends one, "
    "`mirror_on_end_of_input` accepts the end of the input instead"
)
_NO_STATE = "neither an ACTIVATE_VERSION nor a STATE came after its last record"


class Completeness:
    """Whether one stream was read to its end, told by its messages in their order."""

    def __init__(self, *, mirror_on_end_of_input: bool) -> None:
        self._end_closes = mirror_on_end_of_input
        self._shape: frozenset[str] | None = None
        self._spoilt: str | None = None  # nothing that comes later mends it
        self._ended = False
        self._records = False
        self._version: object = None  # of all records so far
        self._versions_differ = False
        self._closed = False  # by an ACTIVATE_VERSION after the last record
        self._state_after = False  # a STATE came after the last record

    def schema(self, properties: Iterable[str], bookmark_properties: Sequence[str] | None) -> None:
        """A SCHEMA: the names of its properties are its shape, in any order."""
        shape = frozenset(properties)
        if bookmark_properties:
            self.spoil(_INCREMENTAL)
        elif self._shape not in {None, shape}:
            self.spoil(_TWO_SHAPES)
        self._shape = shape

    def record(self, version: object) -> None:
        """A record, or several of one version that follow each other, as those of a BATCH are; None is no version."""
        self._versions_differ = self._records and (self._versions_differ or version != self._version)
        self._version = version
        self._records = True
        self._closed = self._state_after = False

    def activate_version(self, version: object) -> None:
        """Closes the segment when all its records are of this version. Some taps send one before the first as well."""
        self._closed = version is not None and version == self._version and not self._versions_differ

    def state(self) -> None:
        """A STATE, whose value is the tap's affair."""
        self._state_after = True

    def end_of_input(self, *, by_itself: bool) -> None:
        """The input is over; not `by_itself` when a signal, a broken line or a limit ended it."""
        self._ended = True
        if not by_itself:
            self.spoil(_BROKEN)

    @property
    def gap(self) -> str | None:
        """Why the segment is not complete; None when it is."""
        if self._spoilt is not None:
            return self._spoilt
        if not self._ended:
            return _BROKEN
        if not self._records:
            return _NO_RECORDS
        if self._closed or (self._end_closes and self._state_after):
            return None
        if self._end_closes:
            return _NO_STATE
        return _TWO_VERSIONS if self._versions_differ else _NOT_CLOSED

    def spoil(self, why: str) -> None:
        """The first reason stays: it is the one that the next run will meet again."""
        self._spoilt = self._spoilt or why


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorPlan:
    """What a run knows of a mirrored stream once every row has its fate.

    `members_before` and `leavers` are people on the list that the mirror answers for: with `mirror_scope` exported
    those whom this target put there, with all everybody; before the run, and of them those who are not in the segment.
    `allow_removals` is for one run, and lifts `max_removal_percent` alone.
    """

    stream: str
    gap: str | None
    tally: Tally
    members_before: int
    leavers: int
    max_removal_percent: float
    max_rejected_percent: int
    allow_removals: int | None


@dataclass(frozen=True, slots=True)
class Permission:
    """The leavers may be taken off. `takes_stock`: nobody was known before, so nobody can have left."""

    leavers: int
    takes_stock: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nobody may be taken off; the run ends with `reason`, which has the numbers and what to do."""

    code: str
    reason: str


def may_remove(plan: MirrorPlan) -> Permission | Refusal:
    """Whether a mirror may take the leavers off the list."""
    code, why = next(_doubts(plan), ("", ""))
    if not code:
        return Permission(plan.leavers, takes_stock=not plan.members_before)
    return Refusal(code, f"stream `{plan.stream}`: nobody was taken off the list, because {why}. {_numbers(plan)}")


def _doubts(plan: MirrorPlan) -> Iterator[tuple[str, str]]:
    """What speaks against removing, the weightiest first."""
    tally = plan.tally
    if plan.gap is not None:
        yield INCOMPLETE, f"the segment may not be complete: {plan.gap}"
    if not tally.delivered + tally.unchanged:
        yield EMPTY, "the segment is empty: no row was delivered or unchanged. To empty a list, do so in Klaviyo"
    if tally.failed:
        yield FAILED_ROWS, f"{tally.failed} rows failed. Run again: whoever left is taken off then"
    if tally.too_many_rejected(plan.max_rejected_percent):
        yield TOO_MANY_REJECTED, _too_many_rejected(plan)
    if _too_many_leave(plan):
        yield TOO_MANY_LEAVERS, _too_many_leavers(plan)


def _too_many_leave(plan: MirrorPlan) -> bool:
    allowed = plan.allow_removals is not None and plan.leavers <= plan.allow_removals
    return not allowed and plan.leavers * 100 > plan.max_removal_percent * plan.members_before


def _too_many_rejected(plan: MirrorPlan) -> str:
    return (
        f"{plan.tally.rejected} of {plan.tally.read} rows were rejected, more than `max_rejected_percent` "
        f"({plan.max_rejected_percent}) allows, and they may be of members. See the rejects file"
    )


def _too_many_leavers(plan: MirrorPlan) -> str:
    also = "" if plan.allow_removals is None else f" and more than `--allow-removals {plan.allow_removals}`"
    return (
        f"{plan.leavers} of {plan.members_before} members would leave, more than `max_removal_percent` "
        f"({plan.max_removal_percent:g}) allows{also}. If that is right, run once with "
        f"`--allow-removals {plan.leavers}`, or raise `max_removal_percent`"
    )


def _numbers(plan: MirrorPlan) -> str:
    counts = plan.tally.as_dict()
    rows = ", ".join(f"{name} {counts[name]}" for name in ("read", "delivered", "unchanged", "merged", "rejected"))
    return f"Rows: {rows}, failed {counts['failed']}; members before: {plan.members_before}, leavers: {plan.leavers}"
