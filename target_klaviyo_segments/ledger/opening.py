"""From a path to a ledger that can be trusted: ours, of a version we know, whole; or a new one."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger.database import connect
from target_klaviyo_segments.ledger.faults import is_damage, is_malformed, not_migrated, not_usable, told
from target_klaviyo_segments.ledger.schema import APPLICATION_ID, STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from target_klaviyo_segments.ledger.lock import Lock

# UPDATE FROM came with it; JSON, UPSERT and long VALUES lists are older.
OLDEST_SQLITE = (3, 33)
# Looking a ledger over takes about 2 s for 100 MB, a million people. Beyond this only its tables are read.
LOOKED_OVER_BYTES = 1_000_000_000
_MAGIC = b"SQLite format 3\0"
LOST = (
    "What it knew is not used: unchanged people are sent again, nobody counts as put on a list by earlier runs, "
    "and open jobs of a crashed run are not asked about"
)


class Damaged(sqlite3.DatabaseError):
    """The file is ours and wrong. The text says how."""


def open_file(
    path: Path,
    lock: Lock,
    *,
    now: float,
    warn: Callable[[str], None],
    steps: Sequence[str] = STEPS,
    oldest: tuple[int, ...] = OLDEST_SQLITE,
) -> sqlite3.Connection:
    """Open the ledger, make it, migrate it, or set a damaged one aside and begin anew.

    Raises:
        WorkDirError: It is not ours, of a newer version, or the disk refuses.
    """
    if sqlite3.sqlite_version_info < oldest:
        raise WorkDirError(
            f"SQLite {sqlite3.sqlite_version} is too old for the ledger: 3.33 or newer is needed. Use a newer Python"
        )
    try:
        try:
            check_header(path, len(steps), ours_before=lock.has_history)
            return _open(path, steps, look_over=not lock.was_closed)
        except Damaged as error:
            aside = set_aside(path, now)
            warn(f"the ledger {path} is damaged ({error}): set aside as {aside.name}, a new one is begun. {LOST}")
            return _open(path, steps, look_over=False)
    except OSError as error:
        raise not_usable(path, error) from None
    except sqlite3.Error as error:
        raise told(error, path) from None


def set_aside(path: Path, now: float) -> Path:
    """Rename the file and what SQLite keeps beside it; to its new path.

    Raises:
        OSError: They cannot be renamed.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    aside, count = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}"), 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.stem}-damaged-{stamp}-{count}{path.suffix}")
    for ending in ("-wal", "-shm", ""):
        source = path.with_name(path.name + ending)
        if source.exists():
            source.rename(aside.with_name(aside.name + ending))
    return aside


def check_header(path: Path, newest: int, *, ours_before: bool) -> None:
    """Read the header ourselves: SQLite would already write beside a file that is not ours.

    Raises:
        WorkDirError: It is not ours, or of a newer version.
        Damaged: It was ours before.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise WorkDirError(f"{path} is not a plain file. Move it away, or set `work_dir` to another folder")
    header = _head(path)
    if not header:
        return
    ours = int.from_bytes(header[68:72], "big") == APPLICATION_ID
    if header[:16] != _MAGIC and (ours or ours_before):
        raise Damaged("its first bytes are not SQLite's")
    if not ours or header[:16] != _MAGIC:
        raise WorkDirError(
            f"{path} is not a ledger of this program and was left as it is. Move it away, "
            "or set `work_dir` to another folder"
        )
    version = int.from_bytes(header[60:64], "big")
    if version > newest:
        raise _newer(path, version, newest)


def _head(path: Path) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        return file.read(100)


def _open(path: Path, steps: Sequence[str], *, look_over: bool) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    connection: sqlite3.Connection | None = None
    try:
        connection = connect(path)
        make_ready(connection, path, steps, look_over=look_over)
        # Only now: a new file has our mark in itself, and not in a log beside it that may be lost.
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise Damaged(str(error)) from None
        raise
    return connection


def make_ready(connection: sqlite3.Connection, path: Path, steps: Sequence[str], *, look_over: bool) -> None:
    """Bring what the file at `path` holds up to date, once it is known to be whole.

    Raises:
        WorkDirError: It is of a newer version, or cannot be brought up to date.
        Damaged, sqlite3.Error: It is not whole, or the disk refuses.
    """
    version = _known_version(connection, path, len(steps))
    check_tables(connection)
    if look_over and path.stat().st_size <= LOOKED_OVER_BYTES:
        _look_over(connection)
    _migrate(connection, path, version, steps)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _known_version(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    version = _version(connection)
    if version > newest:
        raise _newer(path, version, newest)
    return version


def check_tables(connection: sqlite3.Connection) -> None:
    """Read a row of every table.

    Raises:
        Damaged: There is no version.
        sqlite3.Error: A table cannot be read.
    """
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    if tables and not _version(connection):
        raise Damaged("it has no version")
    for (table,) in tables:
        connection.execute(f'SELECT * FROM "{table}" LIMIT 1').fetchone()  # noqa: S608  # names from the schema


def _look_over(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Damaged(verdict)


def _migrate(connection: sqlite3.Connection, path: Path, version: int, steps: Sequence[str]) -> None:
    """Take the steps that are missing, all of them or none: what was there before stays if one fails."""
    if version == len(steps):
        return
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; "
            f"{'; '.join(steps[version:])}; PRAGMA user_version = {len(steps)}; COMMIT;"
        )
    except sqlite3.Error as error:  # closing the connection undoes it
        if version and not is_malformed(error):
            raise not_migrated(error, path, version, len(steps)) from None
        raise


def _newer(path: Path, version: int, newest: int) -> WorkDirError:
    return WorkDirError(
        f"the ledger {path} has version {version}, and this program knows up to {newest}: a newer release wrote it. "
        "It was left as it is. Install that release again, or set `work_dir` to another folder"
    )
