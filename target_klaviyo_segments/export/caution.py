"""What is said before people go to a list: flows that may start, opt-in that is passed by, how many are new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.export.plan import PlanLimit
    from target_klaviyo_segments.klaviyo.lists import ListInfo
    from target_klaviyo_segments.segment.batch import Batch

_DOUBLE = "double_opt_in"


class Memory(Protocol):
    """What the ledger knows. Each raises `WorkDirError` when it cannot be read."""

    def count_members(self, list_id: str) -> int:
        """How many are on the list because of us."""
        ...

    def newcomers(self, emails: Sequence[str]) -> int:
        """How many of these people no run delivered before."""
        ...


@dataclass(slots=True)
class _Filled:
    """A list that people go to."""

    members_before: int
    sent: int = 0
    told: bool = False


@dataclass(slots=True)
class Caution:
    """One run's; on the main thread. `lists` is what Klaviyo says of each, by ID."""

    memory: Memory
    plan: PlanLimit
    lists: Mapping[str, ListInfo]
    warn_new_members: int
    _filled: dict[str, _Filled] = field(default_factory=dict)

    def before(self, list_id: str, batch: Batch) -> Iterator[str]:
        """What speaks for a second look before a batch goes to a list, a sentence each, each once a run.

        Raises:
            RunStopped: The people may exceed the plan, and `on_plan_limit` is fail.
            WorkDirError: The ledger cannot be read.
        """
        people = self.memory.newcomers(batch.emails) if self.plan.counts else len(batch)
        warning = self.plan.admit(people)
        if warning is not None:
            yield warning
        if list_id not in self._filled:
            self._filled[list_id] = _Filled(self.memory.count_members(list_id))
            if not self._filled[list_id].members_before and list_id in self.lists:
                yield from _first_fill(self.lists[list_id])
        yield from self._many_new(list_id, len(batch))

    def _many_new(self, list_id: str, people: int) -> Iterator[str]:
        """More people went there than the ledger knows members: the rest are new to the list."""
        filled = self._filled[list_id]
        filled.sent += people
        new = filled.sent - filled.members_before
        if new > self.warn_new_members and not filled.told:
            filled.told = True
            yield (
                f"{_called(self.lists, list_id)} gets more new people than `warn_new_members` "
                f"({self.warn_new_members}): {new} or more; before this run the ledger knew of "
                f"{filled.members_before} members"
            )


def _first_fill(info: ListInfo) -> Iterator[str]:
    """Nobody is on it because of us yet."""
    name = f"the list `{info.name}` ({info.id})"
    if info.flows:
        flows = ", ".join(f"`{flow}`" for flow in info.flows)
        yield (
            f"{name} is filled for the first time, and flows hang on it: {flows}. "
            "Joining the list may start them for everybody who is sent; pause them in Klaviyo where that is not wanted"
        )
    if info.opt_in_process == _DOUBLE:
        yield (
            f"{name} has double opt-in: people are added to it without being asked for a confirmation. To be a member "
            "is no consent, and changes none"
        )


def _called(lists: Mapping[str, ListInfo], list_id: str) -> str:
    return f"the list `{lists[list_id].name}` ({list_id})" if list_id in lists else f"the list {list_id}"
