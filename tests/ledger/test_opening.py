"""Who may open a ledger, and what it opens."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger.schema import STEPS

HOLDER = """
import sys, time
from pathlib import Path
from target_klaviyo_segments.ledger import Ledger
ledger = Ledger.open(Path(sys.argv[1]), now=lambda: 0.0, warn=print)
print("open", flush=True)
sys.stdin.read()
"""


def test_files_are_for_their_owner_alone(desk):
    """E-mails are in them."""
    desk.deliver(desk.begin(), ["a@x.io"])
    modes = {file.name: file.stat().st_mode & 0o777 for file in desk.folder.iterdir()}
    names = ["ledger.lock", "ledger.sqlite3", "ledger.sqlite3-shm", "ledger.sqlite3-wal"]
    assert modes == dict.fromkeys(names, 0o600)


def test_a_file_that_others_could_read_is_closed_to_them(desk):
    """An older umask or a careless copy."""
    desk.close()
    desk.path.chmod(0o644)
    desk.open()
    assert desk.path.stat().st_mode & 0o777 == 0o600


def test_the_second_run_hears_who_is_first_and_a_dead_holder_holds_nothing(desks):
    """The operating system frees the lock, also after kill -9."""
    desk = desks()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(desk.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(WorkDirError) as told:
            desk.open()
        assert f"in use by another run: process {holder.pid} since 1970-01-01 00:00:00 UTC" in str(told.value)
        assert "`work_dir`" in str(told.value)
        holder.kill()
    desk.open()
    assert desk.warnings == []


def test_a_closed_ledger_may_be_opened_by_another(desks):
    """Closing twice is harmless, and frees nobody else's lock."""
    first, second = desks(), desks()
    ledger = first.open()
    with pytest.raises(WorkDirError, match="in use"):
        second.open()
    first.close()
    second.open()
    ledger.close()
    with pytest.raises(WorkDirError, match="in use"):
        first.open()


@pytest.mark.parametrize("content", [b"email,name\n", b"x", b"SQLite format 3\0", os.urandom(5000)])
def test_a_file_that_is_not_a_ledger_is_refused_and_left_untouched(desks, content):
    """Somebody's export with an unlucky name."""
    desk = desks()
    desk.path.write_bytes(content)
    for _ in range(2):  # refused once, refused for ever
        with pytest.raises(WorkDirError, match="not a ledger of this program and was left as it is"):
            desk.open()
    assert desk.path.read_bytes() == content
    assert {file.name for file in desk.folder.iterdir()} == {"ledger.sqlite3", "ledger.lock"}


def test_another_programs_sqlite_file_is_refused_and_left_untouched(desks):
    """It may be worth more than our ledger."""
    desk = desks()
    with closing(sqlite3.connect(desk.path)) as other, other:
        other.execute("CREATE TABLE members (x)")
    other.close()
    content = desk.path.read_bytes()
    with pytest.raises(WorkDirError, match="not a ledger of this program"):
        desk.open()
    assert desk.path.read_bytes() == content


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("/dev/null")])
def test_a_folder_or_link_in_its_place_is_refused(desks, make):
    """No traceback for what can be foreseen."""
    desk = desks()
    make(desk.path)
    with pytest.raises(WorkDirError, match="not a plain file"):
        desk.open()


def test_an_empty_file_becomes_a_ledger(desks):
    """What a run leaves that died at its first step."""
    desk = desks()
    desk.path.touch(mode=0o666)
    desk.open()
    assert desk.ledger.last_runs(1) == []
    assert desk.path.stat().st_mode & 0o777 == 0o600


def test_a_ledger_of_a_newer_release_is_refused_and_left_untouched(desk):
    """Going back a release must not lose what the newer one knew."""
    desk.begin()
    desk.close()
    with closing(sqlite3.connect(desk.path)) as newer, newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    content = desk.path.read_bytes()
    with pytest.raises(WorkDirError, match=f"has version 99, and this program knows up to {len(STEPS)}"):
        desk.open()
    assert desk.path.read_bytes() == content


def test_a_ledger_of_an_older_release_is_migrated_with_what_it_knows(desk):
    """Steps are taken in order, each once."""
    desk.deliver(desk.begin(), ["a@x.io"], [1])
    assert desk.ledger.count_members("L1") == 1
    desk.close()
    more = (*STEPS, "ALTER TABLE members ADD COLUMN mood TEXT DEFAULT 'fine'", "UPDATE members SET mood = mood || '!'")
    for _ in range(2):
        desk.open(steps=more)
        assert desk.unchanged(["a@x.io"], [1]) == [0]
        assert desk.ledger._database.row("SELECT mood FROM members") == ("fine!",)
        assert desk.ledger._database.row("PRAGMA user_version") == (len(STEPS) + 2,)
        desk.close()
    assert desk.warnings == []


def test_a_step_that_fails_changes_nothing(desk):
    """The ledger is set aside as it was, and can be looked at."""
    for _ in range(2):
        desk.ledger.end_run(desk.begin(), "succeeded", {})
    desk.close()
    desk.open(steps=(*STEPS, "UPDATE runs SET version = '2'; CREATE UNIQUE INDEX one ON runs (version)"))
    assert "UNIQUE" in desk.warnings[0]
    (aside,) = desk.folder.glob("*-damaged-*.sqlite3")
    with closing(sqlite3.connect(aside)) as old, old:
        assert old.execute("SELECT version FROM runs").fetchall() == [("1.0",)] * 2
        assert old.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    old.close()
