"""A copy of the ledger: knows the same, changes nothing, leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger import Copy, Ledger
from target_klaviyo_segments.ledger.schema import STEPS

NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.ledger import Copy
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    Copy.of(Path(sys.argv[1]), now=lambda: 0.0, warn=print)
except WorkDirError as error:
    print(error)
"""


@pytest.fixture
def copied(desk):
    """What makes a copy of a desk's ledger, that is closed at the end."""
    made = []

    def copy():
        made.append(Copy.of(desk.path, now=lambda: desk.time, warn=desk.warnings.append))
        return made[-1]

    yield copy
    for each in made:
        each.close()


def test_it_knows_the_same_and_keeps_nothing(desk, copied):
    """Whatever is done to it; beside the ledger there is no file of its own that has a name."""
    desk.deliver(desk.begin(), ["a@x.io", "b@x.io"])
    desk.close()
    before = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    copy = copied()
    copy.begin_run("dry", connection="shop", version="1.0")
    copy.remove("L1", ["a@x.io"])
    assert list(copy.members("L1")) == ["b@x.io"]
    assert {path.name: path.read_bytes() for path in desk.folder.iterdir()} == before
    copy.close()
    assert list(desk.open().members("L1")) == ["a@x.io", "b@x.io"]


def test_a_large_one_lies_beside_the_ledger_without_a_name(desk, copied):
    """So that it fills no other disk, and is gone when its process is."""
    desk.deliver(desk.begin(), [f"{number}@{'x' * 40}.io" for number in range(200_000)])
    desk.close()
    copied()
    names = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    ours = [name for name in names if name.startswith(str(desk.folder))]
    assert ours
    assert all(name.endswith("(deleted)") for name in ours)


def test_what_a_crash_left_in_the_log_is_known_too(desk, copied):
    """The newest of it is beside the file, and may stay there."""
    desk.deliver(desk.begin(), ["a@x.io"])
    assert (desk.folder / "ledger.sqlite3-wal").stat().st_size
    (desk.folder / "ledger.lock").write_text("process 1 since long ago")  # who died does not hold it
    desk.ledger._lock._let_go()
    assert list(copied().members("L1")) == ["a@x.io"]


def test_an_older_ledger_is_brought_up_to_date_in_the_copy_alone(desk, copied):
    """The ledger stays as old as it is."""
    desk.close()
    desk.path.unlink()
    Ledger.open(desk.path, now=lambda: desk.time, warn=print, steps=STEPS[:1]).close()
    before = desk.path.read_bytes()
    assert copied().errands.count_ready("subscribe") == {}
    assert desk.path.read_bytes() == before


def test_what_is_not_ours_is_not_read(desk):
    """Told as a run would."""
    desk.close()
    (desk.folder / "ledger.lock").unlink()
    desk.path.write_bytes(b"a diary" * 100)
    with pytest.raises(WorkDirError, match="is not a ledger of this program"):
        Copy.of(desk.path, now=lambda: 0.0, warn=print)


def test_a_folder_that_cannot_be_read_is_told(desk):
    """In words, with the path."""
    desk.close()
    (desk.folder / "ledger.lock").unlink()
    (desk.folder / "ledger.lock").mkdir()
    with pytest.raises(WorkDirError, match="cannot be used"):
        Copy.of(desk.path, now=lambda: 0.0, warn=print)


def note(copy, prints, *, stream="people", list_id="L1", since=0.0):
    copy.foretold.note(stream, list_id, list(prints), list(prints.values()), since=since, until=2_000_000.0)


def test_the_heaviest_of_several_rows_counts(desk, copied):
    """New before changed, changed before due again, whatever comes first, and whatever was delivered meanwhile."""
    run = desk.begin()
    intent = desk.intend(run, ["old@x.io", "same@x.io", "late@x.io"], [1, 2, 3])
    desk.ledger.settle(intent, delivered=range(3))
    desk.close()
    copy = copied()
    note(copy, {"old@x.io": 9, "same@x.io": 2, "new@x.io": 5})
    note(copy, {"late@x.io": 3}, since=1_500_000.0)
    copy.begin_run("dry", connection="shop", version="1.0")
    columns = {"emails": ["new@x.io", "old@x.io"], "numbers": [1, 2], "fingerprints": [5, 9], "keys": [None, None]}
    copy.settle(copy.intend("dry", stream="people", list_id="L1", **columns), delivered=range(2))
    assert copy.count_members("L1") == 4
    note(copy, {"new@x.io": 5, "old@x.io": 9, "same@x.io": 2, "late@x.io": 3})
    assert copy.foretold.counts() == {"people": {"new": 1, "changed": 1, "due_again": 1, "unchanged": 1}}


def test_people_are_counted_by_stream_and_list(desk, copied):
    """Whom another list has is new to this one; who is in two streams counts in both."""
    desk.deliver(desk.begin(), ["a@x.io"])
    desk.close()
    copy = copied()
    note(copy, {"a@x.io": 1}, stream="vip", list_id="L2")
    note(copy, {"a@x.io": 1})
    assert copy.foretold.counts() == {"vip": {"new": 1}, "people": {"changed": 1}}


def test_rows_under_way_are_given_up_in_the_copy(desk, copied):
    """Of those without a fate nobody knows what Klaviyo has; the ledger still has them under way."""
    desk.deliver(desk.begin(), ["a@x.io", "b@x.io"])
    run = desk.begin()
    desk.ledger.settle(desk.intend(run, ["a@x.io", "b@x.io", "c@x.io"]), delivered=[1])
    desk.close()
    copy = copied()
    assert copy.give_up() == {(run, "people"): 2}
    assert list(copy.unfinished()) == []
    assert len(list(desk.open().unfinished())) == 1


def test_whose_key_is_another_has_changed(desk, copied):
    """As for who is sent again: a delete marker may name the key alone."""
    run = desk.begin()
    intent = desk.intend(run, ["a@x.io", "b@x.io", "c@x.io"], [1, 2, 3], keys=["[1]", "[2]", None])
    desk.ledger.settle(intent, delivered=range(3))
    desk.close()
    copy = copied()
    copy.foretold.note(
        "people", "L1", ["a@x.io", "b@x.io", "c@x.io"], [1, 2, 3], ["[1]", "[9]", "[3]"], since=0.0, until=2_000_000.0
    )
    assert copy.foretold.counts() == {"people": {"unchanged": 1, "changed": 2}}


def test_no_room_for_a_copy_is_told(desk):
    """In words; the ledger is as it was."""
    desk.deliver(desk.begin(), [f"{number}@{'x' * 40}.io" for number in range(40_000)])
    desk.close()
    before = desk.path.read_bytes()
    done = subprocess.run([sys.executable, "-c", NO_ROOM, str(desk.path)], capture_output=True, text=True, check=True)
    assert "cannot be used" in done.stdout
    assert desk.path.read_bytes() == before
