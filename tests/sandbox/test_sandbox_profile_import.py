"""One profile written alone, where a null clears."""

from __future__ import annotations

import pytest

PATH = "/api/profile-import"


def send(caller, attributes, **more):
    return caller.send("POST", PATH, body={"data": {"type": "profile", "attributes": attributes, **more}})


def known(caller):
    (person,) = caller.box.profiles.values()
    return {name: value for name, value in person.items() if name != "id"}


FULL = {
    "email": "a@x.io",
    "phone_number": "+12025550143",
    "external_id": "7",
    "title": "Dr",
    "location": {"city": "Graz", "zip": "8010"},
    "properties": {"tier": "gold", "n": 1},
}


def test_somebody_new_is_created_and_somebody_known_updated(caller):
    """201 and 200, with the whole profile."""
    assert send(caller, FULL).status == 201
    answer = send(caller, {"email": "A@x.io", "first_name": "Ada"})
    assert answer.status == 200
    assert answer.json["data"]["attributes"]["title"] == "Dr"
    assert known(caller) == FULL | {"first_name": "Ada"}
    assert caller.box.members("Y6nRLr") == []


def test_a_null_clears_and_what_is_not_there_stays(caller):
    """Fields, parts of the address, custom properties; the phone number is free for others then."""
    person = send(caller, FULL).json["data"]["id"]
    gone = {"title": None, "phone_number": None, "external_id": None}
    inner = {"location": {"zip": None}, "properties": {"tier": None}}
    assert send(caller, {**gone, **inner}, id=person).status == 200
    assert known(caller) == {"email": "a@x.io", "location": {"city": "Graz"}, "properties": {"n": 1}}
    assert send(caller, {"email": "b@x.io", "phone_number": FULL["phone_number"], "external_id": "7"}).status == 201
    assert send(caller, {"location": None, "properties": None}, id=person).status == 200
    assert caller.box.profiles["a@x.io"] == {"id": person, "email": "a@x.io", "properties": {"n": 1}}


def test_a_location_in_part_may_be_the_whole(caller):
    """A knob: it is documented nowhere."""
    send(caller, FULL)
    caller.box.partial_location_replaces = True
    send(caller, {"email": "a@x.io", "location": {"city": "Wien"}})
    assert known(caller)["location"] == {"city": "Wien"}


def test_patches_are_taken_here_too(caller):
    """Append, unappend, unset."""
    patch = {"append": {"tags": ["a", "b"]}, "unset": "n"}
    send(caller, FULL)
    send(caller, {"email": "a@x.io"}, meta={"patch_properties": patch})
    send(caller, {"email": "a@x.io"}, meta={"patch_properties": {"unappend": {"tags": "a"}}})
    assert known(caller)["properties"] == {"tier": "gold", "tags": ["b"]}


@pytest.mark.parametrize(
    ("attributes", "more", "status", "pointer"),
    [
        ({"email": "no-at"}, {}, 400, "/data/attributes/email"),
        ({"email": None}, {"id": "01"}, 400, "/data/attributes/email"),
        ({"email": "a@x.io", "phone_number": "12"}, {}, 400, "/data/attributes/phone_number"),
        ({"first_name": "Ada"}, {}, 400, "/data/attributes"),
        ({"email": "a@x.io", "zip": "1"}, {}, 400, "/data/attributes/zip"),
        ({"email": "a@x.io", "location": {"zip": 1}}, {}, 400, "/data/attributes/location/zip"),
        (
            {"email": "a@x.io"},
            {"meta": {"patch_properties": {"append": {"a": {}}}}},
            400,
            "/data/meta/patch_properties/append",
        ),
        ({"email": "a@x.io"}, {"relationships": {}}, 400, "/data/relationships"),
        ({"title": None}, {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, 404, "/data/attributes"),
        ({"email": "x@x.io", "external_id": "y"}, {}, 409, "/data/attributes"),
        ({"email": "a@x.io", "title": "x" * 100_000}, {}, 413, "/data/"),
    ],
)
def test_what_is_wrong_is_refused_and_nobody_changed(caller, attributes, more, status, pointer):
    """As strict as the bulk import; identifiers of two people are a conflict."""
    caller.load({"email": "x@x.io", "external_id": "x"}, {"email": "y@x.io", "external_id": "y"})
    before = caller.box.profiles
    answer = send(caller, attributes, **more)
    assert answer.status == status
    assert [error["source"]["pointer"] for error in answer.json["errors"]] == [pointer]
    assert caller.box.profiles == before


def test_a_scenario_refuses_people(caller):
    """In its own words."""
    caller.box.profile_refusal = lambda raw: "not today" if b"a@x.io" in raw else None
    assert send(caller, {"email": "a@x.io"}).json["errors"][0]["detail"] == "not today"
    assert send(caller, {"email": "b@x.io"}).status == 201


def test_it_is_limited_as_klaviyo_limits_it(limited):
    """75 a second; the scope is that of writing profiles."""
    answers = [send(limited, {"email": "a@x.io"}).status for _ in range(76)]
    assert answers.count(429) == 1
    limited.box.scopes = frozenset({"profiles:read"})
    assert send(limited, {"email": "a@x.io"}).status == 403
