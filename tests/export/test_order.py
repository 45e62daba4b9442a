"""Rows of a person who is in several streams or segments: what came last is what Klaviyo has in the end."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from bench import Bench
from doubles import ModelKlaviyo
from hypothesis import given
from hypothesis import strategies as st
from thorough import thorough

STREAMS = ("a", "b", "c")
ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(STREAMS), st.integers(0, 2)), max_size=24)


def export(folder, klaviyo, rows, run_id="run-1", **limits):
    """Everybody's row by stream; the last value of each person must be at Klaviyo, and on the lists that were named."""
    bench = Bench(folder, klaviyo, run_id=run_id, **limits)
    for number, stream, value in rows:
        bench.read(f"p{number}", stream, f"LIST-{stream}", value=value)
    assert bench.finish()
    bench.ledger.close()
    last = {f"p{number}@x.io": value for number, _, value in rows}
    assert {email: each["value"] for email, each in klaviyo.profiles.items() if email in last} == last
    for stream in STREAMS:
        named = {f"p{number}@x.io" for number, where, _ in rows if where == stream}
        assert named <= set(klaviyo.members(f"LIST-{stream}"))
    for lane in bench.exporter.lanes.values():
        assert lane.tally.balanced
        assert not lane.tally.failed
    assert klaviyo.doubled == []
    return bench


@pytest.mark.parametrize(
    "rows",
    [
        [(0, "a", 0), (0, "b", 1)],
        [(0, "b", 0), (1, "a", 0), (0, "a", 1)],
        [(9, "a", 0), (0, "b", 0), (0, "a", 1)],  # the lane that opened first has the newer row
        [(0, "a", 0), (0, "b", 1), (0, "a", 2)],
        [(0, "a", 0), (1, "b", 0), (1, "a", 1), (0, "b", 1)],  # each has an older row than the other
        [(0, "a", 0), (0, "b", 1), (0, "c", 2), (0, "b", 0), (0, "a", 1)],
    ],
)
def test_the_last_row_of_a_person_wins_between_streams(tmp_path, rows):
    """Whichever stream came first, and whichever batch is full first."""
    export(tmp_path, ModelKlaviyo(), rows)


@thorough(200)
@given(
    runs=st.lists(ROWS, min_size=1, max_size=3),
    rows=st.integers(1, 4),
    sweeps=st.integers(1, 3),
    skip=st.booleans(),
    per_export=st.sampled_from([2, 1000]),
    in_flight=st.integers(1, 3),
)
def test_the_last_row_wins_whatever_comes_when(runs, rows, sweeps, skip, per_export, in_flight):
    """Also of people who are left out as unchanged, and of exports that are full in between."""
    klaviyo = ModelKlaviyo(sweeps_until_ended=sweeps)
    limits = {"batch_rows": rows, "skip_unchanged": skip, "profiles_per_export": per_export, "max_in_flight": in_flight}
    with tempfile.TemporaryDirectory() as folder:
        for number, each in enumerate(runs):
            export(Path(folder), klaviyo, each, f"run-{number}", **limits)
