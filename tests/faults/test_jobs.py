"""Import jobs that do not end as they should. A 202 is not a delivery."""

from __future__ import annotations

import json

import pytest
from pipeline import Pipeline, record

from target_klaviyo_segments.sandbox.app import Response
from tests.faults import acts
from tests.faults.catalogue import JOBS
from tests.faults.network import Trouble
from tests.faults.runs import expected, new_sandbox, run_inside, segment

HEADERS = {"content-type": "application/vnd.api+json"}
ROWS = "/data/attributes/profiles/data"


@pytest.fixture
def pipeline(tmp_path):
    """A target on a sandbox without a socket, and time that passes when somebody sleeps."""
    return Pipeline(tmp_path)


def assert_one_job_lost(pipeline, words):
    """Ten rows of one job have failed, the others are on the list, and STATE stops before them."""
    assert words in pipeline.error
    pipeline.assert_balanced()
    assert pipeline.totals["failed"] == 10
    assert pipeline.totals["delivered"] == 20
    assert all(state < 20 for state in pipeline.states)


def assert_next_run_is_whole(pipeline):
    lines = segment()
    assert pipeline.run(lines, batch_size_rows=10), pipeline.error
    assert set(pipeline.members()) == expected(lines)
    assert pipeline.states[-1] == 30


def test_job_that_never_ends(pipeline):
    """`job_timeout_seconds` ends the waiting."""
    pipeline.sandbox.plan_fates("complete", 1)
    pipeline.sandbox.job_status_override("processing")
    assert not pipeline.run(segment(), batch_size_rows=10, max_in_flight=1, job_timeout_seconds=60)
    assert_one_job_lost(pipeline, "still processing after 60 s")


def test_job_of_unknown_status(pipeline):
    """A status that Klaviyo invents tomorrow is waited for, and no longer."""
    pipeline.sandbox.plan_fates("complete", 1)
    pipeline.sandbox.job_status_override("paused")
    assert not pipeline.run(segment(), batch_size_rows=10, max_in_flight=1, job_timeout_seconds=60)
    assert_one_job_lost(pipeline, "still paused after 60 s")


def test_job_cancelled(pipeline):
    """Nothing of a cancelled job was imported."""
    pipeline.sandbox.plan_fates("complete", 1)
    pipeline.sandbox.cancel_jobs(1)
    assert not pipeline.run(segment(), batch_size_rows=10, max_in_flight=1)
    assert_one_job_lost(pipeline, "was cancelled in Klaviyo; 10 rows of `people` were not delivered: run again")
    assert_next_run_is_whole(pipeline)


def test_job_behind_those_of_others(pipeline):
    """Other integrations fill the listing without end: each job is asked for by itself."""
    asked = []

    def listing(request):
        if request.method != "GET" or request.path.rstrip("/") != JOBS:
            return None
        asked.append(request)
        jobs = [{"type": "x", "id": f"other-{n}", "attributes": {"status": "complete"}} for n in range(100)]
        following = f"http://127.0.0.1:9{JOBS}?page={len(asked)}"
        return Response(200, HEADERS, json.dumps({"data": jobs, "links": {"next": following}}).encode())

    pipeline.sandbox.interceptors.append(listing)
    assert pipeline.run(segment(), batch_size_rows=10), pipeline.error
    assert set(pipeline.members()) == expected(segment())
    assert len(asked) < 50


def test_import_errors_unreadable(pipeline):
    """A job whose errors cannot be read is not delivered."""
    pipeline.sandbox.interceptors.append(
        lambda request: Response(500, HEADERS) if request.path.rstrip("/").endswith("import-errors") else None
    )
    assert not pipeline.run(segment(), batch_size_rows=10, retry_max_seconds=5)
    assert "500" in pipeline.error
    assert pipeline.totals["delivered"] == 0
    assert pipeline.states == []
    pipeline.assert_balanced()


def test_second_page_of_errors_unreadable(pipeline):
    """Half of the errors are no answer: a refused row must not pass for a delivered one."""
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if int(row["email"][1:-5]) < 250 else None)
    pipeline.sandbox.interceptors.append(
        lambda request: (
            Response(500, HEADERS) if "import-errors" in request.path and "cursor" in request.query else None
        )
    )
    assert not pipeline.run(segment(400, every=400), retry_max_seconds=5)
    assert pipeline.totals["delivered"] == 0
    pipeline.assert_balanced()


def test_one_row_named_in_a_400(pipeline):
    """The row is rejected, the others go again."""
    pipeline.sandbox.refuse_at_submit(lambda row: "no" if row["email"] == "p3@x.io" else None)
    lines = segment()
    assert pipeline.run(lines, batch_size_rows=10), pipeline.error
    assert set(pipeline.members()) == expected(lines) - {"p3@x.io"}
    pipeline.assert_balanced()


def test_body_too_large_for_klaviyo(pipeline):
    """A 413 halves the batch until it fits."""
    refused = []

    def small(request):
        if request.method == "POST" and len(request.body) > 400:
            refused.append(request)
            return Response(413, HEADERS)
        return None

    pipeline.sandbox.interceptors.append(small)
    lines = segment()
    assert pipeline.run(lines, batch_size_rows=10), pipeline.error
    assert refused
    assert set(pipeline.members()) == expected(lines)
    pipeline.assert_balanced()


