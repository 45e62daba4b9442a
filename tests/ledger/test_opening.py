"""Who may open a ledger, and what it opens."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pipeline import Pipeline, record, schema

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger.lock import Lock
from target_klaviyo_segments.ledger.opening import open_file
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


def test_an_sqlite_that_is_too_old_is_told(desk):
    """Before the file is touched: a newer one may have written it."""
    path = desk.folder / "other.sqlite3"
    with closing_lock(Lock(path, now=0.0)) as lock, pytest.raises(WorkDirError) as refused:
        open_file(path, lock, now=0.0, warn=print, oldest=(99,))
    assert str(refused.value) == (
        f"SQLite {sqlite3.sqlite_version} is too old for the ledger: 3.33 or newer is needed. Use a newer Python"
    )
    assert not path.exists()


@contextmanager
def closing_lock(lock):
    """Let go of in the end."""
    try:
        yield lock
    finally:
        lock.release(in_order=False)


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


def old_ledger(desk):
    """One of the first release, with everything in it: runs, members with ids and keys, rows that wait, open jobs."""
    desk.close()
    desk.path.unlink()
    desk.open()
    run = desk.begin()
    desk.deliver(run, ["a@x.io", "b@x.io"], [1, 2], keys=["[1]", "[2]"])
    desk.deliver(run, ["b@x.io"], [3], stream="others")
    assert desk.ledger.count_members("L1") == 2
    desk.ledger.learn_ids("L1", {"a@x.io": "01A"})
    desk.ledger.end_run(run, "successful", {"x": 1})
    run = desk.begin()
    desk.deliver(run, ["c@x.io"], [4])
    intent = desk.intend(run, ["d@x.io", "e@x.io"], [5, 6])
    desk.ledger.submitted(intent, "job-9", [0])
    desk.close()
    with closing(sqlite3.connect(desk.path)) as old:  # without what the steps since have added
        old.executescript(
            "DROP TABLE errands; DROP TABLE marks; DROP TABLE given; DROP TABLE counted; DROP TABLE declined; "
            "PRAGMA user_version = 1"
        )
        old.executescript("UPDATE members SET also = (SELECT CAST(e.key AS INTEGER) FROM json_each(also) AS e)")
        old.executescript("PRAGMA journal_mode = DELETE; VACUUM")
    return intent


def assert_whole(desk, intent):
    assert desk.warnings == []
    assert [run.status for run in desk.ledger.last_runs(2)] == [None, "successful"]
    assert list(desk.ledger.members("L1")) == ["a@x.io", "b@x.io", "c@x.io"]
    assert desk.unchanged(["a@x.io", "b@x.io", "c@x.io"], [1, 3, 4]) == [0, 1, 2]
    assert desk.ledger.ids_of("L1", ["a@x.io"]) == {"a@x.io": "01A"}
    assert desk.ledger.emails_of_keys("L1", "people", ["[1]"]) == {"[1]": ["a@x.io"]}
    assert desk.ledger._database.row("SELECT also FROM members WHERE person = '1 b@x.io'") == ('{"1":null}',)
    assert desk.ledger.hand_over("L1", ["others"], ["b@x.io"]) == ["b@x.io"]
    (found,) = desk.ledger.unfinished()
    assert (found.intent, found.emails, found.jobs[0].job_id) == (intent, ["d@x.io", "e@x.io"], "job-9")
    desk.ledger.settle(intent, delivered=[0, 1])
    assert desk.ledger.count_members("L1") == 5


def test_a_ledger_of_the_first_release_is_brought_up_to_date_whole(desk):
    """Whatever steps were added since: members, ids, keys, open jobs and waiting rows are all there."""
    intent = old_ledger(desk)
    desk.open()
    assert desk.ledger._database.row("PRAGMA user_version") == (len(STEPS),)
    desk.reopen()
    assert_whole(desk, intent)


BAD_STEPS = {
    "a rule is broken": "UPDATE runs SET version = '2'; CREATE UNIQUE INDEX one ON runs (version)",
    "no such table": "ALTER TABLE nowhere ADD COLUMN x",
}


@pytest.mark.parametrize("step", BAD_STEPS.values(), ids=BAD_STEPS)
def test_a_step_that_fails_leaves_the_ledger_as_it_was(desk, step):
    """Not set aside: it is the step that is wrong. Also when earlier steps went well; the next run can go on."""
    intent = old_ledger(desk)
    before = desk.path.read_bytes()
    for _ in range(2):
        with pytest.raises(WorkDirError, match=r"cannot be brought to version .* left as it was"):
            desk.open(steps=(*STEPS, "CREATE TABLE good (x)", step))
    assert desk.path.read_bytes() == before
    assert {file.name for file in desk.folder.iterdir()} == {"ledger.sqlite3", "ledger.lock"}
    desk.open()
    assert_whole(desk, intent)


FULL = """
import resource, sys
from pathlib import Path
from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.ledger.schema import STEPS

path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50_000, resource.RLIM_INFINITY))
much = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT randomblob(900) FROM n"
try:
    more = (*STEPS, "CREATE TABLE good (x)", "CREATE TABLE big AS " + much)
    Ledger.open(path, now=lambda: 0.0, warn=print, steps=more)
except WorkDirError as error:
    print(error)
"""


def test_a_disk_that_fills_up_while_a_ledger_is_brought_up_to_date_costs_nothing(desk):
    """Said in words; the ledger is usable and untouched."""
    intent = old_ledger(desk)
    before = desk.path.read_bytes()
    command = [sys.executable, "-c", FULL, str(desk.path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
    assert "cannot be brought to version" in ended.stdout
    assert "room" in ended.stdout
    assert desk.path.read_bytes() == before
    desk.open()
    assert_whole(desk, intent)


def test_large_sorts_and_temporary_tables_are_beside_the_ledger(desk):
    """They hold e-mails: in files without a name, on the disk that the settings name."""
    desk.ledger.see("L1", [f"p{number}@x.io" for number in range(60_000)])
    assert list(desk.ledger.leavers("L1", ["people"])) == []
    files = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert any(name.startswith(f"{desk.folder}/etilqs") and name.endswith("(deleted)") for name in files)


def test_a_run_that_cannot_begin_lets_go_of_it(tmp_path):
    """Whoever runs the target in a process of their own, as Dagster does, can mend it and run again."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([schema(), record("a@x.io")])
    path = pipeline.work_dir / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert not pipeline.run([schema(), record("b@x.io")])
    assert "in use" not in pipeline.error
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("DROP TRIGGER no")
    assert pipeline.run([schema(), record("b@x.io")]), pipeline.error
