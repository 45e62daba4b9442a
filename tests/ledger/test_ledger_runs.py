"""Runs in the ledger."""

from __future__ import annotations

import json

import pytest

from target_klaviyo_segments.ledger import Bounds, PastRun


def note(desk, run, **counts):
    """Rows have their fate, and with them goes what streams have counted."""
    intent = desk.intend(run, ["a@x.io"])
    desk.ledger.settle(intent, delivered=[0], counts=counts)


def test_a_run_is_remembered_with_its_last_counts(desk):
    """The report history comes from here."""
    desk.ledger.begin_run("a", connection="shop", version="1.2")
    note(desk, "a", people={"read": 1})
    desk.time += 5
    desk.ledger.end_run("a", "succeeded", {"streams": {"people": {"read": 3}}})
    counts = {"streams": {"people": {"read": 3}}}
    expected = PastRun("a", "shop", "1.2", 1_000_000.0, 1_000_005.0, "succeeded", counts)
    assert desk.reopen().last_runs(5) == [expected]


def test_when_a_run_last_went_well_is_known(desk):
    """What failed or was killed since changes nothing about it."""
    assert desk.ledger.last_success() is None
    desk.ledger.end_run(desk.begin(), "successful", {})
    desk.time += 60
    desk.ledger.end_run(desk.begin(), "failed", {})
    desk.begin()
    assert desk.reopen().last_success() == 1_000_000.0


def test_a_run_that_never_ended_has_crashed_and_the_current_one_has_not(desk):
    """The next run asks what became of it."""
    first = desk.begin()
    note(desk, first, people={"read": 5})
    desk.reopen()
    counts = {"streams": {"people": {"read": 5}}}
    assert [(run.run_id, run.counts) for run in desk.ledger.crashed_runs()] == [(first, counts)]
    second = desk.begin()
    assert [run.run_id for run in desk.ledger.crashed_runs()] == [first]
    desk.ledger.end_run(first, "failed", {})
    assert desk.ledger.crashed_runs() == []
    assert [run.run_id for run in desk.ledger.last_runs(1)] == [second]


def test_streams_are_noted_one_by_one_and_the_last_word_counts(desk):
    """What a killed run had counted: of each stream the newest, in the order in which they came, of no other run."""
    killed = desk.begin()
    note(desk, killed, others={"read": 1}, people={"read": 2})
    note(desk, killed, people={"read": 3})
    note(desk, killed)
    desk.ledger.note_run(killed, {"others": {"read": 2}})
    desk.reopen()
    note(desk, desk.begin(), people={"read": 9})
    (run,) = desk.ledger.crashed_runs()
    assert list(run.counts["streams"].items()) == [("others", {"read": 2}), ("people", {"read": 3})]


def test_what_an_earlier_release_noted_of_a_killed_run_is_still_known(desk):
    """It kept all streams in one place."""
    run = desk.begin()
    counts = {"streams": {"people": {"read": 4}}}
    desk.ledger._database.run("UPDATE runs SET counts = ?", (json.dumps(counts),))
    desk.reopen()
    assert [(past.run_id, past.counts) for past in desk.ledger.crashed_runs()] == [(run, counts)]


def test_what_was_noted_goes_when_the_run_has_ended(desk):
    """Its counts are kept once, whole."""
    for _ in range(2):
        run = desk.begin()
        note(desk, run, people={"read": 1})
        desk.ledger.end_run(run, "successful", {"streams": {}})
    assert [past.counts for past in desk.ledger.last_runs(2)] == [{"streams": {}}] * 2
    assert desk.ledger._database.row("SELECT count(*) FROM counted") == (0,)


def test_a_run_is_begun_once_and_only_a_begun_run_counts(desk):
    """Mistakes of the program are told as such."""
    run = desk.begin()
    with pytest.raises(ValueError, match="begun before"):
        desk.ledger.begin_run(run, connection="shop", version="1")
    for call in (
        lambda: desk.ledger.note_run("other", {}),
        lambda: desk.ledger.end_run("other", "failed", {}),
        lambda: desk.intend("other", ["a@x.io"]),
    ):
        with pytest.raises(ValueError, match="never begun"):
            call()


def test_the_past_does_not_grow_without_bound(desks):
    """Old runs and jobs go; what has open rows stays."""
    desk = desks()
    desk.open(bounds=Bounds(runs=3, jobs=4))
    run = desk.begin()
    open_intent = desk.intend(run, ["open@x.io"])
    for number in range(20):
        run = desk.begin()
        desk.deliver(run, [f"{number}@x.io"])
        desk.ledger.end_run(run, "succeeded", {})
    desk.begin()
    assert [found.intent for found in desk.ledger.unfinished()] == [open_intent]
    assert desk.ledger.crashed_runs()[0].run_id == "run-1"
    assert len(desk.ledger.last_runs(100)) == 6
    assert desk.ledger.count_members("L1") == 20
    counted = "SELECT (SELECT count(*) FROM intents), (SELECT count(*) FROM jobs), (SELECT count(*) FROM rows)"
    assert desk.ledger._database.row(counted) == (5, 4, 1)
