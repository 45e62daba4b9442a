"""For a log: each export, once it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from target_klaviyo_segments.export.lane import Export, Lane
    from target_klaviyo_segments.watching.numbers import Numbers

# A log is read by people: of more exports than this the report tells.
EXPORTS_MAX = 50


class ExportLines:
    """`list_name` is by the list's ID."""

    def __init__(self, log: logging.Logger, lanes: Mapping[str, Lane], list_name: Callable[[str], str]) -> None:
        self._log = log
        self._lanes = lanes
        self._list_name = list_name
        self._told: dict[str, int] = {}  # by lane: the number of the last export that was
        self._count = 0

    def show(self, numbers: Numbers, now: float) -> None:  # noqa: ARG002  # a show
        """Those of whom everybody has their fate by now, and to whom nobody is added any more."""
        for lane in self._lanes.values():
            for export in self._untold(lane):
                if not export.closed or export.open:
                    break
                self._tell(lane, export)

    def end(self, status: str) -> None:  # noqa: ARG002  # a show
        """All others that had anybody in them."""
        for lane in self._lanes.values():
            for export in self._untold(lane):
                if export.profiles:
                    self._tell(lane, export)
        if self._count > EXPORTS_MAX:
            self._log.info("%s exports more are over: the report has them all", self._count - EXPORTS_MAX)

    def _untold(self, lane: Lane) -> list[Export]:
        return lane.exports[self._told.get(lane.name, 0) :]

    def _tell(self, lane: Lane, export: Export) -> None:
        self._told[lane.name] = export.number
        self._count += 1
        if self._count <= EXPORTS_MAX:
            tell = self._log.warning if export.failed or export.open else self._log.info
            tell("%s", self._sentence(lane, export), extra={"stream_name": lane.stream, "export": export.as_dict()})

    def _sentence(self, lane: Lane, export: Export) -> str:
        fates = {"delivered": export.delivered, "rejected": export.rejected, "failed": export.failed + export.open}
        counts = ", ".join(f"{count:,} {fate}" for fate, count in fates.items() if count or fate == "delivered")
        seconds = "" if export.began is None or export.ended is None else f" in {export.ended - export.began:.0f} s"
        where = f" to the list {self._list_name(lane.list_id)}" if lane.suppression is None else ""
        return (
            f"stream `{lane.name}`: export {export.number}{where} is over: "
            f"{export.profiles:,} profiles, {counts}, {export.jobs} jobs{seconds}"
        )
