"""Who was seen in this run, and so who has left."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.ledger import Ledger


def test_who_was_not_seen_has_left(desk):
    """Among those of the streams that are asked about."""
    run = desk.begin()
    desk.deliver(run, ["a@x.io", "b@x.io", "c@x.io"])
    desk.deliver(run, ["d@x.io"], stream="others")
    desk.deliver(run, ["a@x.io"], list_id="L2")
    desk.ledger.see("L1", ["b@x.io", "new@x.io", "b@x.io"])
    assert list(desk.ledger.leavers("L1", ["people"])) == ["a@x.io", "c@x.io"]
    assert list(desk.ledger.leavers("L1", ["people", "others"])) == ["a@x.io", "c@x.io", "d@x.io"]
    assert list(desk.ledger.leavers("L2", ["people"])) == ["a@x.io"]
    assert list(desk.ledger.leavers("unknown", ["people"])) == []
    desk.ledger.see("L1", ["c@x.io"])
    assert list(desk.ledger.leavers("L1", ["people"])) == ["a@x.io"]


def test_another_run_has_seen_nobody(desk):
    """What was seen is gone with the run."""
    desk.deliver(desk.begin(), ["a@x.io"])
    desk.ledger.see("L1", ["a@x.io"])
    assert list(desk.ledger.leavers("L1", ["people"])) == []
    desk.reopen()
    assert list(desk.ledger.leavers("L1", ["people"])) == ["a@x.io"]


def test_strangers_of_a_list_are_those_on_it_whom_nobody_has_seen(desk):
    """Whoever put them there, also who has no e-mail; who must stay counts nowhere, who is told twice once."""
    desk.ledger.see("L9", ["a@x.io"])
    listed = desk.ledger.listed
    listed.begin("L9")
    listed.add(["1", "2", "3", "4"], ["a@x.io", "b@x.io", None, "late@x.io"], [False, False, False, True])
    listed.add(["2", "5", "4"], ["b@x.io", "c@x.io", "late@x.io"], [False, False, False])
    assert listed.count(["s"]) == (4, 3)
    assert sorted(listed.strangers(), key=str) == [("b@x.io", "2"), ("c@x.io", "5"), (None, "3")]
    listed.begin("L1")
    assert listed.count(["s"]) == (0, 0)
    assert list(listed.strangers()) == []


def test_whom_another_stream_has_does_not_leave(desk):
    """Alone or beside this one; and who is nobody's does."""
    run = desk.begin()
    desk.deliver(run, ["a@x.io", "b@x.io", "c@x.io"])
    desk.deliver(run, ["b@x.io", "d@x.io"], stream="others")
    desk.ledger.see("L1", ["a@x.io"])
    listed, names = desk.ledger.listed, ["a@x.io", "b@x.io", "c@x.io", "d@x.io", "e@x.io"]
    listed.begin("L1")
    listed.add(names, names, [False] * 5)
    assert listed.count(["people"]) == (5, 2)
    assert [email for email, _ in listed.strangers()] == names[1:]


def test_strangers_are_more_than_are_read_at_once(desk):
    """While the ledger is written."""
    listed = desk.ledger.listed
    listed.begin("L1")
    ids = [f"{number:05}" for number in range(12_000)]
    listed.add(ids, [f"{each}@x.io" for each in ids], [False] * len(ids))
    assert listed.count(["s"]) == (12_000, 12_000)
    found = []
    for email, profile_id in listed.strangers():
        found.append(profile_id)
        if len(found) % 1000 == 0:
            desk.ledger.remove("L1", [email])
    assert found == ids


def test_leavers_may_be_removed_while_they_are_read(desk):
    """Many thousand of them, some thousand at a time."""
    emails = [f"p{number}@x.io" for number in range(12_000)]
    desk.deliver(desk.begin(), emails)
    gone = []
    for email in desk.ledger.leavers("L1", ["people"]):
        gone.append(email)
        if len(gone) % 1000 == 0:
            desk.ledger.remove("L1", gone[-1000:])
    assert sorted(gone) == sorted(emails)
    assert desk.ledger.count_members("L1") == 0


def test_whom_another_stream_has_is_handed_over(desk):
    """A person in two segments of a list stays while one of them has them."""
    run = desk.begin()
    desk.deliver(run, ["a@x.io", "b@x.io"])
    desk.deliver(run, ["b@x.io", "c@x.io"], stream="others")
    assert desk.ledger.count_leavers("L1", ["people"]) == 1
    assert desk.ledger.count_leavers("L1", ["others"]) == 1
    assert desk.ledger.count_leavers("L1", ["people", "others"]) == 3
    assert desk.ledger.hand_over("L1", ["others"], ["b@x.io", "c@x.io"]) == ["b@x.io"]
    assert list(desk.ledger.leavers("L1", ["people"])) == ["a@x.io", "b@x.io"]
    assert desk.ledger.hand_over("L1", ["people"], ["b@x.io"]) == []
    assert desk.ledger.hand_over("L1", ["people", "others"], ["a@x.io", "b@x.io", "c@x.io"]) == []


def test_who_left_the_stream_that_had_them_first_is_the_others_alone(desk):
    """The memory of the one that they left goes."""
    run = desk.begin()
    desk.deliver(run, ["a@x.io"])
    desk.deliver(run, ["a@x.io"], stream="others")
    assert desk.ledger.hand_over("L1", ["people"], ["a@x.io"]) == ["a@x.io"]
    assert desk.ledger.hand_over("L1", ["others"], ["a@x.io"]) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 30)), st.lists(st.lists(st.integers(0, 30), max_size=10), max_size=4))
def test_leavers_are_members_less_those_seen(tmp_path_factory, members, seen):
    """Whatever is seen, and in whatever order."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    with closing(Ledger.open(path, now=lambda: 1.0, warn=print)) as ledger:
        ledger.begin_run("run", connection="c", version="1")
        emails = sorted({f"p{number}@x.io" for number in members})
        if emails:
            size = len(emails)
            intent = ledger.intend(
                "run",
                stream="people",
                list_id="L",
                emails=emails,
                numbers=range(size),
                fingerprints=[1] * size,
                keys=[None] * size,
            )
            ledger.settle(intent, delivered=range(size))
        for group in seen:
            ledger.see("L", [f"p{number}@x.io" for number in group])
        everybody = {f"p{number}@x.io" for group in seen for number in group}
        assert list(ledger.leavers("L", ["people"])) == [email for email in emails if email not in everybody]
        ledger.listed.begin("L")
        ledger.listed.add(emails, emails, [False] * len(emails))
        strangers = [email for email in emails if email not in everybody]
        assert ledger.listed.count(["people"]) == (len(emails), len(strangers))
        assert list(ledger.listed.strangers()) == [(email, email) for email in strangers]
