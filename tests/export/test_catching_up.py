"""While the last jobs are waited for, what the end of the run would have to do is done."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest
from bench import Bench
from doubles import ModelKlaviyo

from target_klaviyo_segments.ledger import Bounds, Ledger

PATIENCE_SECONDS = 10


class HeardLedger(Ledger):
    """Tells when it was asked to catch up after the first people had their fate."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.settled = False
        self.asked = threading.Event()

    def settle(self, intent, **fates):
        super().settle(intent, **fates)
        self.settled = True

    def catch_up(self):
        super().catch_up()
        if self.settled:
            self.asked.set()


class LastJobWaits(ModelKlaviyo):
    """Its second job ends when the ledger was asked to catch up and then has the people of the first."""

    def __init__(self, ledger, path):
        super().__init__(stuck_jobs={2})
        self.ledger, self.path = ledger, path

    def import_jobs(self):
        if self.stuck_jobs and self.jobs["job-1"].status != "processing":
            assert self.ledger.asked.wait(PATIENCE_SECONDS)
            with closing(sqlite3.connect(self.path)) as file:
                self.stuck_jobs = set() if file.execute("SELECT 1 FROM members").fetchone() else {2}
        return super().import_jobs()


@pytest.mark.parametrize(("much", "done"), [(4, True), (5, False)])
def test_the_ledger_catches_up_while_the_last_job_is_open(tmp_path, much, done):
    """Posting four people is not left to the end of the run, when they are many."""
    path = tmp_path / "ledger.sqlite3"
    ledger = HeardLedger.open(path, now=lambda: 0.0, warn=print, bounds=Bounds(waiting_idle=much))
    bench = Bench(tmp_path, LastJobWaits(ledger, path), ledger=ledger, job_timeout_seconds=60)
    for number in range(5):
        bench.read(f"p{number}")
    assert bench.finish()
    assert (bench.exporter.incomplete == []) is done
    assert list(ledger.members("LIST01")) == [f"p{number}@x.io" for number in range(5)]
