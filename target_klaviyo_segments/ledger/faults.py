"""What SQLite and the file system say, in words: what happened, what was kept, what to do."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import WorkDirError

if TYPE_CHECKING:
    from pathlib import Path

_KEPT = "What was settled before is kept; what was under way is asked about by the next run"
_REPORT = "Report this with the version of the program"
# Part of SQLite's message to what happened and what to do; the first that fits.
_WORDS = (
    ("disk is full", "the disk is full", "Make room and run again"),
    ("readonly", "it is read-only", "Make the file and its folder writable, or set `work_dir` to another folder"),
    ("unable to open", "it cannot be opened", "Make the file and its folder writable and see that the disk has room"),
    ("disk i/o error", "the disk reported an error", "See that the disk has room and works, then run again"),
    ("locked", "another program is using it", "End that program (a database browser, a backup) and run again"),
    ("out of memory", "there is not enough memory", "Run again with more memory"),
    ("string or blob too big", "a value is larger than SQLite takes", _REPORT),
)


def told(error: sqlite3.Error, path: Path) -> WorkDirError:
    """The error that the user sees."""
    if is_damage(error):
        return WorkDirError(
            f"the ledger {path} is damaged ({error}). Nothing more was written to it. Run again: "
            "the next run sets it aside and begins a new one"
        )
    for part, happened, advice in _WORDS:
        if part in str(error).lower():
            return WorkDirError(f"the ledger {path} cannot be used: {happened} ({error}). {_KEPT}. {advice}")
    return WorkDirError(f"the ledger {path} cannot be used: {error}. {_KEPT}. {_REPORT}")


def is_malformed(error: sqlite3.Error) -> bool:
    """Whether SQLite itself calls the file broken."""
    text = str(error).lower()
    return "malformed" in text or "not a database" in text or "corrupt" in text


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is wrong, rather than the disk or the moment."""
    if is_malformed(error):
        return True
    if any(part in str(error).lower() for part, _, _ in _WORDS):
        return False
    return isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError | sqlite3.DataError) or (
        type(error) is sqlite3.DatabaseError
    )


def not_migrated(error: sqlite3.Error, path: Path, version: int, newest: int) -> WorkDirError:
    """A ledger of an older release cannot be brought up to date. It is as good as it was."""
    advice = next((f"{happened}. {do}" for part, happened, do in _WORDS if part in str(error).lower()), None)
    return WorkDirError(
        f"the ledger {path} of an older release (version {version}) cannot be brought to version {newest}: "
        f"{advice or _REPORT} ({error}). It was left as it was, with all that "
        "it knows, and nothing was sent; the older release can still use it"
    )


def not_usable(path: Path, error: OSError) -> WorkDirError:
    """The file system refused before SQLite was asked."""
    return WorkDirError(
        f"the ledger {path} cannot be used: {error.strerror}. Nothing was read or sent; "
        "make the folder writable or set `work_dir` to another folder"
    )
