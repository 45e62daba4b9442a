"""Carries out, once everything is delivered, what delete markers and `remove` rows asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.export.mirror import Mirror
    from target_klaviyo_segments.export.removal import Removal


class Memory(Protocol):
    """What the ledger knows of people. Each raises `WorkDirError` when it cannot be read."""

    def emails_of_keys(self, list_id: str, stream: str, keys: Sequence[str]) -> dict[str, str]:
        """Record key to e-mail, of those known."""
        ...

    def hand_over(self, list_id: str, streams: Sequence[str], emails: Sequence[str]) -> list[str]:
        """People who left these streams: those whom another stream has on the list too."""
        ...


class Departure:
    """One run's; on the main thread. The `mirror` comes after it."""

    def __init__(self, removal: Removal, memory: Memory, mirror: Mirror) -> None:
        self._removal = removal
        self._memory = memory
        self.mirror = mirror

    def carry_out(self, lane: Lane) -> str | None:
        """Take those off the list who left one stream, but for those whom another stream has there.

        Returns:
            Why rows of the stream failed; None when none did.

        Raises:
            KlaviyoError: Klaviyo does not do it; who was removed before is counted.
            WorkDirError: The ledger cannot be read or written.
        """
        rows = self._by_email(lane)
        if not lane.removes:
            self._leave_to_others(lane, rows)
        refused = 0
        for removed in self._removal.remove(lane.list_id, list(rows)):
            lane.tally.removed += sum(rows[email] for email in (*removed.removed, *removed.not_found))
            lane.tally.failed += sum(rows[email] for email in removed.refused)
            refused += len(removed.refused)
        return f"stream `{lane.stream}`: Klaviyo refuses to take {refused} people off the list" if refused else None

    def _by_email(self, lane: Lane) -> dict[str, int]:
        """Rows of each person; those whose key nobody knows are left out: they were never put on the list by us."""
        rows, keys = dict(lane.leaving.emails), dict(lane.leaving.keys)
        lane.leaving.emails.clear()
        lane.leaving.keys.clear()
        known = self._memory.emails_of_keys(lane.list_id, lane.stream, list(keys)) if keys else {}
        for key, count in keys.items():
            if key in known:
                rows[known[key]] = rows.get(known[key], 0) + count
            else:
                lane.tally.filtered += count
        strangers = len(keys) - len(known)
        if strangers:
            lane.warn(
                f"stream `{lane.stream}`: {strangers} delete markers have a key alone that no delivered person has; "
                "nobody was removed for them"
            )
        return rows

    def _leave_to_others(self, lane: Lane, rows: dict[str, int]) -> None:
        """Whoever is in another segment of the list too stays on it."""
        others = self._memory.hand_over(lane.list_id, [lane.stream], list(rows)) if rows else []
        for email in others:
            lane.tally.filtered += rows.pop(email)
        if others:
            lane.warn(f"stream `{lane.stream}`: {len(others)} people who left it stay, for another stream has them too")
