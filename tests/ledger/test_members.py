"""Members: who is unchanged, who is on a list, who has which key and id."""

from __future__ import annotations

import pytest

from target_klaviyo_segments.ledger import Bounds

TWO = ["a@x.io", "b@x.io"]


@pytest.mark.parametrize("ask_before", [False, True])
def test_unchanged_means_delivered_with_the_same_fingerprint(desk, ask_before):
    """Whether or not somebody asked before, which changes how the ledger waits with writing."""
    if ask_before:
        assert desk.unchanged(TWO, [1, 2]) == []
    run = desk.begin()
    desk.deliver(run, TWO, [1, 2])
    assert desk.unchanged(["b@x.io", "c@x.io", "a@x.io"], [2, 3, 9]) == [0]
    desk.deliver(run, TWO, [1, 22])
    assert desk.unchanged(TWO, [1, 2]) == [0]
    assert desk.unchanged(TWO, [1, 22]) == [0, 1]
    assert desk.unchanged(TWO, [1, 22], list_id="L2") == []


def test_unchanged_are_those_whom_the_stream_has(desk):
    """Whom another one alone delivered is delivered once more, or nobody would know that this one has them too."""
    run = desk.begin()
    desk.deliver(run, TWO, [1, 2], stream="others")
    assert desk.unchanged(TWO, [1, 2]) == []
    desk.deliver(run, ["a@x.io"], [1])
    assert desk.unchanged(TWO, [1, 2]) == [0]
    assert desk.unchanged(TWO, [1, 2], stream="others") == [0, 1]


@pytest.mark.parametrize("ask_before", [False, True])
def test_who_was_not_delivered_is_never_unchanged(desk, ask_before):
    """Nobody knows what Klaviyo has of a person whose row was rejected or failed, so it is sent again."""
    if ask_before:
        desk.unchanged(TWO, [1, 2])
    run = desk.begin()
    desk.deliver(run, TWO, [1, 2])
    intent = desk.intend(run, [*TWO, "c@x.io"], [11, 2, 3])
    desk.ledger.settle(intent, undelivered=range(3))
    assert desk.unchanged([*TWO, "c@x.io"], [1, 2, 3]) == []
    assert list(desk.ledger.members("L1")) == TWO
    desk.deliver(run, ["b@x.io"], [2])
    assert desk.unchanged(TWO, [1, 2]) == [1]


def test_the_last_fate_counts_also_when_nothing_was_read_in_between(desk):
    """Rows wait in the journal; their order is kept."""
    run = desk.begin()
    for delivered in (True, False, True, False):
        intent = desk.intend(run, ["a@x.io"], [1])
        desk.ledger.settle(intent, **{"delivered" if delivered else "undelivered": [0]})
        desk.deliver(run, ["b@x.io"], [2])
    assert desk.unchanged(TWO, [1, 2]) == [1]
    desk.deliver(run, ["a@x.io"], [1])
    assert desk.unchanged(TWO, [1, 2]) == [0, 1]


def test_an_old_delivery_is_sent_again_and_so_is_one_of_the_future(desk):
    """`resend_after_days`; and a clock that was wrong once must not silence a person for years."""
    desk.deliver(desk.begin(), TWO, [1, 2])
    assert desk.unchanged(TWO, [1, 2], since=desk.time) == [0, 1]
    assert desk.unchanged(TWO, [1, 2], since=desk.time + 1) == []
    desk.time -= 1
    assert desk.unchanged(TWO, [1, 2]) == []


def test_lists_and_streams_are_kept_apart(desk):
    """List 1 is no prefix of list 11."""
    run = desk.begin()
    for number in range(12):
        desk.deliver(run, [f"{number}@x.io"], list_id=f"L{number}", stream=f"s{number % 2}")
    desk.deliver(run, ["a@x.io"], list_id="L1", stream="s0")
    assert list(desk.ledger.members("L1")) == ["1@x.io", "a@x.io"]
    assert list(desk.ledger.members("L1", "s0")) == ["a@x.io"]
    assert desk.ledger.count_members("L1") == 2
    assert desk.ledger.count_members("L1", "s1") == 1
    assert (list(desk.ledger.members("nobody's")), desk.ledger.count_members("L1", "unknown")) == ([], 0)


def test_members_are_read_while_some_are_removed(desk):
    """Mirror reads leavers and removes them as it goes."""
    people = sorted(f"{n}@x.io" for n in range(12_000))
    desk.deliver(desk.begin(), people)
    seen = []
    for email in desk.ledger.members("L1"):
        seen.append(email)
        if len(seen) % 4000 == 0:
            desk.ledger.remove("L1", seen[-4000:])
    assert seen == people
    assert desk.ledger.count_members("L1") == 0


def test_a_key_leads_to_whoever_was_delivered_last_with_it(desk):
    """Log-based taps send deletes with the primary key alone; a person may have changed the e-mail, and has both."""
    run = desk.begin()
    desk.deliver(run, ["z@x.io", "b@x.io"], keys=["[1]", "[2]"])
    desk.deliver(run, ["a@x.io"], keys=["[1]"])
    desk.deliver(run, ["o@x.io"], keys=["[2]"], stream="others")
    found = desk.ledger.emails_of_keys("L1", "people", ["[1]", "[2]", "[3]"])
    assert found == {"[1]": ["a@x.io", "z@x.io"], "[2]": ["b@x.io"]}
    assert desk.ledger.emails_of_keys("L2", "people", ["[1]"]) == {}


def test_ids_are_learnt_for_members_and_survive_a_delivery(desk):
    """Removal is by Klaviyo's id."""
    run = desk.begin()
    desk.deliver(run, TWO)
    desk.ledger.learn_ids("L1", {"a@x.io": "01A", "stranger@x.io": "01S"})
    desk.deliver(run, TWO, [8, 8])
    assert desk.ledger.ids_of("L1", [*TWO, "stranger@x.io"]) == {"a@x.io": "01A"}
    assert desk.ledger.ids_of("L1", []) == {}


def test_who_was_removed_comes_back_as_new(desk):
    """Neither fingerprint nor id of earlier days."""
    run = desk.begin()
    desk.deliver(run, TWO, [1, 2])
    desk.ledger.learn_ids("L1", {"a@x.io": "01A"})
    desk.ledger.remove("L1", ["a@x.io", "stranger@x.io"])
    assert desk.unchanged(TWO, [1, 2]) == [1]
    desk.deliver(run, ["a@x.io"], [1])
    assert desk.ledger.ids_of("L1", TWO) == {}


def test_much_waits_in_the_journal_only_so_long(desks):
    """Bounded time and memory: at some point what waits is entered."""
    desk = desks()
    desk.open(bounds=Bounds(waiting=10))
    run = desk.begin()
    count = "SELECT count(*) FROM members"
    desk.deliver(run, [f"{n}@x.io" for n in range(9)])
    assert desk.ledger._database.row(count) == (0,)
    desk.deliver(run, ["9@x.io"])
    assert desk.ledger._database.row(count) == (10,)
