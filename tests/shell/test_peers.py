"""What other tools get wrong at this job, each a case that must go right here. Facts in docs/comparison.md."""

from __future__ import annotations

import pytest
from pipeline import KEY, LIST, record, schema, state

PERSON = {
    "email": {"type": ["string", "null"]},
    "first_name": {"type": ["string", "null"]},
    "last_name": {"type": ["string", "null"]},
    "phone_number": {"type": ["string", "null"]},
    "zip": {},
    "subscribe_status": {},
    "note": {},
}
FIELDS = {"location.zip": "zip"}


def people(count, **properties):
    return [schema(**PERSON), *(record(f"p{n}@x.io", **properties) for n in range(count)), state({"n": count})]


def requests(pipeline, method=None):
    return [entry for entry in pipeline.sandbox.requests if method in {None, entry.method}]


def test_a_last_name_arrives_whole(pipeline):
    """hotglue sends it letter by letter: D o e."""
    pipeline.run([schema(**PERSON), record("a@x.io", first_name="Jane", last_name="Doe")])
    assert pipeline.members()["a@x.io"]["last_name"] == "Doe"


def test_a_person_without_a_name_is_a_person(pipeline):
    """hotglue's run dies of one."""
    assert pipeline.run([schema(**PERSON), record("a@x.io")])
    assert set(pipeline.members()) == {"a@x.io"}


def test_a_valid_phone_can_be_sent(pipeline):
    """hotglue cannot serialise one."""
    pipeline.run([schema(**PERSON), record("a@x.io", phone_number="+1 (202) 555-0143")])
    assert pipeline.members()["a@x.io"]["phone_number"] == "+12025550143"


def test_the_normal_way_puts_people_on_the_list(pipeline):
    """hotglue's normal path never does."""
    pipeline.run(people(3))
    assert len(pipeline.members()) == 3


def test_nobody_is_subscribed_whatever_the_row_says(pipeline):
    """hotglue subscribes the unsubscribed, RudderStack everyone who says nothing. Membership is not consent."""
    rows = [record("a@x.io", subscribe_status="unsubscribed"), record("b@x.io")]
    pipeline.run([schema(**PERSON), *rows])
    assert len(pipeline.members()) == 2
    assert not [entry for entry in requests(pipeline) if "subscription" in entry.path or "suppression" in entry.path]


def test_a_run_that_delivered_nothing_is_no_success(pipeline):
    """hotglue swallows every error and exits 0."""
    assert not pipeline.run(people(3), list_id="Nope01")
    assert pipeline.report["status"] == "failed"
    assert pipeline.states == []


def test_no_secret_is_written_anywhere(pipeline, caplog):
    """hotglue logs refresh tokens."""
    pipeline.run([*people(2), record("bad")])
    written = b"".join(path.read_bytes() for path in pipeline.work_dir.rglob("*") if path.is_file())
    assert KEY.encode() not in written
    assert KEY not in caplog.text + pipeline.stdout


def test_to_find_the_list_nothing_is_created(pipeline):
    """Multiwoven's connection test makes a list each time."""
    pipeline.run(people(1))
    posts = {entry.path.rstrip("/") for entry in requests(pipeline, "POST")}
    assert posts == {"/api/profile-bulk-import-jobs"}


def test_a_person_whom_klaviyo_knows_is_delivered(pipeline):
    """Multiwoven counts a known person as failed."""
    pipeline.run(people(2))
    assert pipeline.run(people(2, note="again"))
    assert pipeline.totals["delivered"] == 2
    assert pipeline.members()["p0@x.io"]["properties"]["note"] == "again"


def test_a_row_that_failed_is_sent_again_though_it_did_not_change(pipeline):
    """Multiwoven never sends it again."""
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "not today") if row["email"] == "p1@x.io" else None)
    pipeline.run(people(2))
    assert pipeline.totals["rejected"] == 1
    pipeline.sandbox.refuse_rows(None)
    assert pipeline.run(people(2))
    assert set(pipeline.members()) == {"p0@x.io", "p1@x.io"}


def test_a_202_is_not_a_delivery(pipeline):
    """Segment never asks how the job ended."""
    pipeline.sandbox.refuse_rows(lambda _row: ("invalid", "nobody today"))
    assert pipeline.run(people(3))
    assert pipeline.totals["delivered"] == 0
    assert pipeline.totals["rejected"] == 3


