"""A parcel becomes jobs: bad rows out, the rest again, until all are in a job or refused. Runs in workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import BodyRefused, KlaviyoError, RowsRefused, TargetError, may_be_done
from target_klaviyo_segments.export.events import Event, Refused, Shipped, Submitted

if TYPE_CHECKING:
    from threading import Event as Flag

    from target_klaviyo_segments.export.parcel import Parcel

# When so many rows, each sent alone, are refused and none of the run was taken, Klaviyo does not refuse the rows.
HOPELESS_AFTER = 20


class Shipment:
    """One parcel under way. All-or-nothing refusals are undone by sending less, never by losing a good row."""

    def __init__(
        self, submit: Callable[[Sequence[bytes]], str], parcel: Parcel, post: Callable[[Event], None], taken: Flag
    ) -> None:
        """Take what begins a job for encoded profiles and gives its id; `taken` is set once the run has begun one."""
        self._submit_all = submit
        self._parcel = parcel
        self._post = post
        self._parts: deque[Sequence[int]] = deque([range(len(parcel))])
        self._taken = taken
        self._alone: dict[int, BodyRefused] = {}  # rows refused by themselves while nothing of the run was taken

    def run(self) -> None:
        """Submit all parts; the last event posted is `Shipped`."""
        error: TargetError | None = None
        try:
            self._parcel.pack()
            while self._parts:
                self._submit(self._parts[0])
                self._parts.popleft()
            self._give_up_alone(most=1)
        except TargetError as stopped:
            error = stopped
        in_doubt = self._parts.popleft() if may_be_done(error) else ()
        unsent = sorted(self._alone.keys() | {row for part in self._parts for row in part})
        self._parcel.sent()
        self._post(Shipped(self._parcel.identity, unsent, error, in_doubt))

    def _submit(self, part: Sequence[int]) -> None:
        payloads = self._parcel.payloads
        try:
            job_id = self._submit_all([payloads[row] for row in part])
        except RowsRefused as refusal:
            self._without(part, refusal)
        except BodyRefused as refusal:
            self._halve(part, refusal)
        else:
            self._taken.set()
            self._post(Submitted(self._parcel.identity, job_id, part))

    def _without(self, part: Sequence[int], refusal: RowsRefused) -> None:
        named = {part[position]: why for position, why in refusal.rows.items() if 0 <= position < len(part)}
        if not named:
            raise KlaviyoError(f"{refusal}; the rows that it names were not in the request")
        for row, why in named.items():
            self._post(Refused(self._parcel.identity, row, why))
        rest = [row for row in part if row not in named]
        if rest:
            self._parts.append(rest)

    def _halve(self, part: Sequence[int], refusal: BodyRefused) -> None:
        if len(part) > 1:
            middle = len(part) // 2
            self._parts.extend((part[:middle], part[middle:]))
            return
        self._alone[part[0]] = refusal
        self._give_up_alone(most=HOPELESS_AFTER - 1)

    def _give_up_alone(self, most: int) -> None:
        """Rows that were refused by themselves are to blame when others were taken; else when they are no more."""
        if len(self._alone) > most and not self._taken.is_set():
            raise next(reversed(self._alone.values()))
        if self._taken.is_set() or not self._parts:
            for row, refusal in self._alone.items():
                self._post(Refused(self._parcel.identity, row, refusal.rejection))
            self._alone = {}
