"""A run that is ended at any moment, and the next one, which makes it whole."""

from __future__ import annotations

import random
import signal

import pytest

from target_klaviyo_segments.sandbox.server import SandboxServer
from tests.faults.kills import SECONDS_OF_RUN, SECONDS_TO_START, assert_recovered, end_at, segment, start
from tests.faults.runs import new_sandbox

A_FEW = range(4)
MANY = [pytest.param(number, marks=pytest.mark.slow) for number in range(4, 200)]


def moment(number, signal_number, people):
    """When to end a run: any time between its start and about its end, the same for the same number."""
    return SECONDS_TO_START + random.Random(f"{signal_number}-{number}").random() * SECONDS_OF_RUN[people]


def run_twice(folder, number, signal_number, *, people, rows):
    """End the first run, let the second go to its end."""
    sandbox = new_sandbox(limits=False)
    source = folder / "segment.jsonl"
    source.write_bytes(segment(people))
    with SandboxServer(sandbox) as server:
        process = start(folder, server.url, source, rows=rows)
        status = end_at(process, moment(number, signal_number, people), signal_number)
        assert status in {0, -signal_number}
        assert start(folder, server.url, source, rows=rows).wait(timeout=90) == 0, (folder / "log").read_text()
    assert_recovered(folder, sandbox, people)


@pytest.mark.parametrize("number", A_FEW)
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_ended_at_any_moment_is_made_whole_by_the_next(tmp_path, number, signal_number):
    """The list is the segment, each person is once in the ledger, and no row is without a fate."""
    run_twice(tmp_path, number, signal_number, people=5_000, rows=500)


@pytest.mark.parametrize("number", MANY)
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_fifty_thousand_people_survive_a_run_ended_at_any_moment(tmp_path, number, signal_number):
    """The same, at two hundred moments, with jobs of Klaviyo's size."""
    run_twice(tmp_path, number, signal_number, people=50_000, rows=10_000)
