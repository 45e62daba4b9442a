"""Suppressions among faults: whoever is reported as delivered is suppressed, and to ask twice changes nothing."""

from __future__ import annotations

import json
import signal

import forks
import pytest
from pipeline import Pipeline, configure, record, schema, state, text

from target_klaviyo_segments.sandbox.app import Response
from target_klaviyo_segments.sandbox.server import SandboxServer
from tests.faults.runs import new_sandbox

OFF = {"segments": {"optouts": {"sync_mode": "suppress"}}}


@pytest.fixture
def pipeline(tmp_path):
    """A target on a sandbox without a socket, and time that passes when somebody sleeps."""
    return Pipeline(tmp_path)


def rows(names, end=1):
    return [schema("optouts"), *(record(f"{name}@x.io", "optouts") for name in names), state(end)]


def people(names):
    return {f"{name}@x.io" for name in names}


def suppressed(sandbox):
    return {email for email in sandbox.profiles if "USER_SUPPRESSED" in sandbox.consent(email).suppressions}


def test_suppression_throttled_or_its_answer_lost(pipeline):
    """Asked again; a job that was begun twice does nothing twice."""
    answers = [Response(429, {"retry-after": "3"}, b""), "lost"]

    def trouble(request):
        if request.method != "POST" or not answers:
            return None
        answer = answers.pop(0)
        if answer != "lost":
            return answer
        pipeline.sandbox.handle(request)
        return Response(502, {}, b"")

    pipeline.sandbox.interceptors.append(trouble)
    assert pipeline.run(rows("ab"), **OFF), pipeline.error
    assert suppressed(pipeline.sandbox) == people("ab")
    assert (pipeline.totals["delivered"], pipeline.states) == (2, [1])


@pytest.mark.parametrize(("fate", "words"), [("cancelled", "was cancelled in Klaviyo"), ("processing", "after 60 s")])
def test_suppression_job_that_does_not_end_well(pipeline, fate, words):
    """Its rows have failed, the others are delivered, STATE stops before them, and the next run sends them."""
    pipeline.sandbox.plan_fates(fate, 1)
    lines = [*rows("ab"), *rows("cd", 2)[1:]]
    limits = {"batch_size_rows": 2, "max_in_flight": 1, "job_timeout_seconds": 60}
    assert not pipeline.run(lines, **OFF, **limits)
    assert "suppression job" in pipeline.error
    assert words in pipeline.error
    assert suppressed(pipeline.sandbox) == people("cd")
    assert (pipeline.totals["failed"], pipeline.totals["delivered"], pipeline.states) == (2, 2, [])
    pipeline.assert_balanced()
    assert pipeline.run(lines, **OFF, **limits), pipeline.error
    assert (suppressed(pipeline.sandbox), pipeline.states[-1]) == (people("abcd"), 2)


def test_signal_during_suppressions(pipeline):
    """The rest is not sent, and no STATE passes it."""
    targets = []

    def stop(request):
        if targets and request.method == "POST" and suppressed(pipeline.sandbox):
            targets.pop()._handle_termination(signal.SIGTERM, None)  # a second one would end the process

    pipeline.sandbox.interceptors.append(stop)
    lines = [schema("optouts")]
    for number in range(400):
        lines += [record(f"p{number}@x.io", "optouts"), state(number + 1)]
    assert not pipeline.run(lines, targets.append, **OFF, max_in_flight=1, batch_size_rows=10)
    assert "SIGTERM" in pipeline.error
    done = suppressed(pipeline.sandbox)
    assert 0 < len(done) < 400
    assert (pipeline.report["status"], pipeline.totals["delivered"]) == ("canceled", len(done))
    assert all(state <= len(done) for state in pipeline.states)
    pipeline.assert_balanced()


def test_suppressions_of_a_killed_run(tmp_path):
    """The next run is given the rows again, for no STATE passed them, and writes the report of the killed one."""
    sandbox = new_sandbox(limits=False)
    sandbox.plan_fates("complete", 1)
    sandbox.job_status_override("processing", 1)
    work_dir = tmp_path / "work"
    with SandboxServer(sandbox) as server:
        changes = OFF | {"batch_size_rows": 2, "max_in_flight": 1}  # else the second job may come before the first
        with forks.Command(configure(server.url, tmp_path, list_id=..., **changes)) as run:
            run.stdin.write(text([*rows("ab"), *rows("cd", 2)[1:]]).encode())
            run.stdin.flush()
            assert run.stdout.readline() == b"1\n"  # the first job has ended, the second never does
            run.kill()
    assert suppressed(sandbox) == people("ab")
    pipeline = Pipeline(tmp_path)
    pipeline.sandbox = sandbox
    assert pipeline.run(rows("cd", 2), **OFF), pipeline.error
    assert (suppressed(sandbox), pipeline.states) == (people("abcd"), [2])
    killed, _ = sorted((json.loads(path.read_text()) for path in (work_dir / "reports").glob("*.json")), key=_began)
    counts = killed["streams"]["optouts"]
    assert (counts["delivered"], counts["failed"]) == (2, counts["read"] - 2)


def _began(report):
    return report["started_at"]
