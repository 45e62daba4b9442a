"""The connection: transactions, statements over many rows, and SQLite's errors told in words.

The sqlite3 module lets go of the interpreter at every step of a statement. Beside a busy thread each step may wait
for milliseconds, so a batch is a few statements of a thousand rows, and an answer of many rows is one row of JSON.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.ledger.faults import is_damage, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# Rows of one statement. Only these sizes, so that few prepared statements are kept.
_SIZES = (1000, 100, 10, 1)
_CACHED_STATEMENTS = 64


def connect(path: Path, *, nameless: bool = False) -> sqlite3.Connection:
    """Open a SQLite file as the ledger uses it: a commit that returned survives a loss of power.

    A `nameless` one is empty, lies where the temporary files of `path` do, and is gone when it is closed or we die.
    https://www.sqlite.org/inmemorydb.html#temp_db

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    file = "" if nameless else path
    connection = sqlite3.connect(file, timeout=10.0, isolation_level=None, cached_statements=_CACHED_STATEMENTS)
    try:
        for pragma in (
            "synchronous = FULL",
            "cache_size = -4000",
            "journal_size_limit = 33554432",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")
        _sort_beside(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _sort_beside(connection: sqlite3.Connection, path: Path) -> None:
    """Temporary tables and large sorts hold e-mails: on the disk of the ledger, not in the system's folder or memory.

    The pragma is old and for the whole process, and a library may lack it: then they go where the system has them.
    https://www.sqlite.org/pragma.html#pragma_temp_store_directory
    """
    folder = str(path.parent.absolute()).replace("'", "''")
    with suppress(sqlite3.Error, UnicodeError):
        connection.execute("PRAGMA temp_store = FILE")
        connection.execute(f"PRAGMA temp_store_directory = '{folder}'")


class Database:
    """One connection, one thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self.damaged = False  # the next run must look at the file before it trusts it

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; kept, once this returns, whatever happens to the machine.

        Raises:
            WorkDirError: The ledger cannot be read or written.
        """
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    def run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute one statement that answers nothing, or little.

        Raises:
            WorkDirError: The ledger cannot be read or written.
        """
        with self._errors_told():
            return self._connection.execute(sql, values)

    def row(self, sql: str, values: Sequence[Any] = ()) -> Any:  # noqa: ANN401  # a row's types are the statement's
        """The one row of an answer, or None.

        Raises:
            WorkDirError: The ledger cannot be read.
        """
        with self._errors_told():
            return self._connection.execute(sql, values).fetchone()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of an answer that is known to be short.

        Raises:
            WorkDirError: The ledger cannot be read.
        """
        with self._errors_told():
            return self._connection.execute(sql, values).fetchall()

    def array(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """An answer that is one JSON array.

        Raises:
            WorkDirError: The ledger cannot be read.
        """
        with self.reading():
            found: list[Any] = json.loads(self.row(sql, values)[0])
            return found

    def over(self, sql: str, *columns: Iterable[Any], size: int, tail: Sequence[Any] = ()) -> Iterator[sqlite3.Cursor]:
        """Execute a statement over many rows of values; `{values}` in it becomes a VALUES list, `tail` follows.

        Yields:
            The answer to each part, at most a thousand rows long.

        Raises:
            WorkDirError: The ledger cannot be read or written.
        """
        width, cells = len(columns), chain.from_iterable(zip(*columns, strict=True))
        for rows in _parts(size):
            yield self.run(_statement(sql, width, rows), [*islice(cells, rows * width), *tail])

    def write_over(self, sql: str, *columns: Iterable[Any], size: int, tail: Sequence[Any] = ()) -> None:
        """Like `over`, for statements that answer nothing.

        Raises:
            WorkDirError: The ledger cannot be written.
        """
        for _ in self.over(sql, *columns, size=size, tail=tail):
            pass

    def arrays_over(self, sql: str, *columns: Iterable[Any], size: int, tail: Sequence[Any] = ()) -> list[Any]:
        """Like `over`, for statements that answer one JSON array: all of them in one list.

        Raises:
            WorkDirError: The ledger cannot be read.
        """
        found: list[Any] = []
        for cursor in self.over(sql, *columns, size=size, tail=tail):
            with self._errors_told(), self.reading():
                found += json.loads(cursor.fetchone()[0])
        return found

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What was stored is taken apart: if it is not what was once put there, the file is damaged.

        Raises:
            WorkDirError: It is not.
        """
        try:
            yield
        except (ValueError, TypeError, LookupError) as error:
            self.damaged = True
            raise told(sqlite3.DatabaseError(f"malformed row: {type(error).__name__}"), self._path) from None

    @contextmanager
    def _errors_told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:  # a mistake of ours, such as a call after `close`
            raise
        except sqlite3.DatabaseError as error:
            self.damaged = self.damaged or is_damage(error)
            raise told(error, self._path) from None


def _parts(size: int) -> Iterator[int]:
    for part in _SIZES:
        while size >= part:
            yield part
            size -= part


@lru_cache(maxsize=_CACHED_STATEMENTS)
def _statement(sql: str, width: int, rows: int) -> str:
    one = f"({','.join('?' * width)})"
    return sql.replace("{values}", f"VALUES {','.join([one] * rows)}")
