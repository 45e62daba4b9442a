"""A look at a ledger that changes nothing: not the file, not its lock, and no run that has it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from target_klaviyo_segments.ledger.faults import not_usable, told
from target_klaviyo_segments.ledger.lock import CLOSED
from target_klaviyo_segments.ledger.opening import Damaged, check_header, check_tables
from target_klaviyo_segments.ledger.schema import STEPS

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Glance:
    """`lists`: those that anybody was ever put on. `holder`: the run that has it, by its lock. `last`: a status."""

    lists: tuple[str, ...]
    runs: int
    members: int
    unfinished: int
    last: str | None
    holder: str | None


def glance(path: Path) -> Glance | None:
    """What is in a ledger; None when there is none yet.

    Raises:
        WorkDirError: It is not ours, of a newer version, damaged, or cannot be read.
    """
    try:
        if not path.exists() and not path.is_symlink():
            return None
        check_header(path, len(STEPS), ours_before=path.with_suffix(".lock").exists())
        return _read(path, holder_of(path))
    except Damaged as error:
        raise told(sqlite3.DatabaseError(f"malformed: {error}"), path) from None
    except sqlite3.Error as error:
        raise told(error, path) from None
    except OSError as error:
        raise not_usable(path, error) from None


def look_into(path: Path) -> sqlite3.Connection:
    """Open a ledger to read it.

    Without a log beside it, a file that nobody writes is read as it is: SQLite then makes no file of its own.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    still = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro{still}", uri=True, timeout=10.0)


def _read(path: Path, holder: str | None) -> Glance:
    connection = look_into(path)
    try:
        check_tables(connection)
        runs, last = connection.execute(
            "SELECT count(*), (SELECT coalesce(status, 'not ended') FROM runs ORDER BY n DESC LIMIT 1) FROM runs"
        ).fetchone()
        lists = tuple(list_id for (list_id,) in connection.execute("SELECT list_id FROM lists ORDER BY n"))
        (members,) = connection.execute("SELECT count(*) FROM members").fetchone()
        (unfinished,) = connection.execute("SELECT count(*) FROM intents WHERE closed IS NULL").fetchone()
    finally:
        connection.close()
    return Glance(lists, runs, members, unfinished, last, holder)


def holder_of(path: Path) -> str | None:
    """Who has the lock of a ledger. Where its text says nobody, it is not touched: a run might just be taking it.

    Raises:
        OSError: It cannot be read.
    """
    lock = path.with_suffix(".lock")
    try:
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        text = os.pread(file, 400, 0).decode(errors="replace").strip()
        if not text or CLOSED in text:
            return None
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return text
    finally:
        os.close(file)
    return None
