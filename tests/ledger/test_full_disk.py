"""A disk that is full or read-only, at any write: words, and nothing lost that was settled."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger.faults import not_migrated, told

PEOPLE = [f"{n}@x.io" for n in range(300)]


def run_script(script, *arguments):
    """A process of its own, whose limits and user may change."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def calls(ledger, run_id, intent):
    """Every call that writes, by name."""
    rows = {"emails": PEOPLE, "numbers": range(300), "fingerprints": [1] * 300, "keys": ["[1]"] * 300}
    return {
        "begin_run": lambda: ledger.begin_run("another", connection="x" * 9000, version="1"),
        "note_run": lambda: ledger.note_run(run_id, {"people": "x" * 9000}),
        "counts": lambda: ledger.settle(intent, delivered=[0], counts={"people": "x" * 9000}),
        "end_run": lambda: ledger.end_run(run_id, "succeeded", {"x": "x" * 9000}),
        "intend": lambda: ledger.intend(run_id, stream="s", list_id="L1", **rows),
        "submitted": lambda: ledger.submitted(intent, "j" * 9000, [0]),
        "members": lambda: list(ledger.members("L1")),
        "learn_ids": lambda: ledger.learn_ids("L1", dict.fromkeys(PEOPLE, "1" * 50)),
        "emails_of_keys": lambda: ledger.emails_of_keys("L1", "people", ["[1]"]),
    }


PATH = Path("/w/ledger.sqlite3")
KEPT = "What was settled before is kept; what was under way is asked about by the next run"


@pytest.mark.parametrize(
    ("error", "happened", "advice"),
    [
        (sqlite3.OperationalError("database or disk is full"), "the disk is full", "Make room and run again"),
        (
            sqlite3.OperationalError("attempt to write a readonly database"),
            "it is read-only",
            "Make the file and its folder writable, or set `work_dir` to another folder",
        ),
        (
            sqlite3.OperationalError("unable to open database file"),
            "it cannot be opened",
            "Make the file and its folder writable and see that the disk has room",
        ),
        (
            sqlite3.OperationalError("disk I/O error"),
            "the disk reported an error",
            "See that the disk has room and works, then run again",
        ),
        (
            sqlite3.OperationalError("database is locked"),
            "another program is using it",
            "End that program (a database browser, a backup) and run again",
        ),
        (sqlite3.DatabaseError("out of memory"), "there is not enough memory", "Run again with more memory"),
        (
            sqlite3.DataError("string or blob too big"),
            "a value is larger than SQLite takes",
            "Report this with the version of the program",
        ),
    ],
)
def test_each_trouble_is_told_with_what_to_do(error, happened, advice):
    """SQLite's words are kept beside ours, for whoever knows them."""
    assert str(told(error, PATH)) == f"the ledger {PATH} cannot be used: {happened} ({error}). {KEPT}. {advice}"
    assert f"cannot be brought to version 9: {happened}. {advice} ({error})" in str(not_migrated(error, PATH, 1, 9))


def test_a_trouble_of_ours_is_to_be_reported():
    """Whoever runs the pipeline can do nothing about it."""
    error = sqlite3.ProgrammingError("Cannot operate on a closed database.")
    assert str(told(error, PATH)) == (
        f"the ledger {PATH} cannot be used: {error}. {KEPT}. Report this with the version of the program"
    )
    assert "cannot be brought to version 9: Report this with" in str(not_migrated(error, PATH, 1, 9))


@pytest.mark.parametrize("name", [*calls(None, "", 0), "settle"])
@pytest.mark.parametrize(("pragma", "words"), [("max_page_count = 1", "is full"), ("query_only = ON", "read-only")])
def test_each_write_that_fails_is_told_and_undone(desk, pragma, words, name):
    """What was kept and what to do are said; afterwards the ledger is as it was."""
    run = desk.begin()
    intent = desk.intend(run, ["a@x.io", "b@x.io"])
    desk.ledger.settle(intent, delivered=[1])
    desk.deliver(run, PEOPLE, keys=["[1]"] * 300)
    act = {**calls(desk.ledger, run, intent), "settle": lambda: desk.ledger.settle(intent, delivered=[0])}[name]
    desk.ledger._database.run(f"PRAGMA {pragma}")
    try:
        act()
    except WorkDirError as error:
        assert words in str(error)
        assert "is kept" in str(error)
        assert str(desk.path) in str(error)
    else:
        assert (words, name) in {("is full", "settle"), ("is full", "submitted")}  # found room in a page it had
    desk.reopen()
    assert desk.warnings == []
    assert desk.ledger.count_members("L1") in {301, 302}
    assert {found.intent for found in desk.ledger.unfinished()} <= {intent}


