"""Batches under way, and what a next run finds of them."""

from __future__ import annotations

import pytest

PEOPLE = ["a@x.io", "b@x.io", "c@x.io", "d@x.io"]


def test_a_batch_is_found_again_as_it_was_meant(desk, images):
    """Written down before it is sent, so that kill -9 at any moment loses nothing."""
    run = desk.begin()
    intent = desk.ledger.intend(
        run,
        stream="people",
        list_id="L1",
        emails=PEOPLE[:2],
        numbers=[5, 9],
        fingerprints=[-(2**63), 2**63 - 1],
        keys=['["é\\u0000"]', None],
    )
    copy = images(desk)
    (found,) = copy.open().unfinished()
    assert (found.intent, found.run_id, found.stream, found.list_id) == (intent, run, "people", "L1")
    assert (found.emails, found.numbers) == (PEOPLE[:2], [5, 9])
    assert (found.fingerprints, found.keys) == ([-(2**63), 2**63 - 1], ['["é\\u0000"]', None])
    assert (found.jobs, found.settled, found.jobless) == ((), range(0), range(2))
    assert copy.warnings == []


def test_rows_of_jobs_and_rows_without_are_told_apart(desk):
    """One batch becomes several jobs when refused rows are taken out or it is halved."""
    intent = desk.intend(desk.begin(), PEOPLE)
    desk.ledger.submitted(intent, "j1", [0])
    desk.ledger.submitted(intent, "j2", [3, 1])
    desk.ledger.settle(intent, delivered=[1])
    (found,) = desk.reopen().unfinished()
    assert [(job.job_id, list(job.rows)) for job in found.jobs] == [("j1", [0]), ("j2", [1, 3])]
    assert [list(found.open_rows(job)) for job in found.jobs] == [[0], [3]]
    assert (list(found.settled), list(found.jobless)) == ([1], [2])


def test_a_settled_batch_is_finished_and_its_rows_are_gone(desk):
    """What is left is the job, for the history."""
    run = desk.begin()
    intent = desk.intend(run, PEOPLE)
    desk.ledger.submitted(intent, "j1", range(4))
    desk.ledger.settle(intent, delivered=[0, 1], undelivered=[3])
    assert len(list(desk.ledger.unfinished())) == 1
    desk.ledger.settle(intent, delivered=[2])
    assert list(desk.ledger.unfinished()) == []
    desk.ledger.end_run(run, "succeeded", {})
    assert desk.ledger._database.row("SELECT count(*) FROM rows") == (0,)
    assert desk.ledger._database.row("SELECT job_id, size, spans FROM jobs") == ("j1", 4, "[[0, 3]]")
    assert desk.ledger._database.row("SELECT delivered, undelivered FROM intents") == (3, 1)


def test_batches_of_a_crashed_run_are_settled_by_the_next(desk):
    """Their people count as delivered by the run that sent them."""
    intent = desk.intend(desk.begin(), PEOPLE, [1, 2, 3, 4])
    desk.reopen()
    desk.begin()
    for found in desk.ledger.unfinished():
        desk.ledger.settle(found.intent, delivered=[0, 1], undelivered=[2, 3])
    assert found.intent == intent
    assert desk.unchanged(PEOPLE, [1, 2, 3, 4]) == [0, 1]
    assert list(desk.ledger.members("L1")) == PEOPLE[:2]


def test_an_open_batch_of_a_crashed_run_settles_while_the_next_run_asks_who_is_unchanged(desk):
    """Its people were never in this process's memory."""
    intent = desk.intend(desk.begin(), PEOPLE, [1, 2, 3, 4])
    desk.reopen()
    run = desk.begin()
    assert desk.unchanged(PEOPLE, [1, 2, 3, 4]) == []
    desk.ledger.settle(intent, delivered=[0])
    desk.deliver(run, ["e@x.io"], [5])
    assert desk.unchanged(["a@x.io", "e@x.io"], [1, 5]) == [0, 1]


@pytest.mark.parametrize(
    "mistake",
    [
        lambda desk, intent: desk.ledger.settle(intent, delivered=[4]),
        lambda desk, intent: desk.ledger.settle(intent, delivered=[-1]),
        lambda desk, intent: desk.ledger.settle(intent, delivered=[1]),
        lambda desk, intent: desk.ledger.settle(intent, delivered=[2], undelivered=[2]),
        lambda desk, intent: desk.ledger.settle(intent, delivered=range(4)),
        lambda desk, intent: desk.ledger.settle(intent, delivered=[2, 2]),
        lambda desk, intent: desk.ledger.settle(intent + 1, delivered=[0]),
        lambda desk, intent: desk.ledger.submitted(intent, "j", [4]),
        lambda desk, intent: desk.ledger.submitted(intent + 1, "j", [0]),
    ],
)
def test_a_row_that_cannot_be_changes_nothing(desk, mistake):
    """Every row has one fate: a second one is a mistake of the program, told at once."""
    intent = desk.intend(desk.begin(), PEOPLE)
    desk.ledger.settle(intent, delivered=[1])
    before = list(desk.ledger.unfinished())
    with pytest.raises(ValueError, match=r"row|intent"):
        mistake(desk, intent)
    assert list(desk.ledger.unfinished()) == before
    assert desk.ledger.count_members("L1") == 1


@pytest.mark.parametrize("numbers", [[], [1], [1, 2, 3]])
def test_a_batch_has_columns_of_one_length_and_a_row_at_least(desk, numbers):
    """A mistake of the program is told before anything is sent."""
    emails = PEOPLE[:2] if numbers else []
    run = desk.begin()
    with pytest.raises(ValueError, match="at least one row"):
        desk.ledger.intend(
            run, stream="s", list_id="L1", emails=emails, numbers=numbers, fingerprints=numbers[:2], keys=numbers[:2]
        )
    assert list(desk.ledger.unfinished()) == []


def test_a_batch_in_which_every_other_row_fails_is_settled_in_one_call(desk):
    """Scattered rows cost more to keep, and are right."""
    people = [f"{n}@x.io" for n in range(2001)]
    intent = desk.intend(desk.begin(), people)
    desk.ledger.settle(intent, delivered=range(0, 2001, 2), undelivered=range(1, 2001, 2))
    assert list(desk.ledger.unfinished()) == []
    assert set(desk.ledger.members("L1")) == set(people[::2])
