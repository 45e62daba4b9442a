"""Rows as a stream gives them, into the export: added, refused, or told to leave. Numbers the rows of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.export.lane import kept
from target_klaviyo_segments.segment.batch import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.export.checkpoint import Checkpoint
    from target_klaviyo_segments.export.departure import Departure
    from target_klaviyo_segments.export.filling import Filler
    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.settling import Books
    from target_klaviyo_segments.segment.batch import Columns, Record


class Intake:
    """One run's; on the main thread."""

    def __init__(self, filler: Filler, departure: Departure, books: Books, checkpoint: Checkpoint) -> None:
        self._filler = filler
        self._departure = departure
        self._books = books
        self._checkpoint = checkpoint
        self.sequence = 0  # rows read so far, of all streams

    def add(self, lane: Lane, number: int, email: str, payload: bytes, record: Record) -> None:
        """Take a row that passed the checks; `record` is its line of JSON. Waits while too much is under way.

        Raises:
            TargetError: The run cannot go on, or reached a limit of the settings.
        """
        row = Row(number, email, payload, record)
        if lane.make_list is not None:
            with kept(lane, lambda: [row]):
                self._open(lane, lane.make_list)
        self._departure.stay(lane, [email], [record])
        self._filler.add(lane, row, self.sequence)

    def add_many(self, lane: Lane, rows: Columns) -> None:
        """Read and take rows that passed the checks.

        Raises:
            TargetError: The run cannot go on, or reached a limit of the settings.
        """
        count = len(rows.emails)
        sequence = self.sequence + 1
        lane.tally.read += count
        self.sequence += count
        if lane.make_list is not None and count:
            with kept(lane, rows.rows):
                self._open(lane, lane.make_list)
        self._departure.stay(lane, rows.emails, rows.records)
        self._filler.add_many(lane, rows, sequence)

    def leave(self, lane: Lane, number: int, email: str | None, record: Record) -> None:
        """Take a row whose person is to leave the list at the end, unless they come back before.

        Raises:
            WorkDirError: It cannot be told who, and the rejects file cannot be written.
        """
        if self._departure.leave(lane, email, record):
            self._checkpoint.hold((lane.name, "leaving"), self.sequence)
        else:
            why = Rejection("delete_marker_of_nobody", "the delete marker has neither an e-mail address nor a key")
            self.reject(lane, number, why, bytes(record))

    def leave_many(self, lane: Lane, emails: Sequence[str], records: Sequence[Record]) -> None:
        """Read and take rows whose people are to leave the list.

        Raises:
            WorkDirError: The rejects file cannot be written.
        """
        for email, record in zip(emails, records, strict=True):
            lane.tally.read += 1
            self.sequence += 1
            self.leave(lane, lane.tally.read, email, record)

    def reject(self, lane: Lane, number: int, rejection: Rejection, record: bytes, email: object = None) -> None:
        """Refuse a row that did not pass the checks; its person, if it can be told who, is in the segment all the same.

        Raises:
            WorkDirError: The rejects file cannot be written.
        """
        if isinstance(email, str):
            self._departure.see(lane, [email])
        self._books.reject_unsent(lane, number, rejection, record)

    def _open(self, lane: Lane, make_list: Callable[[], str]) -> None:
        """The first row is to go to a list that is not there yet."""
        lane.list_id, lane.make_list = make_list(), None
        lane.watched = self._departure.watches(lane.list_id)