FULL = """
    import resource, sys
    from pathlib import Path
    from target_klaviyo_segments.errors import WorkDirError
    from target_klaviyo_segments.ledger import Ledger

    ledger = Ledger.open(Path(sys.argv[1]), now=lambda: 0.0, warn=print)
    ledger.begin_run("r", connection="c", version="1")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    settled = 0
    try:
        for batch in range(200):
            people = [f"{batch}-{n}@x.io" for n in range(100)]
            marks = [1] * 100
            intent = ledger.intend(
                "r", stream="s", list_id="L", emails=people, numbers=marks, fingerprints=marks, keys=people
            )
            ledger.submitted(intent, f"j{batch}", range(100))
            ledger.settle(intent, delivered=range(100))
            settled += 100
            if batch % 10 == 9:
                ledger.count_members("L")
    except WorkDirError as error:
        print(settled, error)
    ledger.close()
"""


@pytest.mark.parametrize("limit", [60_000, 200_000, 500_000])
def test_a_file_that_may_not_grow_ends_the_run_in_words_and_keeps_what_was_settled(desks, limit):
    """As a full disk does, in the middle of anything."""
    desk = desks()
    ended = run_script(FULL, desk.path, limit)
    assert ended.stderr == ""
    settled, words = ended.stdout.split(" ", 1)
    assert "cannot be used" in words
    assert "is kept" in words
    desk.open()
    assert desk.warnings == []
    assert desk.ledger.count_members("L") == int(settled)
    assert len(list(desk.ledger.unfinished())) <= 1


def test_a_ledger_cannot_be_made_on_a_full_disk(desks):
    """Nothing has been read or sent by then."""
    desk = desks()
    ended = run_script(
        """
        import resource, sys
        from pathlib import Path
        from target_klaviyo_segments.errors import WorkDirError
        from target_klaviyo_segments.ledger import Ledger

        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
        try:
            Ledger.open(Path(sys.argv[1]), now=lambda: 0.0, warn=print)
        except WorkDirError as error:
            print(error)
        """,
        desk.path,
    )
    assert (ended.stderr, ended.stdout.count("cannot be used")) == ("", 1)
    desk.open()
    assert desk.warnings == []


UNPRIVILEGED = """
    import os, sys
    from pathlib import Path
    from target_klaviyo_segments.errors import WorkDirError
    from target_klaviyo_segments.ledger import Ledger

    path = Path(sys.argv[1])
    if os.getuid() == 0:
        os.chmod(path.parent, int(sys.argv[2], 8))
        os.chdir(path.parent)  # the folders above are root's
        os.setuid(65534)
        path = Path(path.name)
    try:
        Ledger.open(path, now=lambda: 0.0, warn=print)
    except WorkDirError as error:
        print(error)
"""


@pytest.mark.parametrize("made_before", [False, True])
def test_a_folder_that_cannot_be_written_is_told(desks, made_before):
    """Before anything is read or sent."""
    desk = desks()
    if made_before:
        desk.open()
        desk.close()
        desk.path.chmod(0o444)
    Path(desk.folder).chmod(0o555)
    try:
        ended = run_script(UNPRIVILEGED, desk.path, "555")
    finally:
        Path(desk.folder).chmod(0o755)
    assert ended.stderr == ""
    assert "Permission denied" in ended.stdout
    assert "Nothing was read or sent; make the folder writable or set `work_dir` to another folder" in ended.stdout


def test_a_folder_that_is_not_there_is_told(desks):
    """The caller makes the folder."""
    desk = desks()
    desk.folder.rmdir()
    with pytest.raises(WorkDirError, match=os.strerror(2)):
        desk.open()
