"""Streams that have people on a mirrored list and do not come any more: their people stay, and somebody should know.

A stream in runs of its own looks the same as one that was renamed, so this is told when the other may well be gone: the
streams of this run are new, as after a renaming, or the other has not come for many runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.ledger import PastRun

# This one and those before it.
RUNS_LOOKED_AT = 30


class Memory(Protocol):
    """What the ledger knows. Each raises `WorkDirError` when it cannot be read."""

    def holders(self, list_id: str) -> Mapping[str, int]:
        """How many people of a list each stream has, whoever else has them."""
        ...

    def last_runs(self, count: int) -> Sequence[PastRun]:
        """Runs, this one first, with their counts by stream."""
        ...


def warn_of_bygone(memory: Memory, lanes: Sequence[Lane]) -> None:
    """Let the first lane of each mirrored list warn of streams whose people no mirror takes off it.

    Raises:
        WorkDirError: The ledger cannot be read.
    """
    mirrored: dict[str, list[Lane]] = {}
    for lane in lanes:
        if lane.completeness is not None and lane.list_id:
            mirrored.setdefault(lane.list_id, []).append(lane)
    here = {name for lane in lanes for name in (lane.name, lane.stream)}
    absent = {
        list_id: {name: people for name, people in memory.holders(list_id).items() if not _is_of(name, here)}
        for list_id in mirrored
    }
    if not any(absent.values()):  # nobody has to look back
        return
    before = {name for run in memory.last_runs(RUNS_LOOKED_AT)[1:] for name in run.counts.get("streams", {})}
    for list_id, of_list in mirrored.items():
        of_list[0].warn(*_warnings(list_id, of_list, absent[list_id], before))


def _warnings(list_id: str, lanes: Sequence[Lane], absent: Mapping[str, int], before: set[str]) -> Iterator[str]:
    new = not any(lane.name in before for lane in lanes)
    for name, people in absent.items():
        if new or not _is_of(name, before):
            yield (
                f"stream `{name}` has {people} people on the list {list_id} and is not in this run: a mirror leaves "
                "them there, for they may still be in it. If it was renamed, or is no more, docs/mirror.md says what "
                "to do"
            )


def _is_of(name: str, streams: set[str]) -> bool:
    """Whether it is one of these streams, or a segment of one by `segment_field`."""
    return name in streams or any(name.startswith(f"{stream}/") for stream in streams)