def test_one_bad_row_does_not_fail_its_batch(pipeline):
    """Segment gives the whole batch one row's error. Our check passes an address that the sandbox refuses here."""
    rows = [record("a@x.io"), record("b@x.io", phone_number=None), record("c@x.io")]
    pipeline.sandbox.refuse_at_submit(lambda row: "Invalid email address" if row["email"] == "b@x.io" else None)
    assert pipeline.run([schema(**PERSON), *rows])
    assert set(pipeline.members()) == {"a@x.io", "c@x.io"}
    assert pipeline.rejects()[0]["code"] == "klaviyo_refused"


@pytest.mark.parametrize("name_all", [True, False])
def test_bad_rows_are_stripped_until_the_rest_passes(pipeline, name_all):
    """RudderStack strips once; whether Klaviyo names all bad rows at once is not documented."""
    pipeline.sandbox.name_all_bad_rows = name_all
    pipeline.sandbox.refuse_at_submit(lambda row: "no" if row["email"] in {"p1@x.io", "p3@x.io", "p5@x.io"} else None)
    assert pipeline.run(people(8))
    assert len(pipeline.members()) == 5
    assert pipeline.totals["rejected"] == 3


def test_every_page_of_import_errors_is_read(pipeline):
    """RudderStack reads the first page and counts the rest as delivered; 250 errors are three pages."""
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if int(row["email"][1:-5]) < 250 else None)
    assert pipeline.run(people(600))
    assert pipeline.totals["rejected"] == 250
    assert pipeline.totals["delivered"] == len(pipeline.members()) == 350


def test_a_cancelled_job_ends_the_waiting(pipeline):
    """RudderStack polls for ever."""
    pipeline.sandbox.cancel_jobs(1)
    assert not pipeline.run(people(2))
    assert "cancelled" in pipeline.error
    assert pipeline.totals["failed"] == 2
    assert pipeline.states == []


def test_an_import_error_finds_its_row_by_the_email(pipeline):
    """RudderStack loses it, and counts the row as delivered."""
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if row["email"] == "p1@x.io" else None)
    pipeline.run(people(3))
    assert [(row["row"], row["record"]["email"]) for row in pipeline.rejects()] == [(2, "p1@x.io")]


def test_a_numeric_zip_is_a_zip(pipeline):
    """RudderStack's whole file falls for one."""
    assert pipeline.run(
        [schema(**PERSON), record("a@x.io", zip=90210), record("b@x.io", zip="02108")], field_map=FIELDS
    )
    zips = {email: member["location"]["zip"] for email, member in pipeline.members().items()}
    assert zips == {"a@x.io": "90210", "b@x.io": "02108"}


def test_rows_after_a_long_line_do_not_vanish(pipeline):
    """RudderStack's scanner stops at 64 KB and says nothing."""
    rows = [
        record("a@x.io"),
        record("b@x.io", note="x" * 80_000),
        record("c@x.io", note="x" * 200_000),
        record("d@x.io"),
    ]
    assert pipeline.run([schema(**PERSON), *rows])
    assert set(pipeline.members()) == {"a@x.io", "b@x.io", "d@x.io"}
    assert pipeline.rejects()[0]["code"] == "profile_too_large"
    pipeline.assert_balanced()


def test_a_thousand_people_are_one_import_request(pipeline):
    """One profile a call takes days for a million (hotglue, Multiwoven, RudderStack, drt)."""
    pipeline.run(people(1000))
    imports = [entry for entry in requests(pipeline, "POST") if "import-jobs" in entry.path]
    assert len(imports) == 1
    assert len(pipeline.members(LIST)) == 1000


def test_a_bad_phone_costs_the_phone_and_not_the_person(pipeline):
    """Segment drops the person without a word; Treasure Data fails the job."""
    assert pipeline.run([schema(**PERSON), record("a@x.io", phone_number="701271")], default_country="IN")
    assert "phone_number" not in pipeline.members()["a@x.io"] or pipeline.members()["a@x.io"]["phone_number"] is None
    assert pipeline.report["streams"]["people"]["dropped_fields"] == {"phone_number": 1}


def test_an_address_that_is_not_ascii_is_an_address(pipeline):
    """Segment refuses it."""
    assert pipeline.run([schema(**PERSON), record("jürgen@x.io")])
    assert pipeline.totals["rejected"] == 0
