"""kill -9 in the middle of writes: what was settled is known, what was not is found, nothing is damaged."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest

from target_klaviyo_segments.ledger import Ledger

WRITER = """
import sys
from pathlib import Path
from target_klaviyo_segments.ledger import Bounds, Ledger
ledger = Ledger.open(Path(sys.argv[1]), now=lambda: 5.0, warn=print, bounds=Bounds(waiting=700))
ledger.begin_run("killed", connection="c", version="1")
batch = 0
while True:
    people = [f"{batch % 40}-{n}@x.io" for n in range(100)]
    marks = [batch] * 100
    intent = ledger.intend(
        "killed", stream="s", list_id="L", emails=people, numbers=range(100), fingerprints=marks, keys=people
    )
    print("intended", batch, flush=True)
    ledger.submitted(intent, f"j{batch}", range(60))
    print("submitted", batch, flush=True)
    ledger.settle(intent, delivered=range(60), undelivered=range(60, 100))
    print("settled", batch, flush=True)
    batch += 1
"""


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_writer_leaves_a_ledger_that_knows_all_that_it_said(tmp_path, seed):
    """Whatever was told to have been written is there, and at most one step more."""
    path = tmp_path / "ledger.sqlite3"
    lines = random.Random(seed).randrange(1, 250)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        said += writer.stdout.readlines()
    words = {}
    for word, batch in map(str.split, (line for line in said if line.endswith("\n"))):
        words[word] = int(batch)
    warnings = []
    ledger = Ledger.open(path, now=time.time, warn=warnings.append)
    try:
        _check(ledger, words)
    finally:
        ledger.close()
    assert warnings == []


def _check(ledger, words):
    assert [run.run_id for run in ledger.crashed_runs()] == ["killed"]
    found = list(ledger.unfinished())
    assert len(found) <= 1
    finished = words.get("settled", -1) + 1  # batches known to be settled; one more may be
    opened = found[0].fingerprints[0] if found else finished
    assert opened in {finished, finished + 1}
    if found and "submitted" in words and words["submitted"] == opened:
        assert [(job.job_id, job.rows) for job in found[0].jobs] == [(f"j{opened}", range(60))]
        assert found[0].jobless == range(60, 100)
    settled = opened if found else finished + (_settled_unsaid(ledger, finished))
    members = list(ledger.members("L"))
    assert len(members) == len(set(members)) == 60 * min(settled, 40)
    for batch in range(max(0, settled - 40), settled):
        people = [f"{batch % 40}-{n}@x.io" for n in range(100)]
        assert ledger.unchanged("L", people, [batch] * 100, stream="s", delivered_since=0) == list(range(60))


def _settled_unsaid(ledger, batch):
    """Whether a batch was settled and the writer died before it could say so."""
    return bool(ledger.unchanged("L", [f"{batch % 40}-0@x.io"], [batch], stream="s", delivered_since=0))
