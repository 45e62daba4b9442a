"""How far a run is, in numbers; and the same in words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.report.tally import FATES, Tally, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Rows come back ten thousand at once: a rate over less time would jump.
_RATE_SECONDS = 30.0
# Every request waits a little for its turn; a wait that one would not see is not told.
_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """Rows by fate, batches that are under way, and how long a request must wait for its turn in Klaviyo's quota."""

    rows: Mapping[str, int]
    under_way: int
    quota_seconds: float

    @property
    def settled(self) -> int:
        """Rows that have their fate."""
        return sum(self.rows[fate] for fate in FATES)


def numbers_of(tallies: Iterable[Tally], *, under_way: int, quota_seconds: float) -> Numbers:
    """Of all streams together."""
    return Numbers(total(list(tallies)).as_dict(), under_way, quota_seconds)


class Rate:
    """Rows a second that get their fate, of late."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, int]] = deque()

    def of(self, settled: int, now: float) -> float:
        """The rate, with what there is now."""
        past = self._past
        past.append((now, settled))
        while len(past) > 2 and past[1][0] <= now - _RATE_SECONDS:  # noqa: PLR2004  # a rate needs two
            past.popleft()
        seconds = now - past[0][0]
        return (settled - past[0][1]) / seconds if seconds > 0 else 0.0


def in_words(numbers: Numbers, rate: float) -> str:
    """One line, the fates that nobody has left out; where a terminal is narrow its end is not seen."""
    rows = [f"{name} {count:,}" for name, count in numbers.rows.items() if count or name in {"read", "delivered"}]
    wait = (
        [f"waiting {numbers.quota_seconds:.0f} s for Klaviyo's quota"] if numbers.quota_seconds >= _WAIT_SECONDS else []
    )
    return "; ".join([", ".join(rows), *wait, f"batches under way {numbers.under_way}", f"{rate:,.0f} rows/s"])


def in_fields(numbers: Numbers, rate: float) -> dict[str, Any]:
    """The same for a log that programs read."""
    return {
        **{f"rows_{name}": count for name, count in numbers.rows.items()},
        "batches_under_way": numbers.under_way,
        "rows_per_second": round(rate, 1),
        "quota_seconds": round(numbers.quota_seconds, 1),
    }
