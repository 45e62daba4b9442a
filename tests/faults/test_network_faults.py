"""Every fault of the network and of Klaviyo: no row lost, no STATE too early, the sum right, one line, bounded time."""

from __future__ import annotations

import re

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.runs import run_inside, run_process, segment

IMPATIENT = [fault for fault in FAULTS if not fault.patient]
SECONDS_MAX = 20


def ids(faults):
    return [fault.name for fault in faults]


def assert_ends_as_told(outcome, fault):
    assert outcome.seconds < SECONDS_MAX
    if fault.words is None:
        outcome.assert_whole()
    else:
        assert re.search(fault.words, outcome.error or "nothing went wrong")


@pytest.mark.parametrize("fault", IMPATIENT, ids=ids(IMPATIENT))
def test_a_fault_costs_no_row(hasty, open_network, tmp_path, fault):
    """Here and now, or with the next run when the fault is over."""
    network = open_network(hasty, fault.trouble)
    outcome = run_inside(segment(), network.url, tmp_path, hasty, **fault.settings)
    assert network.met
    outcome.assert_sound()
    assert_ends_as_told(outcome, fault)
    network.heal()
    after = run_inside(segment(), network.url, tmp_path, hasty)
    after.assert_sound()
    after.assert_whole()


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=ids(FAULTS))
def test_a_fault_as_the_user_sees_it(sandbox, open_network, tmp_path, fault):
    """The command in real time: exit status, one line, no traceback, no key, no address."""
    network = open_network(sandbox, fault.trouble)
    outcome = run_process(segment(), network.url, tmp_path, sandbox, **fault.settings)
    assert network.met
    outcome.assert_sound()
    outcome.assert_told_in_one_line()
    assert_ends_as_told(outcome, fault)
