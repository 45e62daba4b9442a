"""Any faults at once, with any stream and limits: what the report says is so, and STATE never comes too early."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pipeline import record, schema, state

from tests.faults.catalogue import FAULTS
from tests.faults.network import Network
from tests.faults.runs import HastyClock, new_sandbox, run_inside

# These take long, or end no run by themselves.
LEFT_OUT = {"gzip_bomb", "larger_than_the_limit", "job_unknown"}
QUICK = [fault.trouble for fault in FAULTS if not fault.patient and fault.name not in LEFT_OUT]
EMAILS = st.integers(0, 25).map(lambda number: f"p{number}@x.io") | st.sampled_from([None, "no address"])
ROWS = st.lists(EMAILS.map(record) | st.just("STATE"), max_size=60)
TROUBLES = st.lists(
    st.builds(replace, st.sampled_from(QUICK), skip=st.integers(0, 3), times=st.integers(1, 3)), max_size=3
)
LIMITS = st.fixed_dictionaries(
    {
        "batch_size_rows": st.integers(1, 20),
        "max_in_flight": st.integers(1, 4),
        "max_profiles_per_export": st.integers(5, 50),
        "on_export_limit": st.sampled_from(["split", "fail"]),
        "max_rejected_percent": st.sampled_from([0, 50, 100]),
        "retry_max_seconds": st.sampled_from([0, 3, 30]),
    }
)
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # threads and sockets fail as they please


def numbered(rows):
    """A stream with a STATE wherever one was drawn, each with the number of rows before it."""
    return [schema(), *(state(number) if row == "STATE" else row for number, row in enumerate(rows)), state("end")]


def assert_faults_cost_nothing(folder, rows, troubles, limits):
    lines = numbered(rows)
    sandbox = new_sandbox(now=HastyClock().now)
    with Network(sandbox, *troubles) as network:
        outcome = run_inside(lines, network.url, folder, sandbox, **limits)
        outcome.assert_sound()
        if outcome.error is None:
            outcome.assert_whole()


@settings(max_examples=30, phases=WITHOUT_SHRINKING)
@given(ROWS, TROUBLES, LIMITS)
def test_any_faults(tmp_path_factory, rows, troubles, limits):
    """A few of them with every change."""
    assert_faults_cost_nothing(tmp_path_factory.mktemp("any"), rows, troubles, limits)


@pytest.mark.slow
@settings(max_examples=500, phases=WITHOUT_SHRINKING)
@given(ROWS, TROUBLES, LIMITS)
def test_any_faults_at_length(tmp_path_factory, rows, troubles, limits):
    """And many of them now and then."""
    assert_faults_cost_nothing(tmp_path_factory.mktemp("any"), rows, troubles, limits)
