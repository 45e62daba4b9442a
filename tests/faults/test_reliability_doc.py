"""Every command of docs/reliability.md runs a test, and every fault of the catalogue is in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.catalogue import FAULTS, WEBHOOKS

ROOT = Path(__file__).parent.parent.parent
ROW = re.compile(r"^\| .+ \| .+ \| (?P<lost>\d+) \| .+ \| `make test-faults ONLY=(?P<only>\w+)` \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def rows():
    """The table's rows."""
    return list(ROW.finditer((ROOT / "docs" / "reliability.md").read_text()))


@pytest.fixture(scope="module")
def collected():
    """The names of all tests of faults, as `-k` sees them."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/faults",
        "--collect-only",
        "--assert=plain",
        "-q",
        "-m",
        "slow or not slow",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True, timeout=60)
    return [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]


def test_every_command_names_a_test(rows, collected):
    """What the table promises can be shown."""
    assert [row["only"] for row in rows if not any(row["only"] in name for name in collected)] == []


def test_no_row_of_the_table_is_misread(rows):
    """The pattern above sees every line of the tables."""
    lines = (ROOT / "docs" / "reliability.md").read_text().splitlines()
    tabled = [line for line in lines if line.startswith("| ") and not line.startswith("| fault")]
    assert len(tabled) == len(rows) >= 40


def test_every_fault_of_the_catalogue_is_in_the_table(rows):
    """What is tried is told."""
    told = {row["only"] for row in rows}
    assert {fault.name for fault in (*FAULTS, *WEBHOOKS)} - told == set()


def test_no_row_is_lost(rows):
    """The number that matters."""
    assert {row["lost"] for row in rows} == {"0"}
