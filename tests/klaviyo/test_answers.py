"""Klaviyo's good answers, as lenient as its promise of unknown fields asks."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Transient
from target_klaviyo_segments.klaviyo import answers
from target_klaviyo_segments.klaviyo.lists import ListInfo, read_list
from target_klaviyo_segments.klaviyo.protocol import Account, PlanUsage

READERS = [
    answers.read_account,
    read_list,
    answers.read_plan_usage,
    answers.read_submitted,
    answers.read_job,
    answers.read_jobs,
    answers.read_import_errors,
    answers.read_emails,
]


def body(data, links=None, **more):
    return json.dumps({"data": data, "links": links, "meta": {"agent_hints": {"next_steps": []}}, **more}).encode()


def resource(attributes, identity="id", **more):
    return {"type": "thing", "id": identity, "attributes": attributes, "links": {"self": "x"}, **more}


def job(**attributes):
    return answers.read_job(body(resource({"status": "queued", "a_new_field": {"x": 1}} | attributes, "J1")))


def row_error(**attributes):
    error = {"code": "invalid", "title": "Invalid input.", "detail": "Bad", "source": {"pointer": "/data"}}
    return answers.read_import_errors(body([resource(error | attributes)])).items[0]


def usage(used, maximum, unit="profiles"):
    return resource({"unit": unit, "usage_used": used, "usage_max": maximum, "as_of": "2026-11-24T00:00:00Z"})


def test_the_account_is_known_by_id_and_name():
    """The report says where the people went."""
    contact = {"organization_name": "Acme", "default_sender_email": "x@acme.io"}
    assert answers.read_account(body([resource({"contact_information": contact}, "AbC123")])) == Account(
        "AbC123", "Acme"
    )


@pytest.mark.parametrize("attributes", [{}, {"contact_information": None}, {"contact_information": {}}])
def test_an_account_may_have_no_name(attributes):
    """A missing nicety stops no run."""
    assert answers.read_account(body([resource(attributes, "AbC123")])) == Account("AbC123", "")


def test_no_account_is_no_answer():
    """The right account is checked before anything is sent: an empty answer proves nothing."""
    with pytest.raises(Transient, match="Klaviyo's answer names no account"):
        answers.read_account(body([]))


@pytest.mark.parametrize("process", ["single_opt_in", "double_opt_in", "triple_opt_in", None])
def test_a_list_has_any_opt_in_process(process):
    """New values may come without a new revision."""
    answer = body(resource({"name": "VIP", "opt_in_process": process}, "Y6nRLr"))
    assert read_list(answer) == ListInfo("Y6nRLr", "VIP", process)


@pytest.mark.parametrize(
    ("attributes", "ended", "well"),
    [
        ({"status": "queued"}, False, False),
        ({"status": "processing"}, False, False),
        ({"status": "complete"}, True, True),
        ({"status": "cancelled"}, True, False),
        ({"status": "pausing"}, False, False),
        ({"status": "pausing", "completed_at": "2026-11-24T00:00:00Z"}, True, False),
        ({"status": "processing", "total_count": 3, "completed_count": 3}, False, False),
    ],
)
def test_a_job_has_ended_by_its_status(attributes, ended, well):
    """Cancelled ends too, an unknown status only when it says when, never well; and the counts prove nothing."""
    found = job(**attributes)
    assert (found.ended, found.ended_well) == (ended, well)


def test_a_jobs_counts_are_read():
    """They tell whether every failed row was named."""
    found = job(total_count=3, completed_count=1, failed_count=2, created_at="2026-11-24T00:00:00Z")
    assert (found.id, found.total, found.completed, found.failed) == ("J1", 3, 1, 2)
    assert found.created_at == datetime(2026, 11, 24, tzinfo=timezone.utc)
    assert (job(total_count=None).total, job().failed) == (0, 0)


def test_a_submitted_import_gives_its_job():
    """The id is opaque and kept as it is."""
    assert answers.read_submitted(body(resource({"status": "queued"}, "a/b+c=="))) == "a/b+c=="


def test_an_import_without_a_job_is_no_answer():
    """A 2xx is not a delivery: without an id nothing can be watched."""
    with pytest.raises(Transient, match="Klaviyo's answer names no job"):
        answers.read_submitted(body(resource({"status": "queued"}, "")))


WHO = {"email": "a@x.io", "phone_number": "+4915112345678", "external_id": "42"}


@pytest.mark.parametrize(
    "payload",
    [
        WHO,
        {"type": "profile", "attributes": WHO},
        {"data": {"type": "profile", "attributes": WHO}},
        {**WHO, "attributes": {"colour": "red"}, "data": [1]},
        {**WHO, "external_id": 42},
    ],
)
def test_an_import_error_names_its_person(payload):
    """Klaviyo documents no shape of `original_payload`: each one seen ties the error to its row."""
    error = row_error(original_payload=payload)
    assert (error.email, error.phone, error.external_id) == ("a@x.io", "+4915112345678", "42")


@pytest.mark.parametrize("payload", [None, {}, [], "text", 7, {"attributes": None}, {"data": 1}, {"email": {"a": 1}}])
def test_an_import_error_may_name_nobody(payload):
    """Such an error is still an error."""
    error = row_error(original_payload=payload)
    assert (error.email, error.phone, error.external_id) == (None, None, None)
    assert error.reason == "Bad"


def test_an_import_error_is_fit_for_a_log():
    """Words lose their people, and no `repr` shows who it is."""
    error = row_error(detail="a@x.io exists", title="For a@x.io", original_payload=WHO)
    assert error.reason == "*** exists"
    assert "a@x.io" not in repr(error)
    assert "15112345678" not in repr(error)


def test_an_import_error_without_words_has_a_reason():
    """Nobody reads an empty reason."""
    assert row_error(detail=None).reason == "Invalid input."
    assert row_error(detail="", title=None).reason == "invalid"


def test_an_import_error_names_its_field():
    """The rejects file says which property to mend."""
    assert row_error(source={"pointer": "/data/attributes/location/zip"}).field == "location.zip"
    assert row_error(source={"pointer": "/data"}).field is None
    assert row_error(source=None).field is None


def test_people_without_an_email_are_left_out():
    """A profile may have a phone only."""
    page = answers.read_emails(body([resource({"email": "a@x.io"}), resource({"email": None}), resource({})]))
    assert page.items == ("a@x.io",)


@pytest.mark.parametrize(
    ("links", "following"), [(None, None), ({}, None), ({"next": None}, None), ({"next": "u"}, "u")]
)
def test_the_last_page_has_no_next(links, following):
    """Klaviyo sends null where its document says text."""
    assert answers.read_emails(body([], links)).next_url == following


def test_the_tightest_limit_of_people_binds():
    """Other units do not count, nor does a product with no allowance."""
    rows = [usage(9, 10, "messages"), usage(0, 0), usage(4_949.2, 5_000), usage(900, 1_000), usage(None, 2_000)]
    assert answers.read_plan_usage(body(rows)) == PlanUsage(4_950, 5_000)


@pytest.mark.parametrize("rows", [[], [usage(9, 10, "messages")], [usage(3, None)], [usage(0, 0)]])
def test_a_plan_may_set_no_limit_of_people(rows):
    """Nothing is invented."""
    assert answers.read_plan_usage(body(rows)) is None


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Just a moment</html>",
        b'{"data":',
        b"{}",
        b"[]",
        b"null",
        b'{"data":null}',
        b'{"data":7}',
        b'{"data":"\xff"}',
        b"[" * 5_000,
    ],
)
def test_what_is_no_answer_is_asked_for_again(read, content):
    """A page of a proxy or half an answer says nothing about what was asked."""
    with pytest.raises(Transient):
        read(content)


@given(
    st.sampled_from(READERS),
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps([text]).encode()),
)
def test_no_answer_crashes_a_run(read, content):
    """Whatever comes, it is an answer or it is `Transient`."""
    with pytest.raises(Transient):
        read(content)


@pytest.mark.parametrize("read", READERS)
def test_every_cut_of_an_answer_is_noticed(read):
    """A truncated body is never taken for a short page."""
    whole = body([resource({"status": "queued", "email": "a@x.io"})], {"next": "https://a.klaviyo.com/next"})
    for length in range(len(whole)):
        with pytest.raises(Transient):
            read(whole[:length])


def test_a_payload_nested_without_end_is_no_answer():
    """An import error gives back any JSON: it must not take the run down."""
    nested = b'{"data":[{"id":"x","attributes":{"original_payload":' + b"[" * 100_000
    with pytest.raises(Transient):
        answers.read_import_errors(nested)


def test_a_complaint_about_an_answer_holds_no_person():
    """The reason goes to the log."""
    with pytest.raises(Transient) as complaint:
        answers.read_emails(body([resource({"email": ["a@x.io"]})]))
    assert "a@x.io" not in str(complaint.value)
