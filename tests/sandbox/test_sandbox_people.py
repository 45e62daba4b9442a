"""Who a row is, and what becomes of what is known about that person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.sandbox.block import Row
from target_klaviyo_segments.sandbox.people import People

LIST = "Y6nRLr"


def patched(email, **patch):
    return {"type": "profile", "attributes": {"email": email}, "meta": {"patch_properties": patch}}


def properties(caller, email="a@x.io"):
    return caller.box.profiles[email]["properties"]


def test_addresses_are_one_in_any_case_and_kept_in_lower_case(caller):
    """Matched without case, shown in lower case."""
    caller.load({"email": "Ada@X.io", "first_name": "Ada"})
    caller.load({"email": "ADA@x.IO", "last_name": "L"})
    (person,) = caller.box.profiles.values()
    assert (person["email"], person["first_name"], person["last_name"]) == ("ada@x.io", "Ada", "L")


def test_nulls_write_nothing(caller):
    """The bulk endpoint cannot clear a field."""
    caller.load({"email": "a@x.io", "title": "T", "location": {"zip": "1"}, "properties": {"tier": "gold"}})
    caller.load({"email": "a@x.io", "title": None, "location": {"zip": None}, "properties": {"tier": None}})
    caller.load({"email": "a@x.io", "location": None, "properties": None})
    caller.load({"email": "a@x.io", "title": None, "location": {"zip": "1"}, "properties": {"tier": "gold"}})
    person = caller.box.profiles["a@x.io"]
    assert (person["title"], person["location"], person["properties"]) == ("T", {"zip": "1"}, {"tier": "gold"})


def test_what_is_not_sent_stays(caller):
    """Fields and properties are merged by name."""
    caller.load({"email": "a@x.io", "title": "T", "location": {"zip": "1"}, "properties": {"tier": "gold", "n": 1}})
    caller.load({"email": "a@x.io", "location": {"city": "Graz"}, "properties": {"n": 2}})
    person = caller.box.profiles["a@x.io"]
    assert person["title"] == "T"
    assert person["location"] == {"zip": "1", "city": "Graz"}
    assert person["properties"] == {"tier": "gold", "n": 2}


def test_patches_append_take_away_and_unset(caller):
    """Beside the attributes, also for somebody new."""
    caller.load(patched("a@x.io", append={"segments": "vip"}))
    assert properties(caller) == {"segments": ["vip"]}
    caller.load({"email": "a@x.io"})
    assert properties(caller) == {"segments": ["vip"]}
    caller.load(patched("a@x.io", append={"segments": ["vip", "new"], "n": 1}))
    assert properties(caller) == {"segments": ["vip", "new"], "n": [1]}
    caller.load(patched("a@x.io", unappend={"segments": ["vip"], "other": 1}, unset="n"))
    assert properties(caller) == {"segments": ["new"]}
    caller.load(patched("a@x.io", unset=["segments", "unknown"]))
    assert properties(caller) == {}


def test_properties_of_every_kind_come_back_as_they_were(caller):
    """Big integers and text of any alphabet too; what is no float any more is null when it is shown."""
    sent = {"big": 10**30, "nested": {"a": [1, 2.5, "ü", True]}, "text": "\u2028 \U0001f600"}
    caller.load({"email": "a@x.io", "properties": sent})
    assert caller.get("/api/profiles").json["data"][0]["attributes"]["properties"] == sent


def test_a_number_beyond_floats_is_no_crash(caller, body):
    """1e999 is JSON."""
    caller.load({"email": "a@x.io", "properties": {"far": "FAR"}})
    content = body([{"email": "b@x.io", "properties": {"far": "FAR"}}])
    raw = str(content).replace("'", '"').replace('"FAR"', "1e999").encode()
    assert caller.send("POST", "/api/profile-bulk-import-jobs", body=raw).status == 202
    assert caller.get("/api/profiles", filter='equals(email,"b@x.io")').json["data"][0]["attributes"]["properties"] == {
        "far": None
    }


def test_a_known_address_with_a_new_phone_changes_the_phone(caller):
    """And the old phone is free again."""
    caller.load({"email": "a@x.io", "phone_number": "+12025550143"})
    caller.load({"email": "a@x.io", "phone_number": "+12025550144"})
    assert caller.box.profiles["a@x.io"]["phone_number"] == "+12025550144"
    begun = caller.load({"email": "b@x.io", "phone_number": "+12025550143"})
    assert caller.errors_of(begun) == []
    assert len(caller.box.profiles) == 2


def test_any_identifier_finds_the_person(caller):
    """Phone, external_id and Klaviyo's own id."""
    caller.load({"email": "a@x.io", "phone_number": "+12025550143", "external_id": "42"})
    known = caller.box.profiles["a@x.io"]["id"]
    caller.load({"phone_number": "+12025550143", "first_name": "A"})
    caller.load({"external_id": "42", "last_name": "B"})
    caller.load({"type": "profile", "id": known, "attributes": {"email": "new@x.io", "title": "C"}})
    (person,) = caller.box.profiles.values()
    assert person["id"] == known
    assert [person[name] for name in ("email", "first_name", "last_name", "title")] == ["new@x.io", "A", "B", "C"]


