"""Who leaves a list: told by rows while they come, carried out once everything is delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.export import bygone, strays
from target_klaviyo_segments.export.bygone import warn_of_bygone
from target_klaviyo_segments.export.lane import streams_that_lose
from target_klaviyo_segments.export.leaving import Leaving
from target_klaviyo_segments.export.removal import still_there
from target_klaviyo_segments.export.strays import find_strays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.leaving import Store
    from target_klaviyo_segments.export.mirror import Mirror
    from target_klaviyo_segments.export.removal import Removal
    from target_klaviyo_segments.segment.batch import Record


class Memory(strays.Memory, bygone.Memory, Protocol):
    """What the ledger knows of people. Each raises `WorkDirError` when it cannot be read."""

    @property
    def leaving(self) -> Store:
        """Where those wait who are to leave, beyond some thousand."""
        ...

    def emails_of_keys(self, list_id: str, stream: str, keys: Sequence[str]) -> dict[str, list[str]]:
        """Record key to e-mails, of those known; the last in front."""
        ...

    def hand_over(self, list_id: str, streams: Sequence[str], emails: Sequence[str]) -> list[str]:
        """People who left these streams: those whom another stream has on the list too."""
        ...


class Departure:
    """One run's; on the main thread. The `mirror` comes after what rows asked for."""

    def __init__(self, removal: Removal, memory: Memory, mirror: Mirror) -> None:
        self._removal = removal
        self._memory = memory
        self._mirror = mirror

    def leaving(self, name: str) -> Leaving:
        """For those who are to leave a stream, or segment of it."""
        return Leaving(name, self._memory.leaving)

    def watches(self, list_id: str) -> bool:
        """Whether it must be told of everybody who goes to a list; to be asked before anybody goes."""
        return self._mirror.watches(list_id)

    def see(self, lane: Lane, emails: Sequence[str]) -> None:
        """These people are in the segment, whatever becomes of their rows."""
        if lane.watched:
            self._mirror.see(lane.list_id, emails)

    def stay(self, lane: Lane, emails: Sequence[str], records: Sequence[Record]) -> None:
        """People who are in the segment, also those who had left before."""
        self.see(lane, emails)
        if lane.aside is not None and lane.aside.leaving:
            lane.aside.leaving.seen_in(lane.name, emails, lane.keys_of(records) if lane.keys_of is not None else ())
        if lane.leaving:
            keys = lane.keys_of(records) if lane.keys_of is not None and lane.leaving.keys else ()
            lane.tally.merged += lane.leaving.come_back(emails, keys)

    def leave(self, lane: Lane, email: str | None, record: Record) -> bool:
        """A row says that somebody leaves, unless they come back before the end; False when it cannot be told who."""
        return lane.leaving.leave(email, lane.key_of(record))

    def mirror(self, lanes: Iterable[Lane], check: Callable[[], None], *, by_itself: bool) -> Iterator[str]:
        """Take off who left the mirrored segments; why not, a sentence for each list where it is refused.

        `check` is called between requests; what it raises ends the mirror there.

        Raises:
            KlaviyoError: Klaviyo does not do it; who was removed before is counted.
            WorkDirError: The ledger cannot be read or written.
        """
        lanes = list(lanes)
        for stream, tally in streams_that_lose(lanes, self._mirror.limits.max_rejected_percent):
            for lane in lanes:
                if lane.stream == stream and lane.aside is not None and lane.completeness is not None:
                    lane.completeness.spoil(f"{tally.rejected} of {tally.read} rows of `{stream}` were rejected")
        yield from self._mirror.carry_out(lanes, check, by_itself=by_itself)
        warn_of_bygone(self._memory, lanes)

    def find_strays(self, lanes: Mapping[str, Lane], open_lane: Callable[..., Lane]) -> None:
        """Let who leaves a stream of several segments leave those of them where the ledger has them.

        Raises:
            WorkDirError: The ledger cannot be read.
        """
        find_strays(self._memory, lanes, open_lane)

    def carry_out(self, lane: Lane) -> str | None:
        """Take those off the list who left one stream, but for those whom another stream has there.

        Returns:
            Why rows of the stream failed; None when none did.

        Raises:
            KlaviyoError: Klaviyo does not do it; who was removed before is counted.
            WorkDirError: The ledger cannot be read or written.
        """
        if lane.make_list is not None or lane.routed:
            self._leave_nothing(lane)
            return None
        self._name_by_email(lane)
        stayed = refused = 0
        for rows in lane.leaving.emails.pages():
            others = [] if lane.removes else self._memory.hand_over(lane.list_id, [lane.name], list(rows))
            lane.tally.filtered += sum(rows.pop(email) for email in others)
            stayed += len(others)
            refused += self._take_off(lane, rows)
        lane.leaving.forget()
        if stayed:  # whoever is in another segment of the list too
            lane.warn(f"stream `{lane.name}`: {stayed} people who left it stay, for another stream has them too")
        return still_there(lane.name, refused) if refused else None

    def _take_off(self, lane: Lane, rows: Mapping[str, int]) -> int:
        """How many of these people Klaviyo refuses to take off."""
        refused = 0
        for removed in self._removal.remove(lane.list_id, list(rows)):
            lane.tally.removed += sum(rows[email] for email in (*removed.removed, *removed.not_found))
            lane.tally.failed += sum(rows[email] for email in removed.refused)
            refused += len(removed.refused)
        return refused

    @staticmethod
    def _leave_nothing(lane: Lane) -> None:
        """Nobody is on a list that was never made, nor in a segment that the ledger does not know."""
        strangers = lane.leaving.forget()
        lane.tally.filtered += strangers
        if strangers and lane.routed:
            lane.warn(
                f"stream `{lane.stream}`: {strangers} rows take off people who are in no segment of it, by the ledger; "
                "nobody was removed for them"
            )

    def _name_by_email(self, lane: Lane) -> None:
        """Whoever leaves by a key; those whose key nobody knows are left out: they were never put on the list by us."""
        strangers = 0
        for rows in lane.leaving.keys.pages():
            known = self._memory.emails_of_keys(lane.list_id, lane.name, list(rows))
            for key, count in rows.items():
                for place, email in enumerate(known.get(key, ())):  # who had the key before leaves with the last
                    lane.leaving.emails.add(email, 0 if place else count)
            lane.tally.filtered += sum(rows[key] for key in rows.keys() - known.keys())
            strangers += sum(rows[key] > 0 for key in rows.keys() - known.keys())
        if strangers:
            lane.warn(
                f"stream `{lane.name}`: {strangers} delete markers have a key alone that no delivered person has; "
                "nobody was removed for them"
            )
