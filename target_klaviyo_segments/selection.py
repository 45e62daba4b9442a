"""Streams that `segments` does not name, which are not exported: one that it seems to mean fails the run.

A typing error in a name would export nothing and look well, and the STATE after it would skip the rows for ever.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from target_klaviyo_segments.report.tally import Tally
from target_klaviyo_segments.settings.setting import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from target_klaviyo_segments.export.exporter import Exporter
    from target_klaviyo_segments.settings import Settings

# How much alike two names are, from 0 to 1, when one is taken for the other misspelt.
ALIKE = 0.8


class Selection:
    """One run's. `left_out` are the counters of streams that are not exported."""

    def __init__(self, settings: Settings, exporter: Exporter) -> None:
        self._named = tuple(settings.segments or ()) if settings.segment_field is None else ()
        self._exporter = exporter
        self._mistyped: set[str] = set()
        self.left_out: dict[str, Tally] = {}

    def leave_out(self, stream: str) -> Tally:
        """Counters of a stream that is not exported; no STATE goes out before one came that it may be misspelt for."""
        if stream not in self.left_out:
            self.left_out[stream] = Tally()
            for name in self._meant(stream):
                self._exporter.await_stream(name)
        return self.left_out[stream]

    def mistyped(self) -> list[str]:
        """The input has ended: streams with rows that `segments` seems to mean, a sentence each."""
        found = {name: stream for stream, tally in self.left_out.items() if tally.read for name in self._meant(stream)}
        self._mistyped = set(found)
        for name in self._named:
            if name not in found:
                self._exporter.await_no_longer(name)
        return [
            f"the {self.left_out[stream].read} rows of stream `{stream}` were not exported: `segments` names `{name}`, "
            "which the tap did not send, and no STATE was written since. Correct the name; or, where two streams are "
            f"meant, deselect `{stream}` in the tap"
            for name, stream in found.items()
        ]

    def never_came(self) -> Iterator[str]:
        """Other streams that `segments` names and that the tap did not send, a sentence each."""
        came = [*dict.fromkeys(lane.stream for lane in self._exporter.lanes.values()), *self.left_out]
        for name in self._named:
            if name not in came and name not in self._mistyped:
                yield never_sent("segments", name, came)

    def _meant(self, stream: str) -> list[str]:
        """The stream that `segments` names nearly so and that has not come, if there is one."""
        came = {lane.stream for lane in self._exporter.lanes.values()}
        return get_close_matches(stream, [name for name in self._named if name not in came], n=1, cutoff=ALIKE)


def never_sent(setting: str, name: str, came: Collection[str]) -> str:
    """What is said of a stream that a setting names and that the tap did not send."""
    others = f"; it sent {', '.join(sorted(came))}" if came else ""
    return f"`{setting}` names the stream `{name}`, which the tap did not send{others}{nearest(name, came)}"
