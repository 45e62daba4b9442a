"""Listings are read to their last page, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import KlaviyoError

LIST = {"data": {"type": "list", "id": "Y6nRLr", "attributes": {"name": "VIP"}}}
JOB = {"data": {"type": "profile-bulk-import-job", "id": "J1", "attributes": {"status": "queued"}}}
ACCOUNT = {"data": [{"type": "account", "id": "AbC123", "attributes": {}}]}
API = "https://a.klaviyo.com"


def error(status):
    return {"errors": [{"id": "x", "status": status, "code": "invalid", "title": "No.", "detail": "No."}]}


def test_every_page_of_import_errors_is_read(connect, reply):
    """250 errors at 100 a page are 250 rejected rows, not 100."""
    errors = [
        {"type": "import-error", "id": str(n), "attributes": {"original_payload": {"email": f"p{n}@x.io"}}}
        for n in range(250)
    ]

    def answer(sent):
        start = int(sent.url.rpartition("cursor%5D=")[2]) if "cursor" in sent.url else 0
        following = f"{API}/api/profile-bulk-import-jobs/J1/import-errors/?page%5Bcursor%5D={start + 100}"
        return reply(200, {"data": errors[start : start + 100], "links": {"next": following if start < 200 else None}})

    connected = connect(answer)
    found = [error.email for error in connected.client.import_errors("J1")]
    assert found == [f"p{n}@x.io" for n in range(250)]
    assert len(connected.wire.sent) == 3


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_pages_are_read_to_the_last(connect, reply, sizes):
    """Every member once, also after an empty page."""
    emails = [[f"p{page}-{n}@x.io" for n in range(size)] for page, size in enumerate(sizes)]

    def answer(sent):
        page = int(sent.url.rpartition("=c")[2]) if "cursor" in sent.url else 0
        following = f"{API}/next?page[cursor]=c{page + 1}" if page + 1 < len(sizes) else None
        people = [{"type": "profile", "id": email, "attributes": {"email": email}} for email in emails[page]]
        return reply(200, {"data": people, "links": {"next": following}})

    client = connect(answer).client
    expected = [email for page in emails for email in page]
    assert list(client.list_members("L")) == expected
    assert list(client.job_emails("J1")) == expected


def test_jobs_come_in_pages_newest_first(connect, reply):
    """The watch stops reading when it has seen its own."""
    page = {"data": [JOB["data"]], "links": {"next": f"{API}/api/profile-bulk-import-jobs?page[cursor]=2"}}
    connected = connect([reply(200, page)])
    (job,) = next(connected.client.import_jobs())
    assert (job.id, job.ended) == ("J1", False)
    assert connected.wire.sent[0].url.endswith("?sort=-created_at&page%5Bsize%5D=100")


def test_one_job_can_be_asked_for(connect, reply):
    """An old job falls out of the listing."""
    assert connect([reply(200, JOB)]).client.import_job("J1").status == "queued"


@pytest.mark.parametrize("link", ["https://evil.io/api/next", "http://a.klaviyo.com/api/next"])
def test_a_page_elsewhere_is_not_read(connect, reply, link):
    """The key goes to no other host, even when an answer says so."""
    connected = connect(lambda _: reply(200, {"data": [], "links": {"next": link}}))
    with pytest.raises(KlaviyoError, match=r"the next page is said to be at .*, not at `api_url`: not followed"):
        list(connected.client.list_members("L"))
    assert len(connected.wire.sent) == 1


def test_pages_in_a_circle_end(connect, reply):
    """Every wait has a limit, also a polite one."""

    def answer(sent):
        following = "b" if sent.url.endswith("a") else "a"
        return reply(200, {"data": [], "links": {"next": f"{API}/{following}"}})

    with pytest.raises(KlaviyoError, match=r"Klaviyo's pages go round in a circle. Run again"):
        list(connect(answer).client.list_members("L"))
