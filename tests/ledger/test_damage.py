"""A damaged ledger is set aside and never deleted; the export goes on."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from thorough import thorough

from target_klaviyo_segments.errors import WorkDirError

PEOPLE = [f"{n}@x.io" for n in range(3000)]


def fill(desk):
    """Members, and an open batch; runs that never ended."""
    run = desk.begin()
    desk.deliver(run, PEOPLE)
    assert desk.ledger.count_members("L1") == len(PEOPLE)
    desk.deliver(run, PEOPLE[:50])
    desk.intend(run, PEOPLE[:500])


def use(desk):
    """Everything that a run does."""
    desk.ledger.crashed_runs()
    run = desk.begin_next()
    for found in desk.ledger.unfinished():
        desk.ledger.settle(found.intent, delivered=found.jobless)
    desk.deliver(run, ["new@x.io"])
    desk.unchanged(PEOPLE, [7] * len(PEOPLE))
    list(desk.ledger.members("L1"))
    desk.ledger.emails_of_keys("L1", "people", ["[1]"])
    desk.ledger.remove("L1", PEOPLE[:100])
    desk.ledger.end_run(run, "succeeded", {})


def test_overwritten_pages_are_set_aside_with_words(desk, images):
    """What is lost is said; what was there is kept for whoever wants to look."""
    fill(desk)
    desk.reopen()
    copy = images(desk)
    damage = b"\xff" * 4096 * 20
    with copy.path.open("r+b") as file:
        file.seek(4096)
        file.write(damage)
    content = copy.path.read_bytes()
    copy.open()
    (aside,) = copy.folder.glob("ledger-damaged-19700112T134640Z.sqlite3")
    (warning,) = copy.warnings
    assert warning.startswith(f"the ledger {copy.path} is damaged (")
    assert warning.endswith(
        f"): set aside as {aside.name}, a new one is begun. What it knew is not used: unchanged people are sent again, "
        "nobody counts as put on a list by earlier runs, and open jobs of a crashed run are not asked about"
    )
    assert aside.read_bytes()[4096 : 4096 + len(damage)] == content[4096 : 4096 + len(damage)]
    assert copy.ledger.count_members("L1") == 0
    copy.reopen()
    assert len(copy.warnings) == 1


def test_two_damaged_ledgers_in_one_second_are_both_kept(desk):
    """Never deleted."""
    for _ in range(3):
        desk.begin_next()
        desk.close()
        desk.path.write_bytes(b"garbage" * 1000)
        desk.open()
    assert len(list(desk.folder.glob("ledger-damaged-*.sqlite3"))) == 3


def spoil_the_head(path):
    with path.open("r+b") as file:
        file.write(b"garbage")


def forget_the_version(path):
    with closing(sqlite3.connect(path)) as ledger:
        ledger.execute("PRAGMA user_version = 0")
        ledger.commit()


@pytest.mark.parametrize(
    ("spoil", "how"),
    [(spoil_the_head, "its first bytes are not SQLite's"), (forget_the_version, "it has no version")],
)
def test_what_is_damaged_is_told(desk, spoil, how):
    """Also what SQLite itself would take for a file of somebody else, or for an empty one."""
    desk.begin()
    desk.close()
    spoil(desk.path)
    desk.open()
    (warning,) = desk.warnings
    assert warning.startswith(f"the ledger {desk.path} is damaged ({how}): set aside as ledger-damaged-")


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_ledger_is_set_aside(desk, images, keep):
    """A copy that broke off, a disk that lied. An empty file is a new ledger."""
    fill(desk)
    desk.reopen()
    copy = images(desk)
    with copy.path.open("r+b") as file:
        file.truncate(int(copy.path.stat().st_size * keep))
    copy.open()
    assert len(copy.warnings) == (1 if keep else 0)
    use(copy)


def test_a_log_of_garbage_loses_no_more_than_the_log(desk, images):
    """SQLite knows its own frames by their checksums."""
    fill(desk)
    desk.reopen()
    desk.deliver(desk.begin(), ["late@x.io"])
    copy = images(desk)
    copy.folder.joinpath("ledger.sqlite3-wal").write_bytes(b"\x5a" * 100_000)
    copy.open()
    assert copy.warnings == []
    assert copy.ledger.count_members("L1") == len(PEOPLE)


def test_damage_found_on_the_way_ends_the_run_in_words_and_the_next_begins_anew(desk):
    """A ledger that was closed in order is trusted until it shows."""
    fill(desk)
    desk.reopen()
    size = desk.path.stat().st_size
    with desk.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(
        WorkDirError, match=r"is damaged .*\. Nothing more was written to it\. Run again: the next run sets it aside"
    ):
        use(desk)
    desk.reopen()
    assert len(desk.warnings) == 1
    use(desk)


@pytest.fixture(scope="module")
def crashed(tmp_path_factory, desk_class):
    """A crash image of a filled ledger."""
    desk = desk_class(tmp_path_factory.mktemp("crashed"))
    desk.open()
    fill(desk)
    desk.reopen()
    desk.deliver(desk.begin(), PEOPLE[:1000])
    desk.unchanged(PEOPLE, [8] * len(PEOPLE))
    desk.intend("run-1", PEOPLE[1000:1500])
    copy = desk.image(tmp_path_factory.mktemp("image"))
    desk.close()
    return copy


@thorough(30, suppress_health_check=[HealthCheck.too_slow])
@given(
    file=st.sampled_from(["ledger.sqlite3", "ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"]),
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=40),
)
def test_flipped_bytes_anywhere_end_in_words_or_not_at_all(crashed, tmp_path_factory, file, places):
    """No traceback, no hang; and the run after the one that found it goes through."""
    folder = tmp_path_factory.mktemp("flipped")
    copy = crashed.image(folder)
    data = bytearray((folder / file).read_bytes())
    for place, mask in places:
        data[int(place * len(data))] ^= mask
    (folder / file).write_bytes(data)
    try:
        for _ in range(2):
            told(copy, folder)
    finally:
        shutil.rmtree(folder)


def told(desk, folder):
    """Open and use; what fails, fails in words."""
    try:
        desk.open()
        use(desk)
    except WorkDirError as error:
        assert str(folder) in str(error)
    finally:
        desk.close()
