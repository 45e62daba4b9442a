"""Lists: shown, made, filled and emptied."""

from __future__ import annotations

import pytest

LISTS = "/api/lists"
LIST = "Y6nRLr"
MEMBERS = f"{LISTS}/{LIST}/relationships/profiles"


def made(**attributes):
    return {"data": {"type": "list", "attributes": attributes}}


def ids(*profile_ids):
    return {"data": [{"type": "profile", "id": profile_id} for profile_id in profile_ids]}


@pytest.fixture
def people(caller):
    """Three profiles on no list, by e-mail."""
    caller.load(*({"email": f"p{n}@x.io"} for n in range(3)), list_id=None)
    return {email: person["id"] for email, person in caller.box.profiles.items()}


def emails(caller):
    return [member["email"] for member in caller.box.members(LIST)]


def test_a_list_is_shown(caller):
    """The count is left out, as it is unless asked for."""
    answer = caller.get(f"{LISTS}/{LIST}")
    assert answer.json["data"]["attributes"] == {
        "name": "People",
        "created": "2026-09-21T14:13:20+00:00",
        "updated": "2026-09-21T14:13:20+00:00",
        "opt_in_process": "single_opt_in",
    }
    assert answer.json["data"]["links"]["self"] == f"http://127.0.0.1:8765/api/lists/{LIST}/"
    assert set(answer.json["data"]["relationships"]) == {"profiles", "tags", "flow-triggers"}


def test_the_count_is_told_when_asked_for(caller):
    """An additional field."""
    caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    data = caller.get(f"{LISTS}/{LIST}", additional_fields_list="profile_count").json["data"]
    assert data["attributes"]["profile_count"] == 2


def test_no_flow_hangs_on_a_list_unless_it_is_hung(caller):
    """Included when asked for, of one list and of all; sparse fields are kept to."""
    answer = caller.get(f"{LISTS}/{LIST}", include="flow-triggers")
    assert answer.json["included"] == []
    assert answer.json["data"]["relationships"]["flow-triggers"]["data"] == []
    caller.box.hang_flow(LIST, "Welcome")
    for path in (LISTS, f"{LISTS}/{LIST}"):
        answer = caller.get(path, include="flow-triggers", fields_flow="name,status")
        (flow,) = answer.json["included"]
        assert flow["attributes"] == {"name": "Welcome", "status": "live"}
        data = answer.json["data"] if path.endswith(LIST) else answer.json["data"][0]
        assert data["relationships"]["flow-triggers"]["data"] == [{"type": "flow", "id": flow["id"]}]
        assert "included" not in caller.get(path).json


def test_an_unknown_list_is_not_found(caller):
    """For every endpoint of a list."""
    for tail in ("", "/profiles", "/relationships/profiles"):
        assert caller.get(f"{LISTS}/Nope01{tail}").status == 404
    assert caller.send("POST", f"{LISTS}/Nope01/relationships/profiles", body=ids("x")).status == 404


def test_a_list_is_made(caller):
    """With an id of six characters; double opt-in is the account's own way."""
    answer = caller.send("POST", LISTS, body=made(name="New"))
    assert answer.status == 201
    assert answer.json["data"]["attributes"]["opt_in_process"] == "double_opt_in"
    assert len(answer.json["data"]["id"]) == 6
    single = caller.send("POST", LISTS, body=made(name="New", opt_in_process="single_opt_in"))
    assert single.json["data"]["attributes"]["opt_in_process"] == "single_opt_in"
    assert len(caller.everything(LISTS)) == 3


@pytest.mark.parametrize(
    "content",
    [
        made(),
        made(name=""),
        made(name=7),
        made(name="x", opt_in_process="maybe"),
        made(name="x", size=1),
        {"data": {"type": "lists", "attributes": {"name": "x"}}},
        [],
    ],
)
def test_a_list_has_a_name_and_little_else(caller, content):
    """Exactly shaped, or a 400."""
    assert caller.send("POST", LISTS, body=content).status == 400
    assert len(caller.everything(LISTS)) == 1


def test_lists_come_in_tens(caller):
    """Ten is the most, and the default."""
    for number in range(14):
        caller.box.add_list(f"L{number:05}", f"list {number}")
    assert len(caller.get(LISTS).json["data"]) == 10
    assert len(caller.everything(LISTS)) == 15
    assert caller.get(LISTS, page_size=11).status == 400
    found = caller.everything(LISTS, sort="-name", page_size=4)
    names = [item["attributes"]["name"] for item in found]
    assert names == sorted(names, reverse=True)


def test_lists_are_found_by_id_and_name(caller, clock):
    """And by when they were made."""
    caller.box.add_list("B00001", "Same")
    clock.seconds += 60
    caller.box.add_list("C00001", "Same")

    def found(text):
        return [item["id"] for item in caller.get(LISTS, filter=text).json["data"]]

    assert found('equals(name,"Same")') == ["B00001", "C00001"]
    assert found(f'any(id,["C00001","{LIST}"])') == [LIST, "C00001"]
    assert found("greater-than(created,2026-09-21T14:13:20Z)") == ["C00001"]


