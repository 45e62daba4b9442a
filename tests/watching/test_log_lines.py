"""A log of a run: few lines, whose levels say whether anybody must do something, and no address in any."""

from __future__ import annotations

import json
import logging
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import LIST, command, record, schema, state

from target_klaviyo_segments.export.lane import Export, Lane
from target_klaviyo_segments.meters import Meters
from target_klaviyo_segments.sandbox.app import Response, Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer
from target_klaviyo_segments.watching import Numbers, Watch
from target_klaviyo_segments.watching.export_lines import ExportLines
from target_klaviyo_segments.watching.numbers import Rate, in_words
from target_klaviyo_segments.watching.retry_lines import RetryLines

PEOPLE = [schema(), *(record(f"p{n}@x.io") for n in range(30)), record("bad"), state(1)]


def said(caplog, words):
    return [line for line in caplog.records if words in line.getMessage()]


def test_beginning_middle_and_end(pipeline, caplog):
    """Once that it begins, each half minute how far it is, each export once it is over; in words and in fields."""
    pipeline.sandbox.job_seconds = 100
    assert pipeline.run(PEOPLE, batch_size_rows=5, max_profiles_per_export=10)
    run = pipeline.report["run_id"]
    assert [line.getMessage() for line in said(caplog, "begins")] == [f"run {run} of connection klaviyo begins"]
    far = said(caplog, "batches under way")
    assert 1 <= len(far) <= 40
    assert 0 <= far[-1].rows_delivered <= far[-1].rows_read <= 31
    assert f"run {run} of connection klaviyo: read {far[-1].rows_read}, delivered " in far[-1].getMessage()
    exports = said(caplog, "is over")
    assert [line.export["number"] for line in exports] == [1, 2, 3]
    assert {line.stream_name for line in exports} == {"people"}
    assert (
        exports[0]
        .getMessage()
        .startswith(
            "stream `people`: export 1 to the list People (Y6nRLr) is over: 10 profiles, 10 delivered, 2 jobs in "
        )
    )
    assert {line.levelname for line in caplog.records} == {"INFO"}
    assert "@x.io" not in caplog.text


def test_a_klaviyo_that_is_away_is_told_now_and_then(pipeline, caplog):
    """Not by each of the requests that wait for it: at once, then each half minute, with how often meanwhile."""
    until = pipeline.clock.now() + 200
    pipeline.sandbox.interceptors.append(
        lambda request: Response(503) if "import" in request.path and pipeline.clock.now() < until else None
    )
    assert pipeline.run(PEOPLE, batch_size_rows=2), pipeline.error
    assert pipeline.totals["delivered"] == 30
    told = [line.getMessage() for line in said(caplog, "; again in ")]
    assert 2 <= len(told) <= 9
    assert {line.levelname for line in said(caplog, "; again in ")} == {"WARNING"}
    assert "times more" not in told[0]
    assert any("times more since this was said last" in line for line in told[1:])


def test_how_often_a_reason_came_is_told_in_the_end(caplog):
    """Answers that differ by Klaviyo's name for them alone are one reason; another reason is told at once."""
    at = [1000.0]
    tell = RetryLines(logging.getLogger("retries"), "shop", lambda: at[0])
    for number in range(40):
        tell(f"Klaviyo answers 503 to Get Lists (id {number}): later", 0.5)
        at[0] += 1.0
    tell("Klaviyo cannot be reached", 0.5)
    first, second, other = [line.getMessage() for line in caplog.records]
    assert first == "connection shop: Klaviyo answers 503 to Get Lists (id 0): later; again in 0.5 s"
    assert second.endswith("(id 30): later; again in 0.5 s; 29 times more since this was said last")
    assert other == "connection shop: Klaviyo cannot be reached; again in 0.5 s"


def test_reasons_that_are_all_different_are_all_told(caplog):
    """And do not pile up."""
    tell = RetryLines(logging.getLogger("retries"), "shop", lambda: 0.0)
    for number in range(120):
        tell(f"reason {number}", 0.5)
    assert len(caplog.records) == 120
    assert len(tell._told) <= 50


def test_a_short_run_says_little(pipeline, caplog):
    """Nothing of half minutes that it did not last."""
    assert pipeline.run(PEOPLE)
    assert not said(caplog, "batches under way")
    assert len(caplog.records) < 18


def test_an_export_that_did_not_work_is_a_warning(pipeline, caplog):
    """With what became of it, before the report."""
    pipeline.sandbox.job_seconds = 10_000
    assert not pipeline.run(PEOPLE, job_timeout_seconds=60)
    (line,) = said(caplog, "is over")
    assert line.levelname == "WARNING"
    assert "30 profiles, 0 delivered, 30 failed" in line.getMessage()


