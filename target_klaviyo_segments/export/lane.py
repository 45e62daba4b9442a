"""One stream on its way to its list: the export that is being filled, and those before it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from target_klaviyo_segments.report.tally import Tally, total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from target_klaviyo_segments.export.leaving import Leaving
    from target_klaviyo_segments.export.modes import Completeness
    from target_klaviyo_segments.export.suppression import Suppression
    from target_klaviyo_segments.segment.batch import Batch, Batcher, Record, Row

    ErrandReader = Callable[[Batch], list[bytes | None]]
    KeyReader = Callable[[Sequence[Record]], list[str | None]]


@dataclass(slots=True)
class Export:
    """One pass of a segment into its list."""

    number: int
    profiles: int = 0
    jobs: int = 0
    delivered: int = 0
    rejected: int = 0
    failed: int = 0
    closed: bool = False
    began: float | None = None  # its first job was taken; seconds since the epoch
    ended: float | None = None  # its last row so far had its fate

    @property
    def open(self) -> int:
        """Profiles that have no fate yet."""
        return self.profiles - self.delivered - self.rejected - self.failed

    def as_dict(self) -> dict[str, int | str | None]:
        """For the report."""
        status = "failed" if self.failed or self.open > 0 else "successful"
        return {
            "number": self.number,
            "status": status,
            "profiles": self.profiles,
            "jobs": self.jobs,
            "delivered": self.delivered,
            "rejected": self.rejected,
            "failed": self.failed,
            "began_at": _moment(self.began),
            "ended_at": _moment(self.ended),
        }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat()


@dataclass(slots=True)
class Lane:
    """`filling` takes new rows; `later` holds rows of people who are in a job that has not ended yet.

    `sieve` holds rows of whom it is not known yet whether Klaviyo has them already; `keys_of` reads records' keys,
    `marks_of` the fields that records and the profiles made of them give, and those that are to be cleared.
    `errands` read, by kind, what is to be done for each person of a batch once they are delivered: JSON, or None.
    """

    name: str  # the stream's; with its value where `segment_field` parts the stream: `people/vip`
    stream: str
    list_id: str
    filling: Batcher
    later: Batcher
    rows_a_job: int
    leaving: Leaving
    suppression: Suppression | None = None  # in place of a list
    make_list: Callable[[], str] | None = None  # while there is no list, and `list_id` is empty
    sieve: Batcher | None = None
    watched: bool = False  # the mirror of its list must see everybody
    completeness: Completeness | None = None  # of a mirrored segment
    aside: Lane | None = None  # of a stream in several segments: where its rows go that are in none
    routed: bool = False  # it is such a place itself
    selects: bool = False  # and only segments that the settings name are exported
    reaches: Callable[[str], bool] | None = None  # else, whether a list of an earlier run is still there
    rows: int = 0  # and so many rows of its stream were read
    removes: bool = False  # its rows name people who are to leave the list
    key_properties: Sequence[str] = ()  # of its stream
    keys_of: KeyReader | None = None
    errands: dict[str, ErrandReader] = field(default_factory=dict)
    marks_of: Callable[[Sequence[Record], Sequence[bytes]], Sequence[tuple[int, int]]] | None = None
    stranded: list[Row] = field(default_factory=list)  # in no batch when the run broke off
    tally: Tally = field(default_factory=Tally)
    exports: list[Export] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def key_of(self, record: Record) -> str | None:
        """The key of a record; None when the stream has none, or has the e-mail in it, or the record has no key."""
        return self.keys_of([record])[0] if self.keys_of is not None else None

    def join_by(self, join: Callable[[bytes, bytes], bytes | None]) -> None:
        """Make one profile of several rows of a person that meet in a batch, where the last alone would not do."""
        for batcher in filter(None, (self.filling, self.later, self.sieve)):
            batcher.join = join

    @property
    def kind_of_job(self) -> str:
        """What Klaviyo makes of its batches, in words."""
        return "import job" if self.suppression is None else "suppression job"

    @property
    def buffered_bytes(self) -> int:
        """Payloads that wait for a batch to be full."""
        return self.filling.payload_bytes + (self.sieve.payload_bytes if self.sieve is not None else 0)

    @property
    def held_bytes(self) -> int:
        """Payloads and records that wait, for whatever it is."""
        held = self.filling.held_bytes + self.later.held_bytes
        return held + (self.sieve.held_bytes if self.sieve is not None else 0)

    @property
    def first(self) -> Batcher:
        """Where rows go first."""
        return self.filling if self.sieve is None else self.sieve

    def holds(self, email: str) -> bool:
        """Whether a row of this person waits to be sent."""
        return (
            self.filling.holds(email) or self.later.holds(email) or (self.sieve is not None and self.sieve.holds(email))
        )

    @property
    def unsent(self) -> Iterator[Row]:
        """Rows that no worker has, a person's oldest first."""
        for batcher in (self.later, self.filling, self.sieve):
            if batcher is not None and batcher.open is not None:
                yield from batcher.open.rows()
        yield from self.stranded

    @property
    def export(self) -> Export:
        """The export that is open; the first opens by itself."""
        if not self.exports or self.exports[-1].closed:
            self.exports.append(Export(len(self.exports) + 1))
        return self.exports[-1]

    def warn(self, *warnings: str) -> None:
        """Note warnings for the report, each once."""
        self.warnings += [warning for warning in warnings if warning not in self.warnings]


def streams_that_lose(lanes: Iterable[Lane], percent: int) -> Iterator[tuple[str, Tally]]:
    """Streams of whose rows, in all segments together, too many are rejected; with the tally of them all."""
    lanes = list(lanes)
    losing = {lane.stream for lane in lanes if lane.tally.rejected}
    for stream in losing:
        tally = total([lane.tally for lane in lanes if lane.stream == stream])
        if tally.too_many_rejected(percent):
            yield stream, tally


@contextmanager
def kept(lane: Lane, rows: Callable[[], Iterable[Row]]) -> Iterator[None]:
    """When the run breaks off here, these rows are in no batch and must not be forgotten."""
    try:
        yield
    except BaseException:
        lane.stranded += rows()
        raise
