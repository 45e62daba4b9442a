"""One stream, several segments: which lane a row goes by, by the value of `segment_field`. One for each such stream."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from target_klaviyo_segments.errors import Rejection, TargetError
from target_klaviyo_segments.segment.identity import has_address
from target_klaviyo_segments.segment.rounds import Rounds, read_all
from target_klaviyo_segments.segment.values import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from target_klaviyo_segments.destinations import Destinations
    from target_klaviyo_segments.export.exporter import Exporter
    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.modes import Completeness
    from target_klaviyo_segments.settings import Segment

    Record = Mapping[str, Any]
    Way = Lane | Rejection

_SHOWN = 5


class Memory(Protocol):
    """What the ledger knows. Raises `WorkDirError` when it cannot be read."""

    def counts(self, stream: str) -> dict[tuple[str, str], int]:
        """Members of each segment of a stream, by its name and the list."""
        ...


class Routes:
    """Lives as long as the run, through every SCHEMA of the stream.

    `aside` is where rows are counted that are of no segment; `completeness` is of all mirrored segments together: the
    stream comes whole, or none of them does.
    """

    def __init__(self, stream: str, segment: Segment, exporter: Exporter, destinations: Destinations) -> None:
        self._stream = stream
        self._segment = segment
        self._field = segment.segment_field or ""
        self._exporter = exporter
        self._destinations = destinations
        self._lanes: dict[str, Lane] = {}
        self._modes: dict[str, str] = {}
        self._equip: Callable[[Lane, str], None] = _nobody_equips
        self._parts: tuple[str, ...] = ()
        self.completeness: Completeness | None = None
        self.aside = exporter.lane(stream, "", _no_list)
        self.aside.routed, self.aside.selects = True, segment.values is not None
        self.aside.reaches = None if self.aside.selects else destinations.exists

    @property
    def mirrors(self) -> bool:
        """Whether one of its segments may be mirrored."""
        return "mirror" in {each.sync_mode for each in (self._segment.values or {"": self._segment}).values()}

    def open(self, equip: Callable[[Lane, str], None], *, inside: bool) -> None:
        """A SCHEMA came: the segments that the settings name are opened, so that one that stays empty is seen.

        Args:
            equip: Lets a lane know what the schema says, with its `sync_mode`.
            inside: `segment_field` is a path into objects.

        Raises:
            ContractError: A segment has no list, or several.
            KlaviyoError: There is no such list, or the key may not see it.
        """
        self._equip = equip
        self._parts = tuple(self._field.split(".")) if inside else ()
        equip(self.aside, "upsert")
        for value, lane in self._lanes.items():
            equip(lane, self._modes[value])
        for value, segment in (self._segment.values or {}).items():
            if value not in self._lanes:
                place = self._destinations.place(f"{self._stream}/{value}", segment)
                self._add(value, segment, place)

    def split(self, records: Sequence[Record]) -> tuple[list[tuple[Way, list[int]]], TargetError | None]:
        """The records' ways, and the places of those that go by each, in their order; and what ends the run after them.

        Then the records after them have no way. A way comes again where a person comes again by another: what is said
        of them last stays the last.
        """
        known = self._lanes
        groups: dict[tuple[int, str], tuple[Way, list[int]]] = {}
        rounds = Rounds(read_all(records, self._segment.email_field, self._segment.email_field.split(".")))
        for place, value in enumerate(read_all(records, self._field, self._parts)):
            lane = known.get(value) if type(value) is str else None
            try:
                way = self._way(value) if lane is None else lane
            except TargetError as error:
                return [groups[key] for key in sorted(groups, key=itemgetter(0))], error
            name = way.code if isinstance(way, Rejection) else way.name
            key = rounds.of(place, name), name
            if key in groups:
                groups[key][1].append(place)
            else:
                groups[key] = (way, [place])
        return [groups[key] for key in sorted(groups, key=itemgetter(0))], None

    def unused(self) -> str | None:
        """The segments that the settings name and no row was of: most often a typing error. A mirror says it itself."""
        idle = [v for v, lane in self._lanes.items() if not lane.tally.read and self._modes[v] != "mirror"]
        if not idle:
            return None
        some = ", ".join(f"`{value}`" for value in idle[:_SHOWN]) + (", ..." if len(idle) > _SHOWN else "")
        told = f"that no row of `{self._stream}` is of by its `{self._field}`"
        return f"`segments` names {len(idle)} segments {told}: {some}"

    def vanished(self, memory: Memory) -> Iterator[str]:
        """Mirrored segments of earlier runs, each with a list of its name, whose value no row had: why they stay.

        Raises:
            KlaviyoError: The lists cannot be read.
            WorkDirError: The ledger cannot be read.
        """
        if self._segment.values is not None or self._segment.sync_mode != "mirror":
            return
        came = {lane.name for lane in self._lanes.values() if lane.tally.read}
        for (name, list_id), people in sorted(memory.counts(self._stream).items()):
            if name not in came and self._destinations.exists(list_id):
                yield (
                    f"stream `{name}`: nobody was taken off the list {list_id}, because the segment is empty: no row's "
                    f"`{self._field}` names it. Members before: {people}. If it has ended, delete the list in Klaviyo, "
                    "or name in `segments` those that go on"
                )

    def _way(self, value: object) -> Way:
        """Of a value that is not plainly one of a segment that is open."""
        if value is not None and not isinstance(value, str):
            return Rejection("segment_not_text", f"its `{self._field}` is no text", self._field)
        name = readable(value or "").strip()
        if not name:
            return Rejection("segment_missing", f"it has no `{self._field}`", self._field)
        return self._lanes[name] if name in self._lanes else self._new_way(name)

    def _new_way(self, name: str) -> Way:
        if self._segment.values is not None:
            return Rejection("segment_not_selected", f"its `{self._field}` is none of `segments`", self._field)
        if has_address(name):  # names of segments are in logs, reports and pages
            return Rejection("segment_is_address", f"its `{self._field}` is an e-mail address", self._field)
        segment = self._segment.of_value(name, {})
        place = self._destinations.place_of_value(self._stream, segment)
        if isinstance(place, str):
            return Rejection("segment_unknown", f"{place} its `{self._field}` names", self._field)
        return self._add(name, segment, place)

    def _add(self, value: str, segment: Segment, place: tuple[str, Callable[[], str] | None]) -> Lane:
        lane = self._lanes[value] = self._exporter.lane(self._stream, *place, value=value)
        self._modes[value] = segment.sync_mode
        lane.aside = self.aside
        self._equip(lane, segment.sync_mode)
        return lane


def _no_list() -> str:
    raise RuntimeError("a row of no segment was sent")


def _nobody_equips(lane: Lane, sync_mode: str) -> None:
    raise RuntimeError(f"a row came before the schema: {lane.name}, {sync_mode}")
