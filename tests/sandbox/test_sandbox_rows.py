"""Stage one of an import: the body is taken whole or not at all, and every bad row is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.sandbox.contact import email_fault, phone_fault

JOBS = "/api/profile-bulk-import-jobs"
ROW = "/data/attributes/profiles/data"


def pointers(answer):
    assert answer.status == 400, answer.json
    return [error["source"]["pointer"] for error in answer.json["errors"]]


def test_a_good_body_is_queued(caller):
    """The recorded 202: queued, both counts 0, no dates of start and end, seven days to live."""
    answer = caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    assert answer.status == 202
    found = answer.json["data"]["attributes"]
    assert found == {
        "status": "queued",
        "created_at": "2026-09-21T14:13:20+00:00",
        "total_count": 2,
        "completed_count": 0,
        "failed_count": 0,
        "started_at": None,
        "completed_at": None,
        "expires_at": "2026-09-28T14:13:20+00:00",
    }
    assert answer.json["data"]["relationships"]["lists"]["data"] == [{"type": "list", "id": "Y6nRLr"}]
    assert len(answer.json["data"]["id"]) == 58


def test_every_field_that_klaviyo_knows_is_taken(caller):
    """All standard fields, both kinds of coordinate, free properties, patches, and nulls everywhere."""
    texts = ("email", "phone_number", "external_id", "_kx", "first_name", "last_name", "organization", "locale")
    places = ("address1", "address2", "city", "country", "region", "zip", "timezone", "ip", "latitude", "longitude")
    full = {
        "email": "a@x.io",
        "phone_number": "+12025550143",
        "external_id": "42",
        "first_name": "A",
        "last_name": "B",
        "organization": "C",
        "locale": "en-US",
        "title": "D",
        "image": "https://x.io/a.png",
        "location": {"zip": "02108", "latitude": 48.2, "longitude": "16.3", "city": None},
        "properties": {"a": [1, {"b": None}], "big": 10**30, "far": 1e300},
    }
    patch = {"append": {"a": 1}, "unappend": {"b": [2]}, "unset": ["c"]}
    rows = [
        full,
        {"email": "b@x.io", **dict.fromkeys(texts[1:]), "title": None, "location": None, "properties": None},
        {"email": "c@x.io", "location": dict.fromkeys(places)},
        {"type": "profile", "id": None, "attributes": {"email": "d@x.io"}, "meta": {"patch_properties": patch}},
        {"type": "profile", "attributes": {"_kx": "token"}, "meta": {"patch_properties": {"unset": "c"}}},
    ]
    assert caller.load(*rows).status == 202


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ({"email": "no-at"}, "/attributes/email"),
        ({"email": " a@x.io"}, "/attributes/email"),
        ({"email": ""}, "/attributes/email"),
        ({"email": f"{'a' * 8}@{'.'.join(['d' * 30] * 3)}.io"}, "/attributes/email"),
        ({"email": "a@x.io", "phone_number": "+1 202 555 0143"}, "/attributes/phone_number"),
        ({"email": "a@x.io", "phone_number": "2025550143"}, "/attributes/phone_number"),
        ({"email": "a@x.io", "phone_number": ""}, "/attributes/phone_number"),
        ({"email": "a@x.io", "phone_number": "+12025550143\n+12025550144"}, "/attributes/phone_number"),
        ({"email": 7}, "/attributes/email"),
        ({"email": "a@x.io", "phone_number": 12025550143}, "/attributes/phone_number"),
        ({"email": "a@x.io", "external_id": 42}, "/attributes/external_id"),
        ({"email": "a@x.io", "first_name": True}, "/attributes/first_name"),
        ({"email": "a@x.io", "location": {"zip": 90210}}, "/attributes/location/zip"),
        ({"email": "a@x.io", "location": {"latitude": True}}, "/attributes/location/latitude"),
        ({"email": "a@x.io", "location": {"street": "x"}}, "/attributes/location/street"),
        ({"email": "a@x.io", "location": "Vienna"}, "/attributes/location"),
        ({"email": "a@x.io", "properties": ["x"]}, "/attributes/properties"),
        ({"email": "a@x.io", "anonymous_id": "x"}, "/attributes/anonymous_id"),
        ({"email": "a@x.io", "zip": "90210"}, "/attributes/zip"),
        ({}, "/attributes"),
        ({"first_name": "A", "external_id": "", "phone_number": None}, "/attributes"),
        ({"type": "person", "attributes": {"email": "a@x.io"}}, "/type"),
        ({"attributes": {"email": "a@x.io"}}, "/type"),
        ({"type": "profile", "attributes": {"email": "a@x.io"}, "lists": []}, "/lists"),
        ({"type": "profile", "attributes": {"email": "a@x.io"}, "meta": {"x": 1}}, "/meta/x"),
        (
            {"type": "profile", "attributes": {"email": "a@x.io"}, "meta": {"patch_properties": {"unset": 1}}},
            "/meta/patch_properties/unset",
        ),
        *(
            (
                {"type": "profile", "attributes": {"email": "a@x.io"}, "meta": {"patch_properties": {action: patch}}},
                f"/meta/patch_properties/{action}{place}",
            )
            for action in ("append", "unappend")
            for patch, place in (("vip", ""), ({"tags": None}, ""), ({"tags": {"a": 1}}, ""), ({"tags": [["a"]]}, "/0"))
        ),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_taken(caller, bad, pointer):
    """No job and no profile comes of a body with one bad row."""
    answer = caller.load({"email": "first@x.io"}, bad)
    assert pointers(answer) == [f"{ROW}/1{pointer}"]
    assert caller.box.jobs == {}
    assert caller.box.profiles == {}


def test_every_bad_row_is_named_or_only_the_first(caller):
    """Which of the two Klaviyo does is documented nowhere: a knob."""
    rows = [{"email": "good@x.io"}, {"email": "bad"}, {"email": "b@x.io", "title": 1}, {"email": "also bad"}]
    named = [f"{ROW}/1/attributes/email", f"{ROW}/2/attributes/title", f"{ROW}/3/attributes/email"]
    assert pointers(caller.load(*rows)) == named
    caller.box.name_all_bad_rows = False
    assert pointers(caller.load(*rows)) == named[:1]


def test_a_scenario_may_refuse_rows_in_its_own_words(caller):
    """Klaviyo knows reasons that no check outside can know."""
    caller.box.refuse_at_submit(lambda row: "not this one" if row["email"].startswith("b") else None)
    answer = caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    assert pointers(answer) == [f"{ROW}/1/attributes/email"]
    assert answer.json["errors"][0]["detail"] == "not this one"
    caller.box.refuse_at_submit(None)
    assert caller.load({"email": "b@x.io"}).status == 202


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 202), (10_000, 202), (10_001, 400)])
def test_one_to_ten_thousand_rows(caller, count, status):
    """One over the limit and the whole body is refused."""
    assert caller.load(*({"email": f"p{n}@x.io"} for n in range(count))).status == status


@pytest.mark.parametrize(
    ("spoil", "pointer"),
    [
        (lambda data: data.update(type="profile"), "/data/type"),
        (lambda data: data.pop("type"), "/data/type"),
        (lambda data: data.pop("attributes"), "/data/attributes"),
        (lambda data: data.update(id="x"), "/data/id"),
        (lambda data: data["attributes"].pop("profiles"), "/data/attributes/profiles"),
        (lambda data: data["attributes"].update(lists=[]), "/data/attributes/lists"),
        (lambda data: data["attributes"].update(profiles=[]), "/data/attributes/profiles"),
        (lambda data: data["relationships"].update(lists=[]), "/data/relationships/lists"),
        (lambda data: data["relationships"].update(list={}), "/data/relationships/list"),
        (lambda data: data["relationships"]["lists"]["data"][0].update(id=1), "/data/relationships/lists/data/0/id"),
        (lambda data: data["relationships"]["lists"]["data"].append({"type": "list", "id": "B"}), "/lists/data"),
    ],
)
def test_the_envelope_has_its_exact_shape(caller, body, spoil, pointer):
    """What is missing, unknown or of another type is named."""
    content = body([{"email": "a@x.io"}])
    spoil(content["data"])
    (found,) = pointers(caller.send("POST", JOBS, body=content))
    assert found.endswith(pointer)


def test_an_unknown_list_refuses_the_import(caller):
    """In the request, not in the job."""
    assert pointers(caller.load({"email": "a@x.io"}, list_id="Nope01")) == ["/data/relationships/lists/data/0/id"]
    assert caller.box.jobs == {}


def test_without_a_list_people_are_only_profiles(caller):
    """The list is optional."""
    assert caller.load({"email": "a@x.io"}, list_id=None).status == 202
    assert list(caller.box.profiles) == ["a@x.io"]
    assert caller.box.members("Y6nRLr") == []


@pytest.mark.parametrize(
    "email",
    [
        "a@x.io",
        "A.B+c@Sub.Example.COM",
        "o'brien@x.co.uk",
        "jürgen@bücher.de",
        "a@xn--bcher-kva.xn--p1ai",
        "1@2.museum",
    ],
)
def test_addresses(email):
    """Spelled well, ASCII or not."""
    assert email_fault(email) is None


@pytest.mark.parametrize(
    "email",
    [
        "a",
        "@x.io",
        "a@",
        "a@x",
        "a@x.1",
        "a@@x.io",
        "a b@x.io",
        ".a@x.io",
        "a.@x.io",
        "a..b@x.io",
        "a@-x.io",
        "a@x-.io",
        "a@x..io",
        "a@x.io.",
        "a@x.io\n",
        "a,b@x.io",
        '"a"@x.io',
        "<a@x.io>",
        f"{'a' * 65}@x.io",
        f"{'a' * 40}.{'a' * 24}@x.io",
    ],
)
def test_what_is_no_address(email):
    """Nor may it be part of a longer text."""
    assert email_fault(email) is not None


def test_an_address_has_at_most_a_hundred_characters():
    """One more is refused, however well it is spelled."""
    domain = ".".join(["d" * 30] * 3)
    assert email_fault(f"{'a' * 6}@{domain}.io"[-100:]) is None
    assert email_fault(f"{'a' * (101 - len(domain) - 4)}@{domain}.io") is not None


@given(st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20})?@([a-z0-9]{1,10}\.){1,3}[a-z]{2,6}", fullmatch=True))
def test_plain_addresses_pass_in_either_case(email):
    """The quick look and the thorough one agree."""
    assert email_fault(email) is None
    assert email_fault(email.upper()) is None


@pytest.mark.parametrize(
    ("phone", "good"),
    [
        ("+12025550143", True),
        ("+4366412345678", True),
        ("12025550143", False),
        ("+0123456789", False),
        ("+1-202-555", False),
        ("+1202555014\uff13", False),
        ("+1", False),
        ("+1234567890123456", False),
        ("+12025550143\n", False),
    ],
)
def test_phones_are_e164(phone, good):
    """A plus, no zero first, digits alone, 15 at most."""
    assert (phone_fault(phone) is None) is good
