"""Enters in the ledger what is about to be sent and what became of it, so that a later run can go on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger import fingerprints
from target_klaviyo_segments.segment.picking import picker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_klaviyo_segments.export.lane import Export, KeyReader, Lane
    from target_klaviyo_segments.export.parcel import Parcel
    from target_klaviyo_segments.ledger import Ledger
    from target_klaviyo_segments.segment.batch import Batch, Record

Fate = Literal["delivered", "undelivered", "in_doubt"]
_SECONDS_A_DAY = 86_400
_EXACT = 2.0**53  # whole numbers beyond it are not told apart as floats


class Keeper:
    """One run's pen. After the ledger failed once it writes nothing: the run only winds up, and the next one asks.

    `counts` tells what is written down of the run, stream by stream, along with rows of a lane that have their fate.
    """

    def __init__(
        self,
        ledger: Ledger,
        run_id: str,
        *,
        counts: Callable[[Lane], Mapping[str, Any]],
        now: Callable[[], float],
        resend_after_days: int,
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._counts = counts
        self._now = now
        self._resend_after = resend_after_days * _SECONDS_A_DAY
        self._usable = True

    def note_job(self, export: Export) -> None:
        """An export has a job: the first is its beginning."""
        export.began = self._now() if export.began is None else export.began

    def note_fate(self, export: Export) -> None:
        """Rows of an export have their fate: the last of them are its end."""
        export.ended = self._now()

    def intend(self, lane: Lane, batch: Batch) -> int | None:
        """Write a batch down before it is sent; the number by which the ledger knows it.

        None for people who go to no list: they become nobody's members.

        Raises:
            WorkDirError: The ledger cannot be written; the batch must not be sent.
        """
        if lane.suppression is not None:
            return None
        keys = [None] * len(batch) if lane.keys_of is None else lane.keys_of(batch.records)
        errands = {kind: read(batch) for kind, read in lane.errands.items()}
        marks = () if lane.marks_of is None else lane.marks_of(batch.records, batch.payloads)
        return self._write(  # type: ignore[no-any-return]  # the ledger's
            self._ledger.intend,
            self._run_id,
            stream=lane.name,
            list_id=lane.list_id,
            emails=batch.emails,
            numbers=batch.numbers,
            fingerprints=_prints(batch, errands),
            keys=keys,
            errands=errands,
            marks=marks,
            source=lane.stream,
        )

    def submitted(self, parcel: Parcel, job_id: str, rows: Sequence[int]) -> None:
        """Klaviyo took rows of a batch as a job.

        Raises:
            WorkDirError: The ledger cannot be written.
        """
        if self._usable and parcel.intent is not None:
            self._write(self._ledger.submitted, parcel.intent, job_id, rows)

    def settle(self, parcel: Parcel, rows: Sequence[int], fate: Fate) -> None:
        """Rows of a batch have their fate.

        Raises:
            WorkDirError: The ledger cannot be written.
        """
        if self._usable and rows:
            counts = self._counts(parcel.lane)
            if parcel.intent is None:
                self._write(self._ledger.note_run, self._run_id, counts)
            else:
                self._write(self._ledger.settle, parcel.intent, **{fate: rows}, counts=counts)

    def catch_up(self) -> None:
        """Do what must be done some time, while nothing else is to be done.

        Raises:
            WorkDirError: The ledger cannot be written.
        """
        if self._usable:
            self._write(self._ledger.catch_up)

    def unchanged(self, lane: Lane, batch: Batch) -> set[str]:
        """Who of a batch was delivered to its list by this lane as they are, not too long ago.

        Raises:
            WorkDirError: The ledger cannot be read.
        """
        errands = {kind: read(batch) for kind, read in lane.errands.items()}
        emails, prints = batch.emails, _prints(batch, errands)
        keys = None if lane.keys_of is None else lane.keys_of(batch.records)
        since = self.trusted_since
        columns = emails, prints, keys
        found = self._write(self._ledger.unchanged, lane.list_id, *columns, stream=lane.name, delivered_since=since)
        if lane.marks_of is not None and found:
            marks = lane.marks_of([batch.records[row] for row in found], [batch.payloads[row] for row in found])
            fields = [gives for gives, _ in marks]
            self._write(self._ledger.given.note, lane.name, lane.list_id, [emails[row] for row in found], fields)
        for kind, bodies in errands.items():
            declined = [emails[row] for row in found if bodies[row] is None]
            if declined:
                self._write(self._ledger.errands.decline, kind, lane.name, lane.list_id, declined, lane.stream)
        return {emails[position] for position in found}

    @property
    def trusted_since(self) -> float:
        """Who was delivered before is sent again, whatever Klaviyo was given; seconds since the epoch."""
        return self._now() - self._resend_after

    def _write(self, entry: Callable[..., Any], *arguments: Any, **columns: Any) -> Any:  # noqa: ANN401  # any entry's
        try:
            return entry(*arguments, **columns)
        except WorkDirError:
            self._usable = False
            raise


def prints_of(lane: Lane, batch: Batch) -> list[int]:
    """Fingerprints of the rows of a batch that goes to a list."""
    return _prints(batch, {kind: read(batch) for kind, read in lane.errands.items()})


def _prints(batch: Batch, errands: Mapping[str, Sequence[bytes | None]]) -> list[int]:
    """Fingerprints of the rows: who has an errand is not unchanged when only the errand is another."""
    rows = batch.payloads
    for kind, bodies in errands.items():
        mark = f"\n{kind} ".encode()
        rows = [row if body is None else row + mark + body for row, body in zip(rows, bodies, strict=True)]
    return fingerprints(rows)


def key_reader(names: Sequence[str]) -> KeyReader:
    """What reads the key of each record: its values as compact JSON; None when one of them is missing or null.

    A whole number is one key however it is spelled: taps print a decimal as 7.00 in a copy and as 7 from a log.
    """
    pick = picker(names)

    def key_of(record: Record) -> str | None:
        values = pick(record)
        if values is None or None in values:
            return None
        if len(values) == 1 and type(values[0]) is int:  # nearly always, and every row has to pay
            return f"[{values[0]}]"
        return msgspec.json.encode([_whole(value) if type(value) is float else value for value in values]).decode()

    return lambda records: list(map(key_of, records))


def _whole(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value
