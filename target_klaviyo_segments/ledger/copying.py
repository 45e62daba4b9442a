"""A copy of the ledger to try things on: it knows what the ledger knows, and nothing of it is ever kept."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from target_klaviyo_segments.ledger.bounds import Bounds
from target_klaviyo_segments.ledger.database import Database, connect
from target_klaviyo_segments.ledger.faults import is_damage, not_usable, told
from target_klaviyo_segments.ledger.foretold import Foretold
from target_klaviyo_segments.ledger.ledger import Ledger
from target_klaviyo_segments.ledger.lock import CLOSED, in_use
from target_klaviyo_segments.ledger.looking import holder_of, look_into
from target_klaviyo_segments.ledger.opening import LOST, Damaged, check_header, make_ready
from target_klaviyo_segments.ledger.schema import STEPS
from target_klaviyo_segments.ledger.spans import without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class Copy(Ledger):
    """Made by `of`, and gone when it is closed; `foretold` is what becomes of people, by what was known of them.

    In a nameless file beside the ledger, as large as it, which the system takes away however we end.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        super().__init__(database, _Nobody(), now, Bounds())
        self._posting.post()  # what earlier runs delivered is what people have
        self.foretold = Foretold(database, self._names)

    @classmethod
    def of(cls, path: Path, *, now: Callable[[], float], warn: Callable[[str], None]) -> Copy:
        """Copy the ledger at `path`, which stays as it is; an empty one when there is none.

        `warn` hears of one that is damaged, which a run would set aside.

        Raises:
            WorkDirError: A run has it, it is not ours or newer than this program, the disk refuses.
        """
        try:
            holder = holder_of(path)
            if holder is not None:
                raise in_use(path, holder)
            return cls(Database(_copied(path, warn), path), now)
        except OSError as error:
            raise not_usable(path, error) from None
        except sqlite3.Error as error:
            raise told(error, path) from None

    def give_up(self) -> Mapping[tuple[str, str], int]:
        """Take rows that crashed runs left under way for undelivered; how many, by run and stream."""
        rows = Counter[tuple[str, str]]()
        for intent in self.unfinished():
            under_way = without(range(len(intent.emails)), [intent.settled])
            self.settle(intent.intent, undelivered=under_way)
            rows[intent.run_id, intent.stream] += len(under_way)
        self._posting.post()
        return rows


class _Nobody:
    """Nobody is kept from a copy: nobody knows of it."""

    def release(self, *, in_order: bool) -> None:
        """Nothing."""


def _copied(path: Path, warn: Callable[[str], None]) -> sqlite3.Connection:
    lock = path.with_suffix(".lock")
    before = lock.read_text(encoding="utf-8", errors="replace") if lock.exists() else ""
    try:
        check_header(path, len(STEPS), ours_before=bool(before))
        return _ready(path, copied=path.exists(), look_over=CLOSED not in before)
    except Damaged as error:
        warn(f"the ledger {path} is damaged ({error}): a run would set it aside and begin a new one. {LOST}")
        return _ready(path, copied=False, look_over=False)


def _ready(path: Path, *, copied: bool, look_over: bool) -> sqlite3.Connection:
    connection = connect(path, nameless=True)
    try:
        if copied:
            with closing(look_into(path)) as source:
                source.backup(connection)
        make_ready(connection, path, STEPS, look_over=look_over and copied)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise Damaged(str(error)) from None
        raise
    return connection
