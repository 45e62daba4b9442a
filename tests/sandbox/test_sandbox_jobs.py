"""Stage two of an import, and the life of a job by the clock."""

from __future__ import annotations

import pytest

JOBS = "/api/profile-bulk-import-jobs"
LIST = "Y6nRLr"
DAY = 86_400


def emails(caller):
    return [member["email"] for member in caller.box.members(LIST)]


def test_a_job_is_queued_then_processing_then_complete(caller, clock):
    """By the clock alone; people and members appear when it is complete."""
    caller.box.job_seconds = 10
    begun = caller.load({"email": "a@x.io"})
    seen = []
    for _ in range(3):
        seen.append((caller.job(begun)["status"], emails(caller), list(caller.box.profiles)))
        clock.seconds += 5
    assert seen == [("queued", [], []), ("processing", [], []), ("complete", ["a@x.io"], ["a@x.io"])]


def test_a_complete_job_has_its_counts_and_dates(caller, clock):
    """The dates are those of its life, not of the question."""
    caller.box.job_seconds = 10
    caller.box.refuse_rows(lambda row: ("invalid", "no") if row["email"] == "b@x.io" else None)
    begun = caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    assert caller.job(begun)["failed_count"] == 0
    clock.seconds += 100
    assert caller.job(begun) == {
        "status": "complete",
        "created_at": "2026-09-21T14:13:20+00:00",
        "total_count": 2,
        "completed_count": 1,
        "failed_count": 1,
        "started_at": "2026-09-21T14:13:25+00:00",
        "completed_at": "2026-09-21T14:13:30+00:00",
        "expires_at": "2026-09-28T14:13:20+00:00",
    }


def test_import_errors_appear_with_the_end(caller, clock):
    """An open job shows none."""
    caller.box.job_seconds = 10
    caller.box.refuse_rows(lambda _row: ("invalid", "nobody"))
    begun = caller.load({"email": "a@x.io"})
    assert caller.errors_of(begun) == []
    clock.seconds += 10
    assert len(caller.errors_of(begun)) == 1
    assert caller.job(begun)["status"] == "complete"


def test_an_import_error_gives_the_row_back_and_no_row_number(caller):
    """Only the payload tells whose error it is: flat, as it was sent."""
    caller.box.refuse_rows(lambda row: ("invalid", "not this one") if row["email"] == "B@x.io" else None)
    begun = caller.load({"email": "a@x.io"}, {"email": "B@x.io", "first_name": None, "properties": {"n": 1}})
    assert caller.errors_of(begun) == [
        {
            "code": "invalid",
            "title": "Invalid input.",
            "detail": "not this one",
            "source": {"pointer": "/data"},
            "original_payload": {"email": "B@x.io", "first_name": None, "properties": {"n": 1}},
        }
    ]


def test_the_payload_may_be_a_whole_resource(caller):
    """Its shape is documented nowhere: a knob."""
    caller.box.nested_original_payload = True
    caller.box.refuse_rows(lambda _row: ("invalid", "no"))
    (error,) = caller.errors_of(caller.load({"email": "a@x.io"}))
    assert error["original_payload"] == {"type": "profile", "attributes": {"email": "a@x.io"}}


@pytest.mark.parametrize(("size", "taken"), [(100_000, True), (100_001, False)])
def test_a_profile_has_at_most_a_hundred_kilobytes(caller, body, size, taken):
    """The row falls, the others do not. Bytes of the row as it was sent."""
    row = {"type": "profile", "attributes": {"email": "a@x.io", "properties": {"note": ""}}}
    bare = len(caller_bytes(body, row))
    row["attributes"]["properties"]["note"] = "x" * (size - bare)
    begun = caller.send("POST", JOBS, body=caller_body(body, row))
    assert begun.status == 202
    assert len(caller.errors_of(begun)) == (0 if taken else 1)
    assert emails(caller) == (["a@x.io"] if taken else []) + ["good@x.io"]


