"""Ways of ending a run from outside: signals, a second one, a terminal that goes, a reader of stdout that goes."""

from __future__ import annotations

import json
import os
import select
import signal
import time

import forks
import pytest
from pipeline import LIST, configure, record, schema, state, text

from target_klaviyo_segments.sandbox.server import SandboxServer
from tests.faults.runs import FATES, new_sandbox

PEOPLE = [schema(), *(record(f"p{number}@x.io") for number in range(4)), state(4)]


class Running:
    """The command with a pipe at each end; two people make a job."""

    def __init__(self, folder, sandbox, url, **options):
        self.work_dir = folder / "work"
        self.sandbox = sandbox
        self.process = forks.Command(configure(url, folder, batch_size_rows=2), **options)

    def write(self, lines):
        self.process.stdin.write(text(lines).encode())
        self.process.stdin.flush()

    def wait_for_state(self):
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        assert ready, "no STATE came"
        return json.loads(self.process.stdout.readline())

    def end(self):
        """What was said; the exit status is in `process`."""
        _, errors = self.process.communicate(timeout=60)
        assert b"Traceback" not in errors, errors.decode()
        return errors.decode()

    @property
    def report(self):
        report = json.loads((self.work_dir / "report.json").read_text())
        assert report["totals"]["read"] == sum(report["totals"][fate] for fate in FATES)
        return report


@pytest.fixture
def running(tmp_path):
    """Start the command; it is gone with the test."""
    started = []
    ahead = [0.0]
    sandbox = new_sandbox(limits=False, now=lambda: time.time() + ahead[0])
    with SandboxServer(sandbox) as server:

        def start(**options):
            started.append(Running(tmp_path, sandbox, server.url, **options))
            started[-1].ahead = ahead
            return started[-1]

        yield start
        for each in started:
            each.process.__exit__()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal(running, number):
    """What is under way is settled, what was read and not sent is kept, and the end is the signal's."""
    run = running()
    run.write([*PEOPLE, record("late@x.io")])
    assert run.wait_for_state() == 4
    run.process.send_signal(number)
    assert "env var" not in run.end()
    assert run.process.returncode == -number
    assert run.report["status"] == "canceled"
    assert (run.report["totals"]["delivered"], run.report["totals"]["failed"]) == (4, 1)
    assert len(run.sandbox.members(LIST)) == 4


def test_second_signal(running):
    """Who asks twice does not want to wait, and is told in one line; the next run asks what became of the rest."""
    run = running()
    run.sandbox.job_seconds = 3600
    run.write(PEOPLE[:-1])
    ready = select.select([run.process.stderr], [], [], 30)
    assert ready[0]
    while not run.sandbox.jobs:
        select.select([], [], [], 0.01)
    run.process.send_signal(signal.SIGTERM)
    run.process.send_signal(signal.SIGTERM)
    while run.process.poll() is None:  # two that come at once are one to the system
        run.process.send_signal(signal.SIGTERM)
        select.select([], [], [], 0.05)
    told = run.end().splitlines()
    assert "SIGTERM again: ended at once" in told[-1]
    assert "the next run asks Klaviyo" in told[-1]
    assert run.process.returncode == -signal.SIGTERM
    run.ahead[0], run.sandbox.job_seconds = 3600.0, 0.0
    again = running()
    again.write(PEOPLE)
    again.end()
    assert again.process.returncode == 0
    assert again.report["totals"]["delivered"] == 4


def test_no_hangup(running):
    """Under `nohup` the end of the terminal is nothing to a run."""
    run = running(ignored=[signal.SIGHUP])
    run.write(PEOPLE)
    assert run.wait_for_state() == 4
    run.process.send_signal(signal.SIGHUP)
    run.end()
    assert run.process.returncode == 0
    assert run.report["status"] == "successful"


def test_broken_pipe(running):
    """Nobody reads the STATE: what was delivered stands, and the end is that of a writer without a reader."""
    reader, writer = os.pipe()
    run = running(stdout=writer)
    os.close(writer)
    os.close(reader)
    run.write(PEOPLE)
    assert "STATE cannot be written" in run.end()
    assert run.process.returncode == -signal.SIGPIPE
    assert run.report["status"] == "canceled"
    assert run.report["totals"]["delivered"] == 4


def test_full_stdout(running):
    """STATE goes to a file on a full disk."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123  # a device
        run = running(stdout=full)
    run.write(PEOPLE)
    assert "STATE cannot be written" in run.end()
    assert run.process.returncode == 1
    assert run.report["status"] == "failed"
