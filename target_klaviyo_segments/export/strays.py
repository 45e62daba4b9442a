"""Delete markers that do not say of which segment their person is: the ledger knows, and each goes to its lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.leaving import Named

Found = tuple[str, str, str, str]  # what was asked for, segment, list, e-mail


class Segments(Protocol):
    """What the ledger knows. Each raises `WorkDirError` when it cannot be read."""

    def of_keys(self, stream: str, keys: Sequence[str]) -> Sequence[Found]:
        """In which segments of a stream, on which lists, the records with these keys are, and with which e-mail."""
        ...

    def of_emails(self, stream: str, emails: Sequence[str]) -> Sequence[Found]:
        """In which segments of a stream, on which lists, these people are."""
        ...


class Memory(Protocol):
    """The ledger."""

    @property
    def segments(self) -> Segments:
        """Members of streams that have several segments."""
        ...


def find_strays(memory: Memory, lanes: Mapping[str, Lane], open_lane: Callable[..., Lane]) -> None:
    """Let who leaves a stream leave every segment of it, but for those where they came back after.

    The row counts in the first of them. Who is in none is left where they are, to be counted there.

    Raises:
        WorkDirError: The ledger cannot be read.
    """
    for aside in [lane for lane in lanes.values() if lane.routed and lane.leaving]:
        leaving, segments = aside.leaving, memory.segments
        for named, places_of in ((leaving.keys, segments.of_keys), (leaving.emails, segments.of_emails)):
            for rows in named.pages():
                places = places_of(aside.stream, list(rows))
                _move(aside, named, rows, list(_lanes_of(aside, places, lanes, open_lane)))


def _lanes_of(
    aside: Lane, places: Sequence[Found], lanes: Mapping[str, Lane], open_lane: Callable[..., Lane]
) -> Iterator[tuple[str, Lane, str]]:
    """Whom the ledger found, in lanes of this run; not a segment that `segments` leaves out, or whose list is gone."""
    for asked, name, list_id, email in places:
        lane = lanes.get(name)
        if lane is None and aside.reaches is not None and aside.reaches(list_id):
            lane = open_lane(aside.stream, list_id, value=name.removeprefix(f"{aside.stream}/"))
        if lane is not None and lane.list_id == list_id:
            yield asked, lane, email


def _move(aside: Lane, named: Named, rows: dict[str, int], found: Sequence[tuple[str, Lane, str]]) -> None:
    """A page of those named in one way; `rows` is used up."""
    back, asked_for = named.segments_of(rows), set(rows)
    for asked, lane, email in found:
        if lane.name not in back.get(asked, ()):
            count = rows.pop(asked, 0)
            lane.leaving.emails.add(email, count)
            lane.tally.read += count
            aside.tally.read -= count
    for asked in back.keys() & rows.keys():
        aside.tally.merged += rows.pop(asked)
    named.come_back(asked_for - rows.keys())