def caller_bytes(_body, row):
    import json  # noqa: PLC0415  # used by this one

    return json.dumps(row, separators=(",", ":")).encode()


def caller_body(body, row):
    import json  # noqa: PLC0415  # used by this one

    return json.dumps(body([row, {"email": "good@x.io"}]), separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "twin",
    [
        {"email": "A@x.io"},
        {"email": "b@x.io", "phone_number": "+12025550143"},
        {"email": "b@x.io", "external_id": "42"},
    ],
)
def test_the_same_person_twice_in_a_job_is_taken_once(caller, twin):
    """Duplicates may be dropped: here they are, the first row wins."""
    first = {"email": "a@x.io", "phone_number": "+12025550143", "external_id": "42", "title": "first"}
    begun = caller.load(first, {**twin, "title": "second"}, {"email": "c@x.io"})
    (error,) = caller.errors_of(begun)
    assert error["code"] == "duplicate_profile"
    assert error["original_payload"]["title"] == "second"
    assert caller.box.profiles["a@x.io"]["title"] == "first"
    assert emails(caller) == ["a@x.io", "c@x.io"]


def test_one_persons_identifiers_may_be_equal(caller):
    """An address used as external_id is nobody's twin, nor is one person's id another's address."""
    begun = caller.load({"email": "a@x.io", "external_id": "a@x.io"}, {"email": "b@x.io", "external_id": "c@x.io"})
    assert caller.errors_of(begun) == []
    assert caller.errors_of(caller.load({"email": "c@x.io"})) == []


def test_the_same_person_in_two_open_jobs_is_taken_once(caller, clock):
    """Order between jobs is not guaranteed: the later job loses the row."""
    caller.box.job_seconds = 10
    first = caller.load({"email": "a@x.io", "title": "first"})
    second = caller.load({"email": "a@x.io", "title": "second"}, {"email": "b@x.io"})
    clock.seconds += 10
    assert (len(caller.errors_of(first)), len(caller.errors_of(second))) == (0, 1)
    assert caller.box.profiles["a@x.io"]["title"] == "first"
    third = caller.load({"email": "a@x.io", "title": "third"})
    clock.seconds += 10
    assert caller.errors_of(third) == []
    assert caller.box.profiles["a@x.io"]["title"] == "third"


def test_a_row_that_fell_blocks_nobody(caller):
    """A later row of the same person is the first one then."""
    caller.box.refuse_rows(lambda row: ("invalid", "no") if row.get("title") == "bad" else None)
    begun = caller.load({"email": "a@x.io", "title": "bad"}, {"email": "a@x.io", "title": "good"})
    assert len(caller.errors_of(begun)) == 1
    assert caller.box.profiles["a@x.io"]["title"] == "good"


def test_cancelled_jobs_import_nothing(caller):
    """The next jobs, as many as said; those after them are as usual."""
    caller.box.cancel_jobs(2)
    begun = [caller.load({"email": f"p{n}@x.io"}) for n in range(3)]
    found = [caller.job(job) for job in begun]
    assert [job["status"] for job in found] == ["cancelled", "cancelled", "complete"]
    assert [job["completed_count"] for job in found] == [0, 0, 1]
    assert found[0]["completed_at"] is None
    assert emails(caller) == ["p2@x.io"]


@pytest.mark.parametrize("status", ["processing", "queued", "paused"])
def test_a_job_may_never_end(caller, clock, status):
    """Stuck, or in a status that nobody knows; it is shown for as long as it lives."""
    caller.box.job_status_override(status)
    begun = caller.load({"email": "a@x.io"})
    clock.seconds += 6 * DAY
    assert caller.job(begun)["status"] == status
    assert caller.job(begun)["completed_at"] is None
    assert emails(caller) == []