def test_400_without_reason(pipeline):
    """When Klaviyo names no row the batch is halved until the bad one stands alone."""

    def vague(request):
        if request.method == "POST" and b"p3@x.io" in request.body:
            body = {"errors": [{"id": "x", "code": "invalid", "title": "No.", "detail": "Something is wrong."}]}
            return Response(400, HEADERS, json.dumps(body).encode())
        return None

    pipeline.sandbox.interceptors.append(vague)
    lines = segment()
    assert pipeline.run(lines, batch_size_rows=10), pipeline.error
    assert set(pipeline.members()) == expected(lines) - {"p3@x.io"}
    pipeline.assert_balanced()


def answer_to(pipeline, end, status, body=b""):
    """The same answer to each request whose path ends so."""
    pipeline.sandbox.interceptors.append(
        lambda request: Response(status, HEADERS, body) if request.path.rstrip("/").endswith(end) else None
    )


def page(*resources):
    return json.dumps({"data": resources, "links": {"next": None}}).encode()


def test_400_about_a_row_that_was_not_sent(pipeline):
    """Nobody can be taken out for it, so nothing is guessed: the rows failed."""
    answer_to(pipeline, JOBS, 400, json.dumps({"errors": [{"source": {"pointer": f"{ROWS}/99"}}]}).encode())
    assert not pipeline.run(segment(), batch_size_rows=10)
    assert pipeline.error.startswith("Klaviyo answers 400 to Bulk Import Profiles: 1 rows refused; ")
    assert "; the rows that it names were not in the request" in pipeline.error
    assert (pipeline.totals["delivered"], pipeline.totals["rejected"]) == (0, 1)
    assert pipeline.states == []
    pipeline.assert_balanced()


def test_failed_rows_that_nobody_names(pipeline):
    """Whoever the job did not bring in is the one, and the reason says how it was found."""
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if row["email"] == "p3@x.io" else None)
    answer_to(pipeline, "import-errors", 200, page())
    lines = segment()
    assert pipeline.run(lines, batch_size_rows=10), pipeline.error
    assert set(pipeline.members()) == expected(lines) - {"p3@x.io"}
    reasons = {row["record"]["email"]: row["reason"] for row in pipeline.rejects()}
    assert reasons["p3@x.io"] == "Klaviyo counts 1 failed rows in the import job and names fewer"
    pipeline.assert_balanced()


def test_people_of_a_job_unreadable(pipeline):
    """A row failed, and whose it is cannot be found out: none of the job counts as delivered."""
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if row["email"] == "p3@x.io" else None)
    answer_to(pipeline, "import-errors", 200, page())
    answer_to(pipeline, "/profiles", 404)
    assert not pipeline.run(segment(), batch_size_rows=10, max_in_flight=1)
    assert_one_job_lost(
        pipeline, ": the people that it brought in cannot be read; 10 rows of `people` were not delivered"
    )


def test_every_row_refused(pipeline):
    """A list or an account that refuses everything is not a list of bad rows."""
    pipeline.sandbox.refuse_rows(lambda _row: ("invalid", "nobody"))
    assert not pipeline.run(segment(40), batch_size_rows=10)
    assert "`max_rejected_percent`" in pipeline.error
    assert pipeline.totals["delivered"] == 0
    pipeline.assert_balanced()


def test_person_in_two_streams(pipeline):
    """Klaviyo drops a person who is in two open jobs: the second waits for the first."""
    pipeline.sandbox.job_seconds = 30
    both = [{**segment(10)[0], "stream": "others"}]
    both += [record(f"p{n}@x.io", "others", seen="twice") for n in range(10)]
    assert pipeline.run([*segment(10), *both], batch_size_rows=10), pipeline.error
    assert pipeline.totals["rejected"] == 1
    assert set(pipeline.members()) == expected(segment(10))
    pipeline.assert_balanced()


@pytest.mark.parametrize("seconds", [10, 1_000])
def test_lost_answer_of_a_slow_job(open_network, tmp_path, hasty, seconds):
    """The job was begun, its answer lost, and it is not over: its people must not be told to be refused."""
    hasty.job_seconds = seconds
    network = open_network(hasty, Trouble(acts.do_and_reset))
    outcome = run_inside(segment(), network.url, tmp_path, hasty)
    outcome.assert_sound()
    assert outcome.totals["rejected"] == 1
    outcome.assert_whole()


def test_job_id_given_twice(open_network, tmp_path):
    """Two answers with one id: nobody can tell which rows which job holds, so none of them is delivered."""
    sandbox = new_sandbox()
    answers = []

    def remember(exchange):
        answers.append(exchange.forward())
        exchange.reply(answers[0].status, answers[0].body)

    network = open_network(sandbox, Trouble(remember, times=None))
    outcome = run_inside(segment(), network.url, tmp_path, sandbox, max_in_flight=1)
    outcome.assert_sound()
