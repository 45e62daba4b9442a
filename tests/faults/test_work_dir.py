"""A work directory that is full, read-only, damaged, somebody else's or in use."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing

import forks
import pytest
from pipeline import LIST, Pipeline, command, configure, record, schema, state, text

from target_klaviyo_segments.sandbox.server import SandboxServer
from tests.faults.runs import FATES, new_sandbox

LINES = [schema(), *(record(f"p{n}@x.io", note="x" * 500) for n in range(400)), record("bad"), state(1)]
# Bytes that a file may have: from nothing at all to enough for everything.
SIZES = [0, 1_000, 5_000, 20_000, 40_000, 60_000, 80_000, 100_000, 130_000, 180_000, 260_000, 1_000_000]


@pytest.fixture
def box():
    """A sandbox behind a socket, which ends with the test."""
    sandbox = new_sandbox(limits=False)
    with SandboxServer(sandbox) as server:
        sandbox.url = server.url
        yield sandbox


def run(folder, url, **options):
    """The command, in small jobs."""
    return forks.run(configure(url, folder, batch_size_rows=100), input=text(LINES).encode(), **options)


def assert_told(done, *words):
    """One line of ours, the last, and no traceback."""
    errors = done.stderr.decode()
    assert done.returncode == 1, errors
    assert "Traceback" not in errors
    assert [" | ERROR " in line for line in errors.splitlines()].index(True) == errors.count("\n") - 1, errors
    assert any(word in errors for word in words), errors


def assert_whole(folder, box):
    """A run with nothing in its way makes the list whole."""
    done = run(folder, box.url)
    assert done.returncode == 0, done.stderr.decode()
    assert {each["email"] for each in box.members(LIST)} == {f"p{n}@x.io" for n in range(400)}
    totals = json.loads((folder / "work" / "report.json").read_text())["totals"]
    assert totals["read"] == 401 == sum(totals[fate] for fate in FATES)


@pytest.mark.parametrize("size", SIZES)
def test_full_disk(tmp_path, box, size):
    """Whichever write meets the end of the disk: words, no STATE before delivery, and the next run is whole."""
    done = run(tmp_path, box.url, file_bytes=size)
    if done.returncode:
        assert_told(done, "work_dir", "disk", "cannot be used", "cannot be written")
    if done.stdout:
        assert len(box.members(LIST)) == 400
    assert_whole(tmp_path, box)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes wherever it likes")
def test_read_only_work_dir(tmp_path, box):
    """Told before anything is read."""
    (tmp_path / "work").mkdir(mode=0o500)
    assert_told(run(tmp_path, box.url), "work_dir")
    assert not box.members(LIST)


def test_work_dir_that_is_a_file(tmp_path, box):
    """Told before anything is read, for root as well."""
    (tmp_path / "work").write_text("not a folder")
    assert_told(run(tmp_path, box.url), "work_dir")
    assert not box.members(LIST)


def test_corrupt_ledger(tmp_path, box):
    """Set aside and never deleted; the run goes on with a new one and says what that means."""
    assert_whole(tmp_path, box)
    ledger = tmp_path / "work" / "ledger.sqlite3"
    ledger.write_bytes(b"\0" * 5000 + ledger.read_bytes()[5000:])
    done = run(tmp_path, box.url)
    assert done.returncode == 0, done.stderr.decode()
    assert b"set aside" in done.stderr
    others = [path for path in ledger.parent.iterdir() if path.is_file() and path != ledger]
    assert any(path.read_bytes()[:5000] == b"\0" * 5000 for path in others)
    assert_whole(tmp_path, box)


def test_ledger_of_another_program(tmp_path, box):
    """Refused and left as it is."""
    (tmp_path / "work").mkdir()
    path = tmp_path / "work" / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    assert_told(run(tmp_path, box.url), "ledger.sqlite3")
    assert path.read_bytes() == before
    assert not box.members(LIST)


def test_second_run_at_the_same_time(tmp_path, box):
    """Told which process has the ledger; the first is not disturbed."""
    arguments = configure(box.url, tmp_path, batch_size_rows=2)
    with forks.Command(arguments) as first:
        first.stdin.write(text([schema(), record("a@x.io"), record("b@x.io"), state(2), record("c@x.io")]).encode())
        first.stdin.flush()
        assert json.loads(first.stdout.readline()) == 2
        second = forks.run(arguments)
        assert_told(second, f"process {first.pid}")
        _, errors = first.communicate(timeout=60)
    assert first.returncode == 0, errors.decode()
    assert len(box.members(LIST)) == 3


def test_key_in_a_readable_config(tmp_path, box):
    """A warning, and on: Meltano and containers have their reasons."""
    path = tmp_path / "config.json"
    for mode, warned in ((0o640, True), (0o600, False)):
        path.touch()
        path.chmod(mode)
        done = command([schema(), record("a@x.io")], box.url, tmp_path, alert_webhook_url="http://127.0.0.1:9/secret")
        assert done.returncode == 0
        assert (b"chmod 600" in done.stderr) == warned


def test_report_of_a_crashed_run(tmp_path):
    """The next run writes it: what was counted, what had arrived, and the rest as failed."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([schema(), record("a@x.io"), state(1)])
    run_id = pipeline.report["run_id"]
    with closing(sqlite3.connect(pipeline.work_dir / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE runs SET ended = NULL, status = NULL")
    path = pipeline.work_dir / "reports" / f"{run_id}.json"
    path.unlink()
    assert pipeline.run([schema(), record("b@x.io"), state(2)])
    report = json.loads(path.read_text())
    assert report["status"] == "failed"
    assert "killed" in report["message"]
    assert report["totals"]["read"] == report["totals"]["delivered"] == report["totals"]["jobs"] == 1
    assert pipeline.report["run_id"] != run_id
    (earlier,) = pipeline.report["earlier_runs"]
    assert (earlier["run_id"], earlier["delivered"], earlier["seconds"]) == (run_id, 1, None)


def test_rejects_of_a_crashed_run(tmp_path):
    """Kept since it last wrote down its counts, they are in its report all the same."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([schema(), record("a@x.io"), record(None), record("b")])
    run_id = pipeline.report["run_id"]
    with closing(sqlite3.connect(pipeline.work_dir / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE runs SET ended = NULL, status = NULL, counts = '{}'")
    path = pipeline.work_dir / "reports" / f"{run_id}.json"
    path.unlink()
    assert pipeline.run([schema()])
    report = json.loads(path.read_text())
    assert report["totals"]["read"] == report["totals"]["rejected"] == 2
    assert report["rejects_file"] == str(pipeline.work_dir / "rejects" / f"{run_id}.jsonl")


def ledger_that(path, *, takes_the_end):
    """Of a disk that is full just when a run notes in it how it ended; or of one that has room again."""
    trouble = """
        CREATE TRIGGER full BEFORE UPDATE OF ended ON runs BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END
    """
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute("DROP TRIGGER full" if takes_the_end else trouble)


@pytest.mark.parametrize("bad", [0, 30])
def test_full_disk_at_the_end_of_a_run(tmp_path, bad):
    """It failed, says the exit status, for this or an earlier reason; so says its report, and so does the next run."""
    pipeline = Pipeline(tmp_path)
    ledger = pipeline.work_dir / "ledger.sqlite3"
    assert pipeline.run([schema(), record("a@x.io"), state(1)])
    ledger_that(ledger, takes_the_end=False)
    rows = [record("b@x.io"), *(record(f"bad {number}") for number in range(bad))]
    assert not pipeline.run([schema(), *rows, state(2)])
    failed = pipeline.report
    assert (failed["status"], failed["message"]) == ("failed", pipeline.error)
    assert ("30 of 31 rows were rejected" if bad else f"the ledger {ledger} cannot be used: the disk is full") in (
        pipeline.error
    )
    assert "failed" in (pipeline.work_dir / "report.html").read_text()
    assert failed["totals"]["delivered"] == 1
    pipeline.assert_balanced()
    ledger_that(ledger, takes_the_end=True)
    assert pipeline.run([schema(), record("c@x.io"), state(3)])
    (earlier, _) = pipeline.report["earlier_runs"]
    assert (earlier["run_id"], earlier["status"], earlier["delivered"]) == (failed["run_id"], "failed", 1)
    path = pipeline.work_dir / "reports" / f"{failed['run_id']}.json"
    assert json.loads(path.read_text()) == failed
