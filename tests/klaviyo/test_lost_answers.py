"""A submission whose answer never came: looked for among the jobs before it is sent again."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
import requests

from target_klaviyo_segments.errors import KlaviyoError, may_be_done

LOST = requests.ReadTimeout("slow")
PAYLOADS = [
    b'{"type":"profile","attributes":{"email":"a@x.io"}}',
    b'{"type":"profile","attributes":{"email":"b@x.io"}}',
]


def job(job_id, total=2, status="complete", age=0, lists=None):
    """A job as the listing shows it; the clock of these tests began at 1,000 s."""
    created = datetime.fromtimestamp(1000 - age, timezone.utc).isoformat()
    attributes = {"status": status, "created_at": created, "total_count": total, "completed_count": 0}
    linked = {"data": [{"type": "list", "id": each} for each in lists]} if isinstance(lists, tuple) else lists
    shown = {"relationships": {"lists": linked}} if lists is not None else {}
    return {"type": "profile-bulk-import-job", "id": job_id, "attributes": attributes, **shown}


class Klaviyo:
    """Loses the first answer to a submission; lists `jobs` and who is in them."""

    date = "Thu, 01 Jan 1970 00:16:40 GMT"  # when the clock of these tests begins

    def __init__(self, reply, *jobs, people=("a@x.io", "b@x.io"), failure=LOST, ends=True):
        self.reply = reply
        self.jobs = list(jobs)
        self.people = people
        self.failure = failure
        self.ends = ends
        self.submitted = 0

    def __call__(self, sent):
        if sent.method == "POST":
            self.submitted += 1
            if self.submitted == 1:
                raise self.failure
            return self.reply(202, {"data": job("again", status="queued")})
        path = sent.url.partition("?")[0]
        if path.endswith("/accounts"):
            content = {"data": [{"type": "account", "id": "A1", "attributes": {}}]}
            return self.reply(200, content, {"date": self.date})
        if path.endswith("/profiles"):
            people = [{"type": "profile", "id": p, "attributes": {"email": p}} for p in self.people]
            return self.reply(200, {"data": people, "links": {"next": None}})
        if path.endswith("-jobs"):
            return self.reply(200, {"data": self.jobs, "links": {"next": None}})
        if self.ends:
            self.jobs = [each | {"attributes": each["attributes"] | {"status": "complete"}} for each in self.jobs]
        (found,) = [each for each in self.jobs if path.endswith(each["id"])]
        return self.reply(200, {"data": found})


@pytest.mark.parametrize("lists", [None, (), ("Y6nRLr",), {"data": None}, {"links": {}}, [7], {"data": [{"id": 7}]}])
def test_a_job_of_our_list_is_found_and_so_is_one_whose_list_is_not_told(connect, reply, lists):
    """Klaviyo shows the list with the job that it answers with, and need not do so in the listing."""
    klaviyo = Klaviyo(reply, job("ours", lists=lists))
    assert connect(klaviyo).client.submit_import("Y6nRLr", PAYLOADS) == "ours"


@pytest.mark.parametrize("status", ["complete", "queued"])
def test_a_job_that_began_is_found_and_not_sent_again(connect, reply, status):
    """To send its people again while it is open would make Klaviyo drop them as duplicates."""
    klaviyo = Klaviyo(reply, job("others", total=7), job("ours", status=status))
    assert connect(klaviyo).client.submit_import("Y6nRLr", PAYLOADS) == "ours"
    assert klaviyo.submitted == 1


@pytest.mark.parametrize(
    ("jobs", "people"),
    [
        ([], ("a@x.io",)),
        ([job("fewer", total=1)], ("a@x.io",)),
        ([job("strangers")], ("a@x.io", "c@x.io")),
        ([job("nobody")], ()),
        ([job("elsewhere", lists=("OTHER1",))], ("a@x.io", "b@x.io")),
        ([job("yesterday", age=86_400)], ("a@x.io", "b@x.io")),
    ],
    ids=lambda each: each[0]["id"] if each and isinstance(each, list) else None,
)
def test_what_cannot_be_told_is_sent_again(connect, reply, jobs, people):
    """That is harmless; to take another job for ours is not."""
    klaviyo = Klaviyo(reply, *jobs, people=people)
    assert connect(klaviyo).client.submit_import("Y6nRLr", PAYLOADS) == "again"
    assert klaviyo.submitted == 2


def test_a_job_that_is_accounted_for_is_not_taken_twice(connect, reply):
    """The run before had the same people."""
    klaviyo = Klaviyo(reply, job("before"))
    client = connect(klaviyo).client
    client.known_jobs.add("before")
    assert client.submit_import("Y6nRLr", PAYLOADS) == "again"
    assert {"before", "again"} <= client.known_jobs


def test_nothing_is_looked_for_when_nothing_was_sent(connect, reply):
    """No connection, no job."""
    klaviyo = Klaviyo(reply, job("ours"), failure=requests.ConnectTimeout("slow"))
    assert connect(klaviyo).client.submit_import("Y6nRLr", PAYLOADS) == "again"
    assert json.dumps(klaviyo.jobs)


def test_a_job_that_may_be_ours_and_does_not_end_is_not_sent_again(connect, reply):
    """In its time, which is that of every job: beside an open one Klaviyo would drop its people."""
    klaviyo = Klaviyo(reply, job("others", total=7), job("ours", status="processing"), ends=False)
    connected = connect(klaviyo, job_timeout_seconds=1800)
    with pytest.raises(KlaviyoError) as failure:
        connected.client.submit_import("Y6nRLr", PAYLOADS)
    assert str(failure.value) == (
        "the answer to an import was lost, and import job ours, which may have its rows, has not ended after 1800 s "
        "(`job_timeout_seconds`)"
    )
    assert may_be_done(failure.value)
    assert (klaviyo.submitted, 2800 < connected.clock.now() < 2810) == (1, True)


def test_of_two_jobs_that_are_open_the_one_with_our_people_is_taken(connect, reply):
    """Which it is, is known when they have ended."""
    klaviyo = Klaviyo(reply, job("theirs", status="queued"), job("ours", status="queued"))
    shown = klaviyo.reply
    strangers = {"data": [{"type": "profile", "id": "P1", "attributes": {"email": "c@x.io"}}]}

    def answer(sent):
        return shown(200, strangers) if "theirs/profiles" in sent.url else klaviyo(sent)

    assert connect(answer).client.submit_import("Y6nRLr", PAYLOADS) == "ours"


@pytest.mark.parametrize(("date", "found"), [(Klaviyo.date, "again"), ("no date", "before"), ("", "before")])
def test_a_job_from_before_is_not_ours_where_klaviyos_clock_is_known(connect, reply, date, found):
    """Of another connection, or of this one, whose ledger was lost: same people, other values. Clocks differ, else."""
    klaviyo = Klaviyo(reply, job("before", age=30))
    klaviyo.date = date
    client = connect(klaviyo).client
    client.account()
    assert client.submit_import("Y6nRLr", PAYLOADS) == found


@pytest.mark.parametrize("created", ["", "Mon", "2026-11-30T17:00:00.1234567Z", "20261130T170000+0000", None])
def test_when_a_job_began_may_be_written_in_any_way(connect, reply, created):
    """Jobs of other integrations are in the listing too. One that does not tell may be ours."""
    others, ours = job("others", total=7), job("ours")
    others["attributes"]["created_at"] = created
    assert connect(Klaviyo(reply, others, ours)).client.submit_import("Y6nRLr", PAYLOADS) == "ours"