def test_rows_that_were_not_delivered_have_their_file_named(pipeline, caplog):
    """And that they come again: in the last of the five lines, where there are any."""
    assert pipeline.run(PEOPLE)
    assert not said(caplog, "not delivered, run again")
    pipeline.sandbox.job_seconds = 10_000
    assert not pipeline.run(PEOPLE, job_timeout_seconds=60)
    (line,) = said(caplog, "report: ")[1:]
    report = pipeline.report
    assert (
        f"rejects: {report['rejects_file']}; not delivered, run again: {report['failed_file']}; " in line.getMessage()
    )


def test_many_exports_are_not_all_told(caplog):
    """The report has them; the log says so."""
    caplog.set_level(logging.INFO)
    lane = Lane("people", "people", "Y6nRLr", filling=None, later=None, rows_a_job=10_000, leaving=None)
    lane.exports = [Export(n + 1, profiles=1, delivered=1, jobs=1, closed=n < 52) for n in range(53)]
    lines = ExportLines(logging.getLogger("exports"), {"people": lane}, str.lower)
    lines.show(None, 0.0)
    lines.show(None, 1.0)
    lines.end("successful")
    assert len(said(caplog, "to the list y6nrlr is over: 1 profiles, 1 delivered, 1 jobs")) == 50
    assert said(caplog, "3 exports more are over: the report has them all")


def metrics(caplog):
    return [line.args[0].to_dict() for line in caplog.records if line.name == "singer_sdk.metrics"]


def test_metrics_of_the_sdk(pipeline, caplog):
    """Rows, batches and rejects of each stream, as the report has them, and the time."""
    others = [schema("vips"), record("v@x.io", "vips")]
    assert pipeline.run([*PEOPLE, *others], batch_size_rows=10)
    found = {(point["metric"], point["tags"].get("stream")): point for point in metrics(caplog)}
    values = {key: point["value"] for key, point in found.items()}
    assert values.pop(("sync_duration", None)) > 0
    assert values == {
        ("record_count", "people"): 31,
        ("batch_count", "people"): pipeline.report["streams"]["people"]["jobs"],
        ("reject_count", "people"): 1,
        ("record_count", "vips"): 1,
        ("batch_count", "vips"): 1,
    }
    assert {point["type"] for point in found.values()} == {"counter", "timer"}
    assert found["sync_duration", None]["tags"]["status"] == "succeeded"
    assert not pipeline.run([schema(), "no JSON"])
    assert metrics(caplog)[-1]["tags"]["status"] == "failed"


def test_the_level_of_metrics(pipeline, caplog, monkeypatch):
    """By the variable of the SDK: who wants warnings alone gets no metrics."""
    monkeypatch.setenv("TARGET_KLAVIYO_SEGMENTS_LOGLEVEL", "WARNING")
    assert pipeline.run(PEOPLE)
    assert not metrics(caplog)


class Stream:
    """A lane as far as it is metered."""

    def __init__(self, name):
        self.stream, self.exports = name, [Export(1)]
        self.tally = type("Tally", (), {"read": 0, "rejected": 0})()


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 9), st.integers(0, 9)), max_size=30), st.booleans())
def test_any_metrics_sum_up(steps, often):
    """However often lines are written, their sum is what came; streams without end share the last lines."""
    log, points = logging.getLogger("singer_sdk.metrics"), []
    handler = logging.Handler()
    handler.emit = lambda line: points.append(line.args[0].to_dict())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        lanes = {}
        meters = Meters(lanes, every_seconds=-1.0 if often else 60.0)
        for stream, rows, rejects in steps:
            lane = lanes.setdefault(stream, Stream(f"s{stream}"))
            lane.tally.read += rows + rejects
            lane.tally.rejected += rejects
            meters.show(None, 0.0)
        meters.end("successful")
    finally:
        log.removeHandler(handler)
    counted = {
        name: sum(p["value"] for p in points if p["metric"] == name) for name in ("record_count", "reject_count")
    }
    assert counted["record_count"] == sum(rows + rejects for _, rows, rejects in steps)
    assert counted["reject_count"] == sum(rejects for *_, rejects in steps)
    assert len({point["tags"].get("stream") for point in points}) <= 22
    assert len([p for p in points if p["type"] == "timer"]) == 1


