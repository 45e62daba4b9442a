"""Numbers, times and states as a person reads them. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_MINUTE, _HOUR = 60, 3600


class Status(NamedTuple):
    """A run's status: never told by colour alone."""

    word: str
    mark: str
    tone: str


STATUSES = {
    "successful": Status("Successful", "✓", "good"),
    "failed": Status("Failed", "✕", "bad"),
    "canceled": Status("Stopped", "■", "warn"),
    "skipped": Status("Not run", "○", "quiet"),
}

# Of a dry run: what becomes of a run like it.
FORETOLD = {
    "successful": Status("Would succeed", "✓", "good"),
    "failed": Status("Would fail", "✕", "bad"),
    "canceled": Status("Dry run stopped", "■", "warn"),
}

FATE_MEANINGS = {
    "delivered": "Klaviyo's job has ended and names no error for the row",
    "unchanged": "Klaviyo has the person exactly so; not sent again",
    "merged": "a later row was of the same person",
    "filtered": "left out by a stream map, by `segments`, or a delete marker that removes nobody",
    "removed": "asked for its person to leave the list, who is off it",
    "rejected": "refused for a reason of the row's own; kept in the rejects file",
    "failed": "not delivered, because the run broke off or a job was lost",
}


# What a stream without a list asks for, by its `sync_mode`: of people of whom it was done.
SUPPRESSIONS = {"suppress": "suppressed for e-mail marketing", "unsuppress": "suppressed no longer"}


def suppression_told(outcome: Mapping[str, Any], *, dry_run: bool = False) -> str:
    """What came of a stream whose people are to be suppressed, or no longer; of a dry run, what would come of it."""
    done = f"{plural(outcome['people'], 'row')} of people {'to be ' if dry_run else ''}{SUPPRESSIONS[outcome['mode']]}"
    skipped = outcome["skipped"]
    return f"{done}, of whom Klaviyo skipped {count(skipped)}" if skipped else done


def status_of(name: str, *, dry_run: bool = False) -> Status:
    """How a status is shown, also one that is not known here."""
    known = (FORETOLD.get(name) if dry_run else None) or STATUSES.get(name)
    return known or Status(name.capitalize().replace("_", " "), "?", "quiet")


def count(number: int) -> str:
    """Thousands apart: 12,345."""
    return f"{number:,}"


def known(number: int | None) -> str:
    """A count that nobody may have."""
    return "unknown" if number is None else count(number)


def plural(number: int, noun: str) -> str:
    """1 list, 2 lists."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def opt_in(process: str | None) -> str:
    """How people opt in to a list: single opt-in, double opt-in."""
    return (process or "unknown").replace("_opt_in", " opt-in")


def share(part: int, whole: int) -> str:
    """Percent that never rounds something to nothing, nor less than everything to all."""
    if not part or not whole:
        return "0%"
    if part == whole:
        return "100%"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f}%"


def duration(seconds: float | None) -> str:
    """0.42 s, 34.2 s, 2 min, 2 min 5 s, 1 h 3 min."""
    if seconds is None:
        return "unknown"
    if seconds < 1:
        return f"{max(seconds, 0):.2f} s"
    if seconds < _MINUTE - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    large, small, names = (_MINUTE, 1, ("min", "s")) if whole < _HOUR else (_HOUR, _MINUTE, ("h", "min"))
    rest = whole % large // small
    return f"{whole // large} {names[0]}" + (f" {rest} {names[1]}" if rest else "")


def moment(iso: str | None) -> str:
    """2026-11-25 14:05:09 UTC."""
    found = at(iso)
    return f"{found:%Y-%m-%d %H:%M:%S} UTC" if found else "unknown"


def at(iso: str | None) -> datetime | None:
    """A time of the document."""
    return datetime.fromisoformat(iso).astimezone(timezone.utc) if iso else None
