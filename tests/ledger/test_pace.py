"""How fast a run went, by the ledger."""

from __future__ import annotations

import pytest
from doubles import FakeClock

from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.ledger.pace import STEPS_MAX


@pytest.fixture
def clock():
    return FakeClock(1_790_000_000.0)


@pytest.fixture
def ledger(tmp_path, clock):
    with_it = Ledger.open(tmp_path / "ledger.sqlite3", now=clock.now, warn=print)
    yield with_it
    with_it.close()


def send(ledger, run="r", *, jobs=1):
    batch = {"emails": ["a@x.io"], "numbers": [1], "fingerprints": [1], "keys": [None]}
    intent = ledger.intend(run, stream="s", list_id="L", **batch)
    for number in range(jobs):
        ledger.submitted(intent, f"{run} {intent} {number}", [0])
    return intent


def test_jobs_are_counted_when_they_are_sent_and_when_they_end(ledger, clock):
    """Two jobs of this run, of another run's nothing."""
    ledger.begin_run("other", connection="c", version="1")
    send(ledger, "other")
    ledger.begin_run("r", connection="c", version="1")
    first = send(ledger)
    clock.sleep(0.35)
    second = send(ledger)
    ledger.settle(first, delivered=[0])
    clock.sleep(0.3)
    ledger.settle(second, undelivered=[0])
    pace = ledger.pace("r")
    assert pace.step_seconds == 0.1
    assert pace.submitted == (1, 0, 0, 1, 0, 0, 0)
    assert pace.ended == (0, 0, 0, 1, 0, 0, 1)


@pytest.mark.parametrize("seconds", [0, 11, 1_000, 86_400, 40_000_000])
def test_a_run_of_any_length_has_few_steps(ledger, clock, seconds):
    """And no job is lost in them."""
    ledger.begin_run("r", connection="c", version="1")
    intents = [send(ledger)]
    clock.sleep(seconds)
    intents.append(send(ledger, jobs=2))
    for intent in intents:
        ledger.settle(intent, delivered=[0])
    pace = ledger.pace("r")
    assert len(pace.submitted) == len(pace.ended) <= STEPS_MAX
    assert (sum(pace.submitted), sum(pace.ended)) == (3, 3)


def test_a_run_without_jobs(ledger):
    """One step, nothing in it."""
    ledger.begin_run("r", connection="c", version="1")
    assert sum(ledger.pace("r").submitted) == 0


def test_a_clock_that_goes_back_loses_no_job(ledger, clock):
    """What seems to have been before the beginning counts in the first step."""
    ledger.begin_run("r", connection="c", version="1")
    clock.instant = clock.now() - 50
    ledger.settle(send(ledger), delivered=[0])
    assert sum(ledger.pace("r").submitted) == 1
