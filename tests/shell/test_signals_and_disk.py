"""A signal, and a disk that fills up, in the command as a user runs it."""

from __future__ import annotations

import json
import logging
import select
import signal

import forks
import pytest
from pipeline import LIST, Pipeline, configure, record, schema, state, text

from target_klaviyo_segments.sandbox.app import Response
from target_klaviyo_segments.target import TargetKlaviyoSegments


@pytest.fixture
def start(server, tmp_path):
    """Start the command with a pipe for its input."""
    running = []

    def begin(**options):
        running.append(forks.Command(configure(server.url, tmp_path, batch_size_rows=2), **options))
        return running[-1]

    yield begin
    for process in running:
        process.__exit__()


def first_state(process):
    ready, _, _ = select.select([process.stdout], [], [], 30)
    assert ready, "no STATE came"
    return json.loads(process.stdout.readline())


def report(tmp_path):
    return json.loads((tmp_path / "work" / "report.json").read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_settles_what_is_under_way_and_reports_a_canceled_run(start, server, tmp_path, number):
    """STATE for what is settled, the sum right, and an end that a shell knows for a signal's."""
    process = start()
    lines = [schema(), record("a@x.io"), record("b@x.io"), record("c@x.io"), state(3)]
    process.stdin.write(text([*lines[:3], state(2), *lines[3:]]).encode())
    process.stdin.flush()
    assert first_state(process) == 2  # reading has begun, and settled something
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == -number
    assert b"Traceback" not in errors
    found = report(tmp_path)
    assert found["status"] == "canceled"
    told = f"stopped by {signal.Signals(number).name}: rows that were not under way were not sent. Run again"
    assert found["message"] == told
    assert told.encode() in errors
    assert (found["totals"]["read"], found["totals"]["delivered"], found["totals"]["failed"]) == (3, 2, 1)
    assert len(server.sandbox.members(LIST)) == 2


@pytest.mark.parametrize(("rows", "told"), [(4, True), (0, False)])
def test_who_stops_a_run_is_told_what_is_waited_for(tmp_path, caplog, rows, told):
    """At once, with how to end it without waiting; nothing when nothing is under way."""
    pipeline = Pipeline(tmp_path)
    pipeline.sandbox.job_seconds = 3000.0
    caplog.set_level(logging.WARNING, logger=TargetKlaviyoSegments.logger.name)
    lines = [schema(), *(record(f"p{number}@x.io") for number in range(rows))]

    def stopped_while_reading(target):
        take = target.run.exporter.state
        target.run.exporter.state = lambda value: (target._handle_termination(signal.SIGINT, None), take(value))

    assert not pipeline.run([*lines, state(rows)], begun=stopped_while_reading, batch_size_rows=2)
    assert pipeline.error == "stopped by SIGINT: rows that were not under way were not sent. Run again"
    assert pipeline.report["status"] == "canceled"
    pipeline.assert_balanced()
    words = "SIGINT: nothing more is read. Waiting up to 60 s for what is under way at Klaviyo, batches: 2; another"
    assert (words in caplog.text) == told


def test_a_signal_ends_the_wait_for_a_klaviyo_that_is_out_of_reach(tmp_path):
    """Before anything is sent: not in `retry_max_seconds`, which may be an hour."""
    pipeline = Pipeline(tmp_path)
    targets, asked = [], []

    def away(_request):
        asked.append(pipeline.clock.now())
        if len(asked) == 6:
            targets[0]._handle_termination(signal.SIGTERM, None)
        return Response(503)

    pipeline.sandbox.interceptors.append(away)
    lines = [schema(), record("a@x.io"), state(1)]
    assert not pipeline.run(lines, begun=targets.append, retry_max_seconds=3600)
    assert pipeline.error == "stopped by SIGTERM: rows that were not under way were not sent. Run again"
    assert len(asked) == 6
    assert pipeline.clock.now() - asked[-1] < 10
    assert pipeline.report["status"] == "canceled"


def test_a_state_goes_out_while_the_tap_is_silent(start):
    """A long run lets STATE out as soon as everything before it is settled."""
    process = start()
    lines = [schema(), record("a@x.io"), record("b@x.io"), state(2), record("c@x.io"), state(3)]
    process.stdin.write(text(lines).encode())
    process.stdin.flush()
    assert first_state(process) == 2


def test_a_disk_that_fills_up_ends_the_run_in_words(start, tmp_path):
    """Rejected rows that cannot be kept stop the run; no STATE passes them."""
    process = start(file_bytes=400_000)  # a disk that is full
    rows = [record("bad", note="x" * 900) for _ in range(1000)]
    out, errors = process.communicate(text([schema(), *rows, state(1)]).encode(), timeout=30)
    assert process.returncode == 1
    assert b"Traceback" not in errors
    assert b"rejected rows cannot be written to " in errors
    assert b": File too large. No STATE passes them; make room or change `work_dir` and run again" in errors
    assert out == b""
    assert report(tmp_path)["status"] == "failed"


def test_rejected_rows_that_cannot_be_kept_spoil_no_sum(tmp_path):
    """While the run breaks off for it, others come back that are rejected too."""
    pipeline = Pipeline(tmp_path)
    pipeline.work_dir.mkdir()
    (pipeline.work_dir / "rejects").write_text("somebody's file in the place of the folder")
    pipeline.sandbox.refuse_rows(lambda attributes: ("invalid", "bad") if "bad" in attributes["email"] else None)
    lines = [schema(), *(record(f"{'bad' if number % 2 else 'good'}{number}@x.io") for number in range(40)), state(1)]
    assert not pipeline.run(lines, batch_size_rows=2)
    assert "rejects" in pipeline.error
    assert pipeline.states == []
    assert pipeline.totals["read"] == 40
    pipeline.assert_balanced()
