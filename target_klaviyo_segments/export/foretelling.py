"""A dry run's pen: it writes what any run's does, into a copy of the ledger, and foretells what becomes of people."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.export.keeper import Keeper, prints_of
from target_klaviyo_segments.export.rejects import Rejects
from target_klaviyo_segments.segment.outline import outline

if TYPE_CHECKING:
    from target_klaviyo_segments.errors import Rejection
    from target_klaviyo_segments.export.lane import Export, Lane
    from target_klaviyo_segments.ledger import Copy
    from target_klaviyo_segments.segment.batch import Batch

# Profiles of each stream that are shown, without their values.
SHOWN = 3


class Unkept(Rejects):
    """Rows that a dry run did not come to: the next run reads them anyway."""

    def write(self, lane: Lane, number: int, rejection: Rejection, record: bytes) -> None:
        """Nothing."""


class Foretelling(Keeper):
    """`sample` has outlines of the first profiles of each stream."""

    def __init__(self, copy: Copy, run_id: str, *, sample: dict[str, list[dict[str, Any]]], **pen: Any) -> None:  # noqa: ANN401  # a keeper's
        super().__init__(copy, run_id, **pen)
        self._copy = copy
        self._sample = sample

    def note_job(self, export: Export) -> None:
        """Nothing: no job begins."""

    def note_fate(self, export: Export) -> None:
        """Nothing: how soon it was foretold tells nothing of a run."""

    def intend(self, lane: Lane, batch: Batch) -> int | None:
        """As any run, and people who go to a list are compared with what the ledger has of them.

        Raises:
            WorkDirError: The copy cannot be written.
        """
        if lane.suppression is None:
            self._foretell(lane, batch)
        return super().intend(lane, batch)

    def unchanged(self, lane: Lane, batch: Batch) -> set[str]:
        """As any run; also who is left out is compared.

        Raises:
            WorkDirError: The copy cannot be read or written.
        """
        self._foretell(lane, batch)
        return super().unchanged(lane, batch)

    def _foretell(self, lane: Lane, batch: Batch) -> None:
        if lane.name not in self._sample:
            self._sample[lane.name] = list(map(outline, islice(batch.payloads, SHOWN)))
        keys = None if lane.keys_of is None else lane.keys_of(batch.records)
        columns = batch.emails, prints_of(lane, batch), keys
        times = {"since": self.trusted_since, "until": self._now()}
        self._write(self._copy.foretold.note, lane.name, lane.list_id, *columns, **times)