@pytest.mark.parametrize(
    "row",
    [
        {"email": "a@x.io", "phone_number": "+12025550199"},
        {"email": "a@x.io", "external_id": "b"},
        {"phone_number": "+12025550199", "external_id": "a"},
    ],
)
def test_identifiers_of_two_people_drop_the_row(caller, row):
    """A single endpoint answers 409; the bulk job drops the row with an import error, and nobody changes."""
    caller.load({"email": "a@x.io", "external_id": "a"})
    caller.load({"email": "b@x.io", "external_id": "b", "phone_number": "+12025550199"})
    before = caller.box.profiles
    begun = caller.load({**row, "title": "who?"}, {"email": "c@x.io"})
    (error,) = caller.errors_of(begun)
    assert error["code"] == "duplicate_profile"
    assert caller.job(begun)["failed_count"] == caller.job(begun)["completed_count"] == 1
    assert {email: caller.box.profiles[email] for email in before} == before


@pytest.mark.parametrize(
    "row",
    [
        {"type": "profile", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "attributes": {"email": "a@x.io"}},
        {"type": "profile", "id": "nonsense", "attributes": {}},
        {"_kx": "token"},
    ],
)
def test_who_cannot_be_resolved_is_dropped(caller, row):
    """An id that nobody has, a token that the sandbox cannot read."""
    assert len(caller.errors_of(caller.load(row))) == 1
    assert caller.box.counts["profiles"] == 0


def test_an_import_gives_no_consent(caller):
    """Being on a list is no consent."""
    caller.load({"email": "a@x.io"})
    for path in ("/api/profiles", f"/api/lists/{LIST}/profiles"):
        (profile,) = caller.get(path, additional_fields_profile="subscriptions").json["data"]
        assert profile["attributes"]["subscriptions"]["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"


def test_whoever_is_on_the_list_already_keeps_the_moment_of_joining(caller, clock):
    """An import again moves nobody."""
    caller.load({"email": "a@x.io"})
    clock.seconds += 100
    caller.load({"email": "b@x.io"}, {"email": "a@x.io"})
    members = caller.box.members(LIST)
    assert [member["email"] for member in members] == ["a@x.io", "b@x.io"]
    assert members[0]["joined_group_at"] < members[1]["joined_group_at"]


@given(st.integers(min_value=0, max_value=300), st.floats(min_value=0, max_value=4e9))
def test_ids_look_like_klaviyos_and_lead_back(count, now):
    """26 digits of a ULID; each person has one, and nobody another's."""
    people = People()
    for number in range(count):
        email = f"p{number}@x.io"
        people.put(Row(email, None, None, None, raw=b'{"attributes":{}}'), now)
    ids = [person.id for person in people]
    assert len(set(ids)) == count
    assert all(len(profile_id) == 26 and profile_id.isalnum() for profile_id in ids)
    assert [people.by_id(profile_id) for profile_id in ids] == list(people)
    assert people.by_id("0" * 26) not in people[1:]


@pytest.mark.parametrize(
    ("old_ids", "status", "left"), [("refused", 400, 1), ("followed", 204, 0), ("ignored", 204, 1)]
)
def test_profiles_can_be_merged(caller, old_ids, status, left):
    """The destination keeps what it has, gets what it lacks, and takes the other's place on lists; nobody is twice."""
    caller.load({"email": "a@x.io", "first_name": "Ada", "location": {"zip": "1"}, "properties": {"n": 1, "m": 1}})
    caller.load({"phone_number": "+15005550006", "first_name": "A.", "properties": {"n": 2}}, list_id=None)
    source, destination = [each["id"] for each in caller.everything("/api/profiles")]
    caller.box.merge(source, destination, old_ids)
    assert [each["id"] for each in caller.everything("/api/profiles")] == [destination]
    assert caller.box.profiles["a@x.io"] == {
        "id": destination, "email": "a@x.io", "phone_number": "+15005550006", "first_name": "A.",
        "location": {"zip": "1"}, "properties": {"n": 2, "m": 1},
    }  # fmt: skip
    assert [member["id"] for member in caller.box.members(LIST)] == [destination]
    body = {"data": [{"type": "profile", "id": source}]}
    assert caller.send("DELETE", f"/api/lists/{LIST}/relationships/profiles", body=body).status == status
    assert len(caller.box.members(LIST)) == left


def test_a_merged_profile_keeps_the_consent_of_both(caller):
    """An address is not asked anew because a phone number was found to be the same person's, and a no stays a no."""
    caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    caller.load({"phone_number": "+15005550006"}, {"phone_number": "+15005550007"}, list_id=None)
    subscribed, said_no = caller.box.consent("a@x.io"), caller.box.consent("b@x.io")
    subscribed.channels["email"], subscribed.since["email"], subscribed.source = "SUBSCRIBED", "2026-01-01", "till"
    said_no.unsubscribe(1.0)
    said_no.list_suppressions[LIST] = 2.0
    ids = [each["id"] for each in caller.everything("/api/profiles")]
    for source, destination in zip(ids[:2], ids[2:], strict=True):
        caller.box.merge(source, destination)
    found = caller.box.consent("a@x.io")
    assert (found.channels, found.since, found.source) == ({"email": "SUBSCRIBED"}, {"email": "2026-01-01"}, "till")
    found = caller.box.consent("b@x.io")
    assert (found.channels, found.suppressions) == ({"email": "UNSUBSCRIBED"}, {"UNSUBSCRIBE": 1.0})
    assert found.list_suppressions == {LIST: 2.0}
