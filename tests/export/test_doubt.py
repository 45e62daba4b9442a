"""Rows of which nobody can tell whether Klaviyo took them: failed, and in the ledger as perhaps on the list."""

from __future__ import annotations

import json

import pytest
from bench import Bench
from doubles import ModelKlaviyo

from target_klaviyo_segments.errors import KlaviyoError, RunStopped, Transient
from target_klaviyo_segments.export.resume import Resume


class Unanswered(ModelKlaviyo):
    """Gives no second answer: `lost` says whether the second request may have come through."""

    def __init__(self, *, lost, stopped=False):
        super().__init__()
        self.lost, self.stopped = lost, stopped

    def submit_import(self, list_id, payloads):
        if not self.jobs:
            return super().submit_import(list_id, payloads)
        try:
            raise Transient("no answer", answer_lost=self.lost)  # noqa: TRY301  # as the client does
        except Transient as error:
            if self.stopped:
                raise RunStopped("the run was interrupted")  # noqa: B904  # as a wait between two tries does
            raise KlaviyoError("given up") from error


def perhaps(bench, list_id="LIST01"):
    """Who is a member, and that none of them is taken for unchanged."""
    found = list(bench.ledger.members(list_id))
    for each in range(-5, 5):
        assert bench.ledger.unchanged(list_id, found, [each] * len(found), stream="people", delivered_since=0) == []
    return found


@pytest.mark.parametrize("trouble", [{"stuck_jobs": {1}}, {"cancelled_jobs": {1}}])
def test_people_of_a_job_that_did_not_end_well_may_be_on_the_list(bench, trouble):
    """One that is cancelled, or takes too long, may have brought some of them in."""
    run = bench(ModelKlaviyo(**trouble), job_timeout_seconds=60)
    run.read("a")
    assert run.finish()
    assert run.lane().tally.failed == 1
    assert perhaps(run) == ["a@x.io"]


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("lost", [True, False])
def test_a_batch_whose_answer_was_lost_for_good_may_be_on_the_list(bench, lost, stopped):
    """Whoever was not yet tried is not; nor is anybody whose request never went out."""
    run = bench(Unanswered(lost=lost, stopped=stopped), batch_rows=2, max_in_flight=1)
    for name in "abcdef":
        run.read(name)
    assert not run.finish()
    assert list(run.ledger.members("LIST01")) == [f"{name}@x.io" for name in ("abcd" if lost else "ab")]
    assert run.lane().tally.delivered == 2
    assert run.lane().tally.failed == 4


def resumed(folder, klaviyo, settled=()):
    """What a run finds after one that was killed with a job of a, b and c, `settled` of which had their fates."""
    emails = ["a@x.io", "b@x.io", "c@x.io"]
    first = Bench(folder, klaviyo)
    columns = {"emails": emails, "numbers": [1, 2, 3], "fingerprints": [1, 2, 3], "keys": [None] * 3}
    intent = first.ledger.intend("run-1", stream="people", list_id="LIST01", **columns)
    payloads = [json.dumps({"attributes": {"email": email}}).encode() for email in emails]
    first.ledger.submitted(intent, klaviyo.submit_import("LIST01", payloads), range(3))
    first.ledger.settle(intent, undelivered=settled)
    first.ledger.close()
    list(klaviyo.import_jobs())
    following = Bench(folder, klaviyo, run_id="run-2")
    resume = Resume(klaviyo, following.ledger, known_jobs={"job-1"}, clock=following.clock, job_timeout_seconds=60)
    return following, dict(resume.settle()["run-1", "people"])


@pytest.mark.parametrize(
    "trouble", [{"stuck_jobs": {1}}, {"cancelled_jobs": {1}}, {"ends_as": "failed"}, {"counts_too_many": 1}]
)
def test_a_run_that_is_not_told_how_a_job_ended_leaves_it_open_who_is_on_the_list(tmp_path, trouble):
    """The run that began the job was killed."""
    following, counts = resumed(tmp_path, ModelKlaviyo(**trouble))
    assert counts == {"delivered": 0, "undelivered": 3}
    assert perhaps(following) == ["a@x.io", "b@x.io", "c@x.io"]


@pytest.mark.parametrize("settled", [(), (1,)])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("trouble", [{}, {"unexplained": {"c@x.io"}}])
def test_a_run_that_asks_how_a_job_ended_takes_nobody_for_delivered_who_is_not(tmp_path, settled, times, trouble):
    """A row was refused, perhaps by two errors; another failed without one; and the killed run knew some of it."""
    klaviyo = ModelKlaviyo(bad_when_imported={"b@x.io"}, tells_errors_times=times, **trouble)
    following, counts = resumed(tmp_path, klaviyo, settled)
    arrived = ["a@x.io"] if trouble else ["a@x.io", "c@x.io"]
    assert list(following.ledger.members("LIST01")) == arrived
    assert counts == {"delivered": len(arrived), "undelivered": 3 - len(arrived) - len(settled)}


def test_jobs_that_were_left_open_are_waited_for_together(tmp_path):
    """A run that begins after one that was killed is not held up for as long as each of them may take."""
    klaviyo = ModelKlaviyo(stuck_jobs={1, 2, 3})
    first = Bench(tmp_path, klaviyo)
    for name in "abc":
        columns = {"emails": [f"{name}@x.io"], "numbers": [1], "fingerprints": [1], "keys": [None]}
        intent = first.ledger.intend("run-1", stream="people", list_id="LIST01", **columns)
        payload = json.dumps({"attributes": {"email": f"{name}@x.io"}}).encode()
        first.ledger.submitted(intent, klaviyo.submit_import("LIST01", [payload]), [0])
    first.ledger.close()
    following = Bench(tmp_path, klaviyo, run_id="run-2")
    began = following.clock.now()
    known = set(klaviyo.jobs)
    Resume(klaviyo, following.ledger, known_jobs=known, clock=following.clock, job_timeout_seconds=60).settle()
    assert perhaps(following) == ["a@x.io", "b@x.io", "c@x.io"]
    assert following.clock.now() - began < 70