class Recorder:
    def __init__(self):
        self.shown, self.ends = [], []

    def show(self, numbers, now):
        self.shown.append((numbers, now))

    def end(self, status):
        self.ends.append(status)


def test_a_few_times_a_second_at_most():
    """However often it is asked to look; and the end comes once."""
    instants = iter(range(100_000))
    recorder = Recorder()
    watch = Watch(lambda: "numbers", [recorder], lambda: next(instants) / 10_000)
    for _ in range(99_000):
        watch.look()
    assert len(recorder.shown) == 39  # in ten seconds
    watch.end("successful")
    watch.end("failed")
    watch.look()
    assert recorder.ends == ["successful"]


def test_looking_takes_a_hundredth_of_the_time():
    """With streams without end a look takes long, and comes as seldom."""
    worked, looks = [0.0], []

    def numbers():
        looks.append(worked[0])
        worked[0] += 0.1

    instants = iter(range(10_000))
    watch = Watch(numbers, [], lambda: next(instants) / 100, lambda: worked[0])
    for _ in range(9_999):
        watch.look()
    assert len(looks) == 10  # in a hundred seconds


def test_the_rate_is_of_late():
    """Ten thousand rows that come at once are a rate over half a minute; what was long ago counts no more."""
    rate = Rate()
    assert rate.of(0, 0.0) == 0.0
    assert rate.of(3_000, 30.0) == 100.0
    assert rate.of(3_000, 45.0) == pytest.approx(3_000 / 45)
    assert rate.of(3_000, 90.0) == 0.0


def test_waiting_for_the_quota_is_told_when_one_would_see_it():
    """A request always waits a little."""
    rows = {"read": 1_234_567, "delivered": 0, "rejected": 3, "unchanged": 0, "merged": 0, "removed": 0, "filtered": 0}
    short, long = (in_words(Numbers({**rows, "failed": 0}, 7, seconds), 9_500.4) for seconds in (0.9, 23.4))
    assert short == "read 1,234,567, delivered 0, rejected 3; batches under way 7; 9,500 rows/s"
    assert long == short.replace("; batches", "; waiting 23 s for Klaviyo's quota; batches")


def test_json_lines_for_who_reads_them_by_program(tmp_path):
    """What Meltano sets up by `structured-logging`: each line has its level and its message, and no address."""
    path = tmp_path / "logging.yaml"
    formatter = {"()": "singer_sdk.logging.StructuredFormatter"}
    handler = {"class": "logging.StreamHandler", "formatter": "structured", "stream": "ext://sys.stderr"}
    path.write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"structured": formatter},
                "handlers": {"console": handler},
                "root": {"level": "DEBUG", "handlers": ["console"]},
            }
        )
    )
    sandbox = Sandbox(limits=False)
    sandbox.add_list(LIST, "People")
    lines = [*PEOPLE, '"p1@x.io"']
    with SandboxServer(sandbox) as server:
        done = command(
            lines, server.url, tmp_path, environment={"SINGER_SDK_LOG_CONFIG": str(path), "LOGLEVEL": "DEBUG"}
        )
    assert done.returncode == 1
    found = [json.loads(line) for line in done.stderr.decode().splitlines()]
    assert all(
        line.keys() >= {"level", "pid", "logger_name", "ts", "thread_name", "app_name", "message"} for line in found
    )
    messages = {line["message"]: line for line in found}
    (begins,) = [line for message, line in messages.items() if message.endswith("begins")]
    assert begins["level"] == "info"
    assert messages["rows: read 31, delivered 30, rejected 1"]["level"] == "info"
    assert [line["level"] for line in found][-1] == "error"
    (end,) = [line for message, line in messages.items() if ": failed in " in message]
    report = json.loads((tmp_path / "work" / "report.json").read_text())
    assert end["message"] == (
        f"run {report['run_id']} of connection {report['connection']}: {report['status']} in {report['seconds']:.1f} s"
    )
    page, requests = tmp_path / "work" / "report.html", report["requests"]
    assert f"report: {page}; rejects: {report['rejects_file']}; requests: {requests}, throttled: 0" in messages
    assert (end["extra"]["status"], end["extra"]["rows_delivered"]) == ("failed", 30)
    points = [line["metric_info"] for line in found if line["message"] == "METRIC"]
    assert {"record_count", "batch_count", "reject_count", "sync_duration"} == {point["metric"] for point in points}
    assert any(line["stream_name"] == "people" and line["extra"]["export"]["delivered"] == 30 for line in found)
    assert not re.search(r"p\d+@x\.io|p\d+%40x", done.stderr.decode())