def test_people_are_put_on_a_list_and_taken_off_it(caller, people):
    """204 without a body; twice is harmless, and so is taking off who is not on it."""
    first, second, third = people.values()
    assert caller.send("POST", MEMBERS, body=ids(first, second, first)).status == 204
    assert caller.send("POST", MEMBERS, body=ids(second)).status == 204
    assert emails(caller) == ["p0@x.io", "p1@x.io"]
    answer = caller.send("DELETE", MEMBERS, body=ids(first, third))
    assert (answer.status, answer.json) == (204, None)
    assert emails(caller) == ["p1@x.io"]
    assert len(caller.box.profiles) == 3


def test_who_comes_back_joins_anew(caller, people, clock):
    """At the end, with a new moment."""
    first, second, _ = people.values()
    caller.send("POST", MEMBERS, body=ids(first, second))
    caller.send("DELETE", MEMBERS, body=ids(first))
    clock.seconds += 5
    caller.send("POST", MEMBERS, body=ids(first))
    assert emails(caller) == ["p1@x.io", "p0@x.io"]
    assert caller.box.counts["members"] == 2


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_unknown_ids_are_named_and_nothing_is_done(caller, people, method):
    """400 for the whole call."""
    first, second, _ = people.values()
    caller.send("POST", MEMBERS, body=ids(first))
    answer = caller.send(method, MEMBERS, body=ids(second if method == "POST" else first, "XYZABD", "01"))
    assert answer.status == 400
    (error,) = answer.json["errors"]
    assert error["detail"] == "Invalid profile IDs: XYZABD, 01"
    assert error["source"] == {"pointer": "/data/"}
    assert emails(caller) == ["p0@x.io"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_thousand_ids_a_call(caller, method):
    """One more and nothing is done."""
    caller.load(*({"email": f"p{n}@x.io"} for n in range(1001)), list_id=None if method == "POST" else LIST)
    every = [person["id"] for person in caller.box.profiles.values()]
    before = caller.box.counts["members"]
    assert caller.send(method, MEMBERS, body=ids(*every)).status == 400
    assert caller.box.counts["members"] == before
    assert caller.send(method, MEMBERS, body=ids(*every[1:])).status == 204
    assert abs(caller.box.counts["members"] - before) == 1000


@pytest.mark.parametrize(
    "content", [ids(), {"data": {}}, {"data": [{"type": "list", "id": "x"}]}, {"data": [{"id": "x"}]}, {"ids": []}]
)
def test_ids_have_their_exact_shape(caller, content):
    """An array of identifiers."""
    assert caller.send("POST", MEMBERS, body=content).status == 400


def test_members_are_shown_with_the_moment_of_joining(caller, clock):
    """A profile's own attributes, and that one."""
    clock.seconds += 1
    caller.load({"email": "a@x.io", "location": {"city": "Graz"}})
    (member,) = caller.get(f"{LISTS}/{LIST}/profiles").json["data"]
    assert member["attributes"]["joined_group_at"] == "2026-09-21T14:13:21+00:00"
    assert member["attributes"]["location"]["city"] == "Graz"
    assert member["attributes"]["location"]["zip"] is None
    assert caller.get(MEMBERS).json["data"] == [{"type": "profile", "id": member["id"]}]


def test_members_are_found_by_who_they_are(caller):
    """Only members, though others are known."""
    caller.load({"email": "a@x.io", "phone_number": "+12025550143"}, {"email": "b@x.io"})
    caller.load({"email": "c@x.io"}, list_id=None)
    path = f"{LISTS}/{LIST}/profiles"
    found = caller.get(path, filter='any(email,["C@x.io","B@x.io"])').json["data"]
    assert [member["attributes"]["email"] for member in found] == ["b@x.io"]
    assert len(caller.get(path, filter='equals(phone_number,"+12025550143")').json["data"]) == 1
    assert caller.get(path, filter='equals(push_token,"x")').json["data"] == []
    assert caller.get(path, filter='equals(external_id,"x")').status == 400


def test_ranges_of_the_moment_of_joining_part_a_list(caller, clock):
    """Every member in exactly one of two halves, whichever border is shared."""
    for number in range(4):
        caller.load({"email": f"p{number}@x.io"})
        clock.seconds += 10
    border = caller.box.members(LIST)[2]["joined_group_at"]

    def found(operator):
        answer = caller.get(f"{LISTS}/{LIST}/profiles", filter=f"{operator}(joined_group_at,{border})")
        return [member["attributes"]["email"][:2] for member in answer.json["data"]]

    assert (found("less-than"), found("greater-or-equal")) == (["p0", "p1"], ["p2", "p3"])
    assert (found("less-or-equal"), found("greater-than")) == (["p0", "p1", "p2"], ["p3"])
