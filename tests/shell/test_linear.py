"""Cost grows as the input does and no faster: counted in calls, statements and requests, which no load changes."""

from __future__ import annotations

import sys
from collections import Counter
from typing import NamedTuple

import pytest
from pipeline import Pipeline, record, schema, state

from target_klaviyo_segments.watching.watch import Watch

# What one more of something may cost where there are many, in what it costs where there are few.
STEEPER_MAX = 1.3


class Cost(NamedTuple):
    """Of one run: functions called by the main thread, SQL statements and their characters, requests."""

    calls: int
    statements: int
    characters: int
    requests: int


def cost(folder, lines, **settings):
    """Export; what is done by the clock is left out: the listing of jobs, and the looks at the run."""
    pipeline, statements, calls, looking = Pipeline(folder), [], Counter(), []

    def count(frame, event, _argument):
        if frame.f_code is Watch.look.__code__ and event in {"call", "return"}:
            looking.append(event) if event == "call" else looking.clear()
        elif not looking:
            calls.update((event,))

    def watch(target):
        target.run._ledger._database._connection.set_trace_callback(statements.append)
        sys.setprofile(count)

    try:
        assert pipeline.run(lines, watch, max_rejected_percent=100, **settings), pipeline.error
    finally:
        sys.setprofile(None)
    pipeline.assert_balanced()
    asked = [entry for entry in pipeline.sandbox.requests if not entry.path.endswith("import-jobs")]
    asked += [entry for entry in pipeline.sandbox.requests if entry.method == "POST"]
    return Cost(calls["call"] + calls["c_call"], len(statements), sum(map(len, statements)), len(asked))


def assert_linear(sizes, measure):
    """From few to many, one more costs what it costs from one to few. What the process does but once is done before."""
    measure("before", sizes[0])
    (one, few, many), (least, less, most) = sizes, [measure(str(size), size) for size in sizes]
    for name, first, second, third in zip(Cost._fields, least, less, most, strict=True):
        early, late = (second - first) / (few - one), (third - second) / (many - few)
        assert late <= max(early * STEEPER_MAX, 0.1), f"{name}: {early:.1f} each at first, then {late:.1f}"


def people(count, stream="people", good=0):
    """Rows with an address, and from `good` on without."""
    return [record(f"{stream}.{n}@x.io" if n >= good else None, stream, n=n) for n in range(count)]


def test_streams(tmp_path):
    """Each brings rows, a job and a STATE; with a job go the counts of ten others, where there are so many."""

    def measure(name, streams):
        names = [f"s{number}" for number in range(streams)]
        heads = [schema(name) for name in names]
        return cost(tmp_path / name, heads + [line for name in names for line in [*people(10, name), state(name)]])

    assert_linear((12, 20, 40), measure)


def test_rejected_rows(tmp_path):
    """A tenth, more, all."""

    def measure(name, rejected):
        return cost(tmp_path / name, [schema(), *people(400, good=rejected), state(1)])

    assert_linear((40, 120, 400), measure)


def test_jobs(tmp_path):
    """The same rows in more and smaller batches."""
    lines = [schema(), *people(300), state(1)]
    assert_linear((1, 6, 30), lambda name, jobs: cost(tmp_path / name, lines, batch_size_rows=300 // jobs))


@pytest.mark.parametrize("mode", ["upsert", "mirror"])
def test_rows(tmp_path, mode):
    """Of one stream, whatever is remembered of each."""
    settings = {"batch_size_rows": 40, "sync_mode": mode, "unchanged_profiles": "skip", "mirror_on_end_of_input": True}

    def measure(name, rows):
        return cost(tmp_path / name, [schema(), *people(rows), state(1)], **settings)

    assert_linear((40, 280, 800), measure)
