"""The command started, ended by a signal somewhere on its way, and started again."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing

import forks
from pipeline import LIST, configure, record, schema, state, text

from tests.faults.runs import FATES

SECONDS_TO_START = 0.02  # nothing has happened yet
SECONDS_OF_RUN = {5_000: 0.5, 50_000: 1.5}  # by people, where nothing else goes on


def segment(people):
    """One stream; every hundredth row has no address, and a STATE comes after every thousandth."""
    lines = [schema(keys=("id",), id={"type": "integer"}, email={"type": ["string", "null"]})]
    for number in range(people):
        lines.append(record(None if number % 100 == 99 else f"p{number}@x.io", id=number))
        if number % 1000 == 999:
            lines.append(state(number + 1))
    return text([*lines, state(people)]).encode()


def start(folder, url, source, *, rows):
    """The command on a file; its STATE goes to `state.out`."""
    arguments = configure(url, folder, batch_size_rows=rows, unchanged_profiles="skip")
    with source.open("rb") as lines, (folder / "state.out").open("ab") as out, (folder / "log").open("ab") as log:
        return forks.Command(arguments, stdin=lines, stdout=out, stderr=log)


def end_at(process, seconds, number):
    """Send a signal once the process has run so long, or has ended; its exit status."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        return process.wait(timeout=90)


def assert_recovered(folder, sandbox, people):
    """After the second run: the list is the segment, everybody is once in the ledger, no row is without a fate."""
    wanted = {f"p{number}@x.io" for number in range(people) if number % 100 != 99}
    assert {member["email"] for member in sandbox.members(LIST)} == wanted
    work_dir = folder / "work"
    last = json.loads((work_dir / "report.json").read_text())
    assert last["status"] == "successful"
    assert last["totals"]["read"] == people
    assert last["totals"]["rejected"] == people - len(wanted)
    reports = [json.loads(path.read_text()) for path in (work_dir / "reports").glob("*.json")]
    for report in reports:
        assert report["totals"]["read"] == sum(report["totals"][fate] for fate in FATES), report["totals"]
    with closing(sqlite3.connect(work_dir / "ledger.sqlite3")) as ledger, ledger:
        assert ledger.execute("SELECT count(*), count(DISTINCT person) FROM members").fetchone() == (len(wanted),) * 2
        assert ledger.execute("SELECT count(*) FROM intents WHERE closed IS NULL").fetchone() == (0,)
        begun = ledger.execute("SELECT count(*) FROM runs").fetchone()[0]
        assert ledger.execute("SELECT count(*) FROM runs WHERE ended IS NULL").fetchone() == (0,)
    assert len(reports) == begun
    assert "Traceback" not in (folder / "log").read_text()
