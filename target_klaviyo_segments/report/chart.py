"""The exports over time against Klaviyo's quota, as shapes on a plot 100 wide and 100 high. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.report.words import at, count, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TICKS = 4
_POINTS = 240
_BARS_SHOWN = 40
_NARROWEST = 0.6
_HALF = 50
_SLACK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis, `place` percent along it."""

    label: str
    place: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An export's time: from `left`, `width` wide, in percent of the run."""

    label: str
    told: str
    left: float
    width: float

    @property
    def late(self) -> bool:
        """Whether it begins in the right half: its words stand before it."""
        return self.left > _HALF


@dataclass(frozen=True, slots=True)
class Chart:
    """Cumulated jobs: those submitted, those that have ended, and what the quota would have let through by then."""

    submitted: str
    ended: str
    quota: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    jobs: int
    seconds: float
    quota_used: float  # percent of what was allowed until the last job was submitted
    bars: tuple[Bar, ...]
    bars_left_out: int


def chart_of(document: Mapping[str, Any]) -> Chart | None:
    """The chart of a report; None when its run made no jobs, or nobody knows when: the clock may have been set."""
    pace = document.get("pace")
    if not pace or not sum(pace["submitted"]) or _ends_too_late(pace, document):
        return None
    step, submitted = pace["step_seconds"], list(accumulate(pace["submitted"]))
    ended = list(accumulate(pace["ended"]))
    jobs, seconds = submitted[-1], step * len(submitted)
    top = _round_up(jobs)
    last = next(place for place, sofar in enumerate(submitted, 1) if sofar == jobs) * step
    bars = list(_bars(document, at(pace["began_at"]), seconds))
    return Chart(
        submitted=_line(submitted, step, seconds, top),
        ended=_line(ended, step, seconds, top),
        quota=_envelope(pace["quota"], seconds, top),
        x_ticks=tuple(Tick(duration(value), 100 * value / seconds) for value in _times(seconds)),
        y_ticks=tuple(Tick(count(top * n // _TICKS), 100 * n / _TICKS) for n in range(_TICKS + 1)),
        jobs=jobs,
        seconds=seconds,
        quota_used=min(100.0, 100 * jobs / allowed(pace["quota"], last)),
        bars=tuple(bars[:_BARS_SHOWN]),
        bars_left_out=max(0, len(bars) - _BARS_SHOWN),
    )


def _ends_too_late(pace: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether jobs end long after the last export, whose times go by a clock that nobody sets."""
    exports = (export for found in document["streams"].values() for export in found["exports"])
    ends = [end for export in exports if (end := at(export.get("ended_at")))]
    began = at(pace["began_at"])
    seconds = pace["step_seconds"] * (len(pace["submitted"]) - 1)
    return began is not None and bool(ends) and seconds > (max(ends) - began).total_seconds() + _SLACK_SECONDS


def allowed(quota: Sequence[Mapping[str, int]], seconds: float) -> int:
    """Jobs that fixed windows, a short one inside of each long one, let through in this time from a standing start."""
    short, long = sorted(quota, key=lambda window: window["seconds"])
    full, rest = divmod(seconds, long["seconds"])
    burst = short["jobs"] * math.ceil(rest / short["seconds"])
    return int(full) * long["jobs"] + min(long["jobs"], burst)


def _line(sofar: Sequence[int], step: float, seconds: float, top: int) -> str:
    """Points of a line that rises within each step."""
    points = [(0.0, 0), *((step * (place + 1), value) for place, value in enumerate(sofar))]
    return " ".join(f"{100 * x / seconds:.2f},{100 - 100 * y / top:.2f}" for x, y in points)


def _envelope(quota: Sequence[Mapping[str, int]], seconds: float, top: int) -> str:
    times = [seconds * place / _POINTS for place in range(_POINTS + 1)]
    points: list[str] = []
    for moment in times:
        value = allowed(quota, moment)
        points.append(f"{100 * moment / seconds:.2f},{100 - 100 * min(value, top) / top:.2f}")
        if value >= top:
            break
    return " ".join(points)


def _round_up(jobs: int) -> int:
    """The top of the axis: a round number that four steps divide."""
    size: int = 10 ** max(0, len(str(jobs)) - 2)
    return max(_TICKS, math.ceil(jobs / (_TICKS * size)) * _TICKS * size)


def _times(seconds: float) -> Iterator[float]:
    """Round times of a run, five at most."""
    steps = [unit * ten for ten in (0.1, 1.0, 10.0) for unit in (1, 2, 5)] + [60.0 * n for n in (1, 2, 5, 10, 20, 30)]
    steps += [3600.0 * n for n in (1, 2, 6, 12, 24, 48, 168)]
    step = next((step for step in steps if seconds / step <= _TICKS + 0.5), seconds / _TICKS)
    yield from (step * place for place in range(int(seconds / step + 1e-6) + 1))


def _bars(document: Mapping[str, Any], began: Any, seconds: float) -> Iterator[Bar]:  # noqa: ANN401  # a datetime
    for stream, found in document["streams"].items():
        for export in found["exports"]:
            first, last = at(export.get("began_at")), at(export.get("ended_at"))
            if first is None or last is None:
                continue
            left = min(100.0, max(0.0, 100 * (first - began).total_seconds() / seconds))
            right = min(100.0, max(0.0, 100 * (last - began).total_seconds() / seconds))
            width = max(_NARROWEST, right - left)
            label = stream if len(found["exports"]) == 1 else f"{stream} {export['number']}"
            told = f"{count(export['profiles'])} profiles in {duration((last - first).total_seconds())}"
            yield Bar(label, told, min(left, 100 - width), width)