def test_after_seven_days_a_job_is_gone(caller, clock):
    """With its errors and its place in the listing; what it imported stays."""
    caller.box.refuse_rows(lambda row: ("invalid", "no") if row["email"] == "b@x.io" else None)
    begun = caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    path = f"{JOBS}/{begun.json['data']['id']}"
    clock.seconds += 7 * DAY - 1
    assert caller.get(f"{path}/import-errors").status == 200
    clock.seconds += 1
    for tail in ("", "/import-errors", "/profiles", "/relationships/profiles", "/lists", "/relationships/lists"):
        assert caller.get(path + tail).status == 404
    assert caller.get(JOBS).json["data"] == []
    assert emails(caller) == ["a@x.io"]


def test_an_empty_id_asks_for_the_collection(caller):
    """A client that lost the id gets an array, not an error."""
    caller.load({"email": "a@x.io"})
    assert isinstance(caller.get(f"{JOBS}/").json["data"], list)


def test_the_listing_shows_every_job_of_the_account(caller, clock):
    """Cancelled ones too, either way round."""
    begun = []
    for number, fate in enumerate(["complete", "cancelled", "processing", "paused"]):
        caller.box.job_status_override(fate)
        begun.append(caller.load({"email": f"p{number}@x.io"}).json["data"]["id"])
        clock.seconds += 1
    found = caller.everything(JOBS, sort="created_at")
    assert [job["id"] for job in found] == begun
    assert [job["attributes"]["status"] for job in found] == ["complete", "cancelled", "processing", "paused"]
    assert [job["id"] for job in caller.everything(JOBS, sort="-created_at", page_size=1)] == begun[::-1]


def test_a_filter_knows_three_statuses(caller):
    """Cancelled is not among them, nor is what nobody knows."""
    for fate in ("complete", "cancelled", "processing"):
        caller.box.job_status_override(fate)
        caller.load({"email": f"{fate}@x.io"})
    found = caller.get(JOBS, filter='any(status,["queued","processing"])').json["data"]
    assert [job["attributes"]["status"] for job in found] == ["processing"]
    found = caller.get(JOBS, filter='equals(status,"complete")').json["data"]
    assert [job["attributes"]["status"] for job in found] == ["complete"]
    for status in ("cancelled", "failed"):
        assert caller.get(JOBS, filter=f'equals(status,"{status}")').status == 400


def test_a_job_names_its_list_and_its_people(caller):
    """Whole or as ids; included when asked for."""
    begun = caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    path = f"{JOBS}/{begun.json['data']['id']}"
    assert [item["attributes"]["email"] for item in caller.get(f"{path}/profiles").json["data"]] == ["a@x.io", "b@x.io"]
    ids = caller.get(f"{path}/relationships/profiles").json["data"]
    assert ids == [{"type": "profile", "id": caller.box.profiles[email]["id"]} for email in ("a@x.io", "b@x.io")]
    assert caller.get(f"{path}/lists").json["data"][0]["attributes"]["name"] == "People"
    assert caller.get(f"{path}/relationships/lists").json["data"] == [{"type": "list", "id": LIST}]
    assert caller.get(path, include="lists").json["included"][0]["id"] == LIST
    assert "included" not in caller.get(path).json


def test_a_job_without_a_list_names_none(caller):
    """Empty arrays."""
    path = f"{JOBS}/{caller.load({'email': 'a@x.io'}, list_id=None).json['data']['id']}"
    assert caller.get(f"{path}/lists").json["data"] == []
    assert caller.get(f"{path}/relationships/lists").json["data"] == []
    assert caller.get(path, include="lists").json["included"] == []


def test_sparse_fields_drop_the_relationships(caller):
    """Id and type always come."""
    caller.load({"email": "a@x.io"})
    (job,) = caller.send("GET", JOBS, "fields[profile-bulk-import-job]=status").json["data"]
    assert job["attributes"] == {"status": "complete"}
    assert set(job) == {"type", "id", "attributes", "links"}
