"""The Klaviyo plan's room for people, held against the people to send. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from target_klaviyo_segments.errors import RunStopped


class Usage(Protocol):
    """People that the account's plan is charged for now, and may hold."""

    @property
    def used(self) -> int:
        """Charged for now."""
        ...

    @property
    def maximum(self) -> int:
        """The most that the plan allows."""
        ...


@dataclass(slots=True)
class PlanLimit:
    """Counts the people of a run who are new to Klaviyo, as far as is known: whom this target never delivered."""

    usage: Usage | None
    action: str
    needed: int = 0
    warned: bool = False

    @property
    def counts(self) -> bool:
        """Whether it matters who is new."""
        return self.usage is not None and self.action != "ignore"

    def admit(self, people: int) -> str | None:
        """Count new people about to be sent; a warning comes back once, when they may exceed the plan.

        Raises:
            RunStopped: They may, and `on_plan_limit` is fail: these people are not to be sent.
        """
        self.needed += people
        if self.usage is None or self.action == "ignore" or self.needed <= self.usage.maximum - self.usage.used:
            return None
        words = (
            f"the people to send may exceed the Klaviyo plan: {self.usage.used} of {self.usage.maximum} profiles "
            f"are used, and {self.needed} or more are needed if all whom this target never delivered are new to it"
        )
        if self.action == "fail":
            self.needed -= people
            raise RunStopped(
                f"{words}; {self.needed} of them were sent before. Raise the plan, or set `on_plan_limit` to warn"
            )
        first, self.warned = not self.warned, True
        return words if first else None
