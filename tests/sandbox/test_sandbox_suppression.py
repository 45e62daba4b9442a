"""Suppression in the sandbox: exactly one of people, list and segment; asynchronous; one reason set and lifted."""

from __future__ import annotations

import pytest

CREATE = "profile-suppression-bulk-create-job"
DELETE = "profile-suppression-bulk-delete-job"
LIST = "Y6nRLr"


def body(kind, *emails, profiles=True, **linked):
    rows = [{"type": "profile", "attributes": {"email": email}} for email in emails]
    data = {"type": kind, "attributes": {"profiles": {"data": rows}} if profiles else {}}
    if linked:
        data["relationships"] = {name: {"data": {"type": name, "id": value}} for name, value in linked.items()}
    return {"data": data}


def begin(caller, kind, *emails, **more):
    return caller.send("POST", f"/api/{kind}s", body=body(kind, *emails, **more))


def shown(caller, answer):
    data = answer.json["data"]
    return caller.get(f"/api/{data['type']}s/{data['id']}").json["data"]["attributes"]


def reasons(caller, email):
    return set(caller.box.consent(email).suppressions)


def test_a_job_does_its_work_by_the_clock(caller, clock):
    """Queued, under way, complete; until then nothing is suppressed."""
    caller.box.job_seconds = 10
    caller.load({"email": "a@x.io"})
    clock.seconds += 20
    begun = begin(caller, CREATE, "A@x.io", "new@x.io", "a@x.io")
    assert (begun.status, begun.json["data"]["attributes"]["status"]) == (202, "queued")
    clock.seconds += 5
    assert (shown(caller, begun)["status"], reasons(caller, "a@x.io")) == ("processing", set())
    clock.seconds += 5
    ended = shown(caller, begun)
    counts = {name: ended[f"{name}_count"] for name in ("total", "completed", "skipped")}
    assert (ended["status"], counts) == ("complete", {"total": 3, "completed": 3, "skipped": 1})
    assert reasons(caller, "a@x.io") == reasons(caller, "new@x.io") == {"USER_SUPPRESSED"}


def test_lifting_takes_one_reason_away_and_makes_nobody(caller):
    """Unsubscribed stays unsubscribed."""
    caller.load({"email": "a@x.io"})
    caller.box.consent("a@x.io").unsubscribe(1.0)
    begin(caller, CREATE, "a@x.io")
    lifted = begin(caller, DELETE, "a@x.io", "nobody@x.io")
    assert shown(caller, lifted)["skipped_count"] == 1
    assert reasons(caller, "a@x.io") == {"UNSUBSCRIBE"}
    assert list(caller.box.profiles) == ["a@x.io"]


def test_a_whole_list(caller):
    """Whoever is on it at that moment; this is why nobody here asks for it."""
    caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    begun = begin(caller, CREATE, profiles=False, list=LIST)
    assert begun.json["data"]["relationships"]["lists"]["data"] == [{"type": "list", "id": LIST}]
    assert (shown(caller, begun)["total_count"], reasons(caller, "b@x.io")) == (2, {"USER_SUPPRESSED"})


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        (body(CREATE), "/data/attributes/profiles/data"),
        (body(CREATE, *(f"p{n}@x.io" for n in range(101))), "/data/attributes/profiles/data"),
        (body(CREATE, "a@x.io", "no address"), "/data/attributes/profiles/data/1/attributes/email"),
        (body(CREATE, profiles=False), "/data/attributes"),
        (body(CREATE, "a@x.io", list=LIST), "/data/attributes"),
        (body(CREATE, profiles=False, list="Nobody"), "/data/relationships/list/data/id"),
        (body(CREATE, profiles=False, segment="Nobody"), "/data/relationships/segment/data/id"),
        (body(DELETE, "a@x.io"), "/data/type"),
        ({}, "/data"),
    ],
)
def test_what_klaviyo_would_refuse_is_refused(caller, sent, pointer):
    """By a 400 with a pointer, and nobody is suppressed."""
    answer = caller.send("POST", f"/api/{CREATE}s", body=sent)
    assert (answer.status, answer.json["errors"][0]["source"]["pointer"]) == (400, pointer)
    assert caller.box.profiles == {}


def test_jobs_are_listed_by_kind_and_status(caller):
    """Newest first on request; no page size can be asked for, and each kind has its own ids."""
    first, second = begin(caller, CREATE, "a@x.io"), begin(caller, CREATE, "b@x.io")
    lifting = begin(caller, DELETE, "a@x.io")
    ids = [answer.json["data"]["id"] for answer in (second, first)]
    assert [job["id"] for job in caller.everything(f"/api/{CREATE}s", sort="-created")] == ids
    assert [job["id"] for job in caller.everything(f"/api/{DELETE}s")] == [lifting.json["data"]["id"]]
    assert caller.everything(f"/api/{CREATE}s", filter='equals(status,"queued")') == []
    assert caller.get(f"/api/{CREATE}s", page_size=10).status == 400
    assert caller.get(f"/api/{DELETE}s/{ids[0]}").status == 404
    for _ in range(25):
        begin(caller, CREATE, "c@x.io")
    assert len(caller.get(f"/api/{CREATE}s").json["data"]) == 20
    assert len(caller.everything(f"/api/{CREATE}s")) == 27


@pytest.mark.parametrize(
    ("kind", "method", "scopes"),
    [
        (CREATE, "POST", {"profiles:write", "subscriptions:write"}),
        (DELETE, "POST", {"subscriptions:write"}),
        (CREATE, "GET", {"subscriptions:read"}),
        (DELETE, "GET", {"subscriptions:read"}),
    ],
)
def test_each_needs_its_scopes(new_caller, kind, method, scopes):
    """All of them and no other."""
    sent = body(kind, "a@x.io") if method == "POST" else b""
    assert new_caller(scopes=frozenset(scopes)).send(method, f"/api/{kind}s", body=sent).status in {200, 202}
    for missing in scopes:
        assert new_caller(scopes=frozenset(scopes - {missing})).send(method, f"/api/{kind}s", body=sent).status == 403
