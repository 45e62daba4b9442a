"""The figures of docs/performance.md are those that were measured, and the commands that make them work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_document_shows_the_figures_that_were_kept():
    """A number in the document that no run gave would be a claim."""
    subprocess.run([sys.executable, str(BENCHMARKS / "rendering.py"), "--check"], check=True, timeout=60)


def test_a_sandbox_that_has_ended_ends_the_benchmark():
    """It would go on against one that is not there, or without limits."""
    code = "from running import sandbox\nwith sandbox('--nonsense'): pass"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60, cwd=BENCHMARKS
    )
    assert done.returncode == 1
    assert "the sandbox has ended with status 2" in done.stderr


def test_the_same_people_come_again_as_others(tmp_path):
    """The ten millions are ten million people, in one stream."""
    code = "import sys; from pathlib import Path; from records import write; write(Path(sys.argv[1]), 50)"
    lines = tmp_path / "lines"
    subprocess.run([sys.executable, "-c", code, str(lines)], check=True, timeout=60, cwd=BENCHMARKS)
    command = [sys.executable, str(BENCHMARKS / "records.py"), str(lines), "3"]
    printed = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.splitlines()
    records = [line for line in printed if b'"RECORD"' in line]
    assert sum(b'"SCHEMA"' in line for line in printed) == 1
    assert len(records) == len({line.partition(b'"email":')[2].partition(b",")[0] for line in records}) == 150
