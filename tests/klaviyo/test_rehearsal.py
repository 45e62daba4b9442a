"""The client of a dry run: writes are counted and taken for done; whatever is no read is held back at the wire."""

from __future__ import annotations

import json

import pytest
from direct import Direct
from shop import LIST, Shop

from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.klaviyo.auth import ApiKey
from target_klaviyo_segments.klaviyo.client import KlaviyoClient
from target_klaviyo_segments.klaviyo.consent import Subscriber
from target_klaviyo_segments.klaviyo.rehearsal import Rehearsal
from target_klaviyo_segments.klaviyo.transport import ReadsOnly
from target_klaviyo_segments.sandbox.app import DEFAULT_API_KEY

PAYLOADS = [json.dumps({"type": "profile", "attributes": {"email": f"p{n}@x.io"}}).encode() for n in range(3)]
# Everything that writes: a method of the client that does and is not here is held back all the same.
WRITES = {
    "Bulk Import Profiles": (1, lambda client: client.submit_import(LIST, PAYLOADS)),
    "Remove Profiles from List": (2, lambda client: client.remove_from_list(LIST, [f"id{n}" for n in range(1_001)])),
    "Create or Update Profile": (1, lambda client: client.clear_fields("id1", {"title": None})),
    "Create List": (1, lambda client: client.lists.create("New", None)),
    "Bulk Subscribe Profiles": (
        1,
        lambda client: client.permission.subscribe(
            LIST, [Subscriber("p1@x.io", by_email=True)], custom_source=None, historical_import=False
        ),
    ),
}


@pytest.fixture
def shop():
    return Shop()


@pytest.fixture
def connect(shop):
    """What makes a client whose transport only reads."""
    made = []

    def client(kind):
        made.append(
            kind(
                api_url="http://127.0.0.1:9",
                auth=ApiKey(DEFAULT_API_KEY),
                revision="2026-10-15",
                user_agent="tests/1",
                request_timeout_seconds=60,
                retry_max_seconds=600,
                job_timeout_seconds=3600,
                pool_size=4,
                clock=shop.clock,
                random=lambda: 0.5,
                transport=ReadsOnly(Direct(shop.box)),
                on_retry=lambda *_: None,
            )
        )
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.mark.parametrize("name", WRITES)
def test_what_writes_never_leaves(shop, connect, name):
    """The client itself is held back in words; that of a dry run counts the requests, and their bytes."""
    count, write = WRITES[name]
    with pytest.raises(KlaviyoError, match="was about to leave in a dry run"):
        write(connect(KlaviyoClient))
    client = connect(Rehearsal)
    write(client)
    ((endpoint, amount),) = client.unsent.amounts.items()
    assert (endpoint.name, amount.requests) == (name, count)
    assert amount.body_bytes > 0
    assert shop.box.requests == []


def test_the_bytes_are_those_that_would_be_sent(shop, connect):
    """The body whole, with what stands around the profiles."""
    sizes = []
    shop.box.interceptors.append(lambda request: sizes.append(len(request.body)))
    shop.client.submit_import(LIST, PAYLOADS)
    client = connect(Rehearsal)
    client.submit_import(LIST, PAYLOADS)
    assert [each.body_bytes for each in client.unsent.amounts.values()] == sizes


def test_it_reads_as_ever(shop, connect):
    """The account, lists, members, people."""
    shop.join("a@x.io")
    shop.client.import_jobs()
    client = connect(Rehearsal)
    assert client.account().id == "SANDBX"
    assert client.list(LIST).name == "People"
    assert client.profile_ids(["a@x.io", "b@x.io"]).keys() == {"a@x.io"}
    assert client.list_joined_span(LIST) is not None


def test_who_was_taken_off_is_not_on_the_list_any_more(shop, connect):
    """Also when a whole page is of them; whoever else is on it is read, and another list is another."""
    people = [f"p{n}@x.io" for n in range(103)]
    shop.join(*people)
    client = connect(Rehearsal)
    ids = client.profile_ids(people)
    client.remove_from_list(LIST, [ids[email] for email in people[:101]])
    assert {each.email for page in client.member_pages(LIST) for each in page} == set(people[101:])
    client.remove_from_list("other", list(ids.values()))
    assert {each.email for page in client.member_pages(LIST) for each in page} == set(people[101:])
    client.remove_from_list(LIST, list(ids.values()))
    assert [each for page in client.member_pages(LIST) for each in page] == []
    assert len(shop.box.members(LIST)) == len(people)


def test_jobs_have_ended_well_and_lists_are_there(connect):
    """Each job has an id of its own; a list that is not made is known to the dry run alone, and empty."""
    client = connect(Rehearsal)
    ids = {client.submit_import(LIST, PAYLOADS) for _ in range(3)}
    assert len(ids) == 3
    assert list(client.import_jobs()) == []
    for job_id in ids:
        job = client.import_job(job_id)
        assert (job.id, job.ended_well, job.failed) == (job_id, True, 0)
        assert list(client.import_errors(job_id)) == []
    made = client.lists.create("New", "double_opt_in")
    assert client.list(made.id) == made
    assert client.list_joined_span(made.id) is None
