"""Counters of a run and the sum that must be right. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

_NAMES_MAX = 200

FATES = ("delivered", "rejected", "unchanged", "merged", "removed", "filtered", "failed")
_counts = attrgetter("read", *FATES)
_reasons = attrgetter("reasons", "dropped", "left_out", "cleared")


@dataclass(slots=True)
class Tally:
    """One stream's rows by fate, and why.

    `reasons` counts rejections by code, `dropped` unusable fields of delivered rows, `left_out` rows of no selected
    segment, `cleared` standard fields that were cleared in Klaviyo.
    """

    read: int = 0
    delivered: int = 0
    rejected: int = 0
    unchanged: int = 0
    merged: int = 0
    removed: int = 0
    filtered: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    cleared: Counter[str] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        """Rows that have their fate."""
        return sum(getattr(self, fate) for fate in FATES)

    @property
    def balanced(self) -> bool:
        """Whether every row read has exactly one fate."""
        return self.read == self.settled

    def reject(self, code: str) -> None:
        """One row refused for a reason of its own."""
        self.rejected += 1
        self.reasons[code] += 1

    def leave_out(self, code: str) -> None:
        """One row filtered for a reason that is counted."""
        self.filtered += 1
        self.left_out[code] += 1

    def drop(self, fields: Iterable[str]) -> None:
        """Fields of one row that were left out; names come from records, so how many are told apart is bounded."""
        for name in fields:
            known = name in self.dropped or len(self.dropped) < _NAMES_MAX
            self.dropped[name if known else "others"] += 1

    def too_many_rejected(self, percent: int, look_from: int = 20) -> bool:
        """Whether more than `percent` of the rows are rejected, once `look_from` are."""
        return self.rejected >= look_from and self.rejected * 100 > percent * self.read

    def as_dict(self) -> dict[str, int]:
        """Counts by name, `read` first."""
        return {"read": self.read} | {fate: getattr(self, fate) for fate in FATES}


def total(tallies: list[Tally]) -> Tally:
    """The sum of tallies; of a thousand, as a watch adds them up now and then, in a millisecond."""
    result = Tally()
    for name, counts in zip(("read", *FATES), zip(*map(_counts, tallies), strict=True), strict=bool(tallies)):
        setattr(result, name, sum(counts))
    for tally in tallies:
        for reasons, more in zip(_reasons(result), _reasons(tally), strict=True):
            if more:
                reasons.update(more)
    return result
