"""Pages, fields, and what is told of the account."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

LIST = "Y6nRLr"
PROFILES = "/api/profiles"
MEMBERS = f"/api/lists/{LIST}/profiles"

counts = st.integers(min_value=0, max_value=60)
sizes = st.integers(min_value=1, max_value=25)


@settings(deadline=None, max_examples=60)
@given(counts, sizes, st.sampled_from(["joined_group_at", "-joined_group_at"]), st.data())
def test_every_member_is_on_exactly_one_page(new_caller, count, size, sort, data):
    """Also when others leave and join between two pages."""
    caller = new_caller()
    if count:
        caller.load(*({"email": f"p{n}@x.io"} for n in range(count)))
    people = {person["id"]: email for email, person in caller.box.profiles.items()}
    leavers = data.draw(st.sets(st.sampled_from(sorted(people)))) if people else set()
    found, answer = [], caller.get(MEMBERS, page_size=size, sort=sort)
    while True:
        assert len(answer.json["data"]) <= size
        found += [member["id"] for member in answer.json["data"]]
        following = answer.json["links"]["next"]
        if following is None:
            break
        if leavers:
            body = {"data": [{"type": "profile", "id": leavers.pop()}]}
            caller.send("DELETE", f"/api/lists/{LIST}/relationships/profiles", body=body)
        answer = caller.send("GET", MEMBERS, following.partition("?")[2])
    stayed = {member["id"] for member in caller.box.members(LIST)}
    assert len(found) == len(set(found))
    assert stayed <= set(found) <= set(people)
    emails = [int(people[profile_id][1:-5]) for profile_id in found]
    assert emails == sorted(emails, reverse=sort.startswith("-"))


@settings(deadline=None, max_examples=30)
@given(counts, sizes, st.sampled_from([None, "email", "-email", "id", "-created", "updated"]))
def test_every_profile_is_on_exactly_one_page(new_caller, count, size, sort):
    """However they are sorted."""
    caller = new_caller()
    if count:
        caller.load(*({"email": f"p{n}@x.io"} for n in range(count)))
    query = {"page_size": size} | ({"sort": sort} if sort else {})
    found = [person["attributes"]["email"] for person in caller.everything(PROFILES, **query)]
    assert sorted(found) == sorted(caller.box.profiles)


@settings(deadline=None, max_examples=30)
@given(counts, sizes)
def test_every_import_error_is_on_exactly_one_page(new_caller, count, size):
    """And every job in the listing."""
    caller = new_caller()
    caller.box.refuse_rows(lambda row: ("invalid", "no") if row["email"] != "good@x.io" else None)
    begun = caller.load({"email": "good@x.io"}, *({"email": f"p{n}@x.io"} for n in range(count)))
    path = f"/api/profile-bulk-import-jobs/{begun.json['data']['id']}/import-errors"
    found = [error["attributes"]["original_payload"]["email"] for error in caller.everything(path, page_size=size)]
    assert found == [f"p{n}@x.io" for n in range(count)]


@pytest.mark.parametrize(
    ("path", "default", "largest"), [(PROFILES, 20, 100), (MEMBERS, 20, 100), ("/api/lists", 10, 10)]
)
def test_pages_have_a_default_and_a_largest_size(caller, path, default, largest):
    """Who forgets page[size] reads a fifth; who wants more is refused."""
    caller.load(*({"email": f"p{n}@x.io"} for n in range(120)))
    for number in range(12):
        caller.box.add_list(f"L{number:05}", "list")
    assert len(caller.get(path).json["data"]) == default
    assert len(caller.get(path, page_size=largest).json["data"]) == largest
    for size in (0, largest + 1, "ten", "", "-1", "1.5"):
        answer = caller.get(path, page_size=size)
        assert answer.status == 400
        assert answer.json["errors"][0]["source"] == {"parameter": "page[size]"}


def test_the_last_page_has_a_null_link(caller):
    """As recorded, though the document says it is text; `next` holds the other parameters."""
    caller.load(*({"email": f"p{n}@x.io"} for n in range(3)))
    first = caller.get(MEMBERS, page_size=2, fields_profile="email").json
    assert "fields%5Bprofile%5D=email" in first["links"]["next"]
    assert first["links"]["next"].startswith(f"http://127.0.0.1:8765{MEMBERS}?")
    last = caller.send("GET", MEMBERS, first["links"]["next"].partition("?")[2]).json
    assert last["links"]["next"] is last["links"]["prev"] is None
    assert len(last["data"]) == 1


def test_a_full_last_page_is_the_last(caller):
    """No empty page after it."""
    caller.load(*({"email": f"p{n}@x.io"} for n in range(4)))
    first = caller.get(MEMBERS, page_size=2).json["links"]["next"]
    assert caller.send("GET", MEMBERS, first.partition("?")[2]).json["links"]["next"] is None


@pytest.mark.parametrize("cursor", ["", "x", "bmV4dA==", "%FF", "bmV4dDo6cG9zaXRpb246Oi0x"])
def test_a_cursor_of_ones_own_is_refused(caller, cursor):
    """They are Klaviyo's to make."""
    assert caller.get(MEMBERS, page_cursor=cursor).status == 400


@pytest.mark.parametrize(
    ("wanted", "attributes"),
    [
        ("email", {"email": "a@x.io"}),
        ("email,title", {"email": "a@x.io", "title": "T"}),
        ("location.city", {"location": {"city": "Graz"}}),
        ("id", {}),
    ],
)
def test_only_the_fields_that_were_asked_for(caller, wanted, attributes):
    """And no relationships then."""
    caller.load({"email": "a@x.io", "title": "T", "location": {"city": "Graz", "zip": "8010"}})
    (person,) = caller.get(PROFILES, fields_profile=wanted).json["data"]
    assert person["attributes"] == attributes
    assert "relationships" not in person


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (PROFILES, "fields[profile]=emial"),
        (PROFILES, "fields[list]=name"),
        (PROFILES, "additional-fields[profile]=consent"),
        (PROFILES, "sort=first_name"),
        (PROFILES, "page=2"),
        (PROFILES, "page[size]=5&page[size]=6"),
        ("/api/lists", "include=profiles"),
        ("/api/lists", "additional-fields[list]=profile_count"),
        ("/api/accounts", "page[size]=1"),
        ("/api/accounts", "page[cursor]=x"),
        (f"/api/lists/{LIST}/relationships/profiles", "fields[profile]=email"),
        ("/api/profile-bulk-import-jobs", "sort=-created"),
        ("/api/billing-usage", 'filter=equals(id,"x")'),
    ],
)
def test_unknown_parameters_are_refused(caller, path, query):
    """A misspelt one would be lost without a word otherwise."""
    answer = caller.send("GET", path, query)
    assert answer.status == 400
    assert "parameter" in answer.json["errors"][0]["source"]


def test_the_account_is_one(caller):
    """An array of exactly one."""
    (account,) = caller.get("/api/accounts").json["data"]
    assert account["id"] == account["attributes"]["public_api_key"] == "SANDBX"
    assert account["attributes"]["contact_information"]["organization_name"] == "Sandbox Ltd"


def test_a_part_of_a_part_of_the_account(caller):
    """Where it stands in the whole answer."""
    wanted = "contact_information.street_address.city,contact_information.organization_name,locale"
    (account,) = caller.get("/api/accounts", fields_account=wanted).json["data"]
    assert account["attributes"] == {
        "contact_information": {"organization_name": "Sandbox Ltd", "street_address": {"city": None}},
        "locale": "en-US",
    }


def test_a_part_of_consent(caller):
    """Three steps down."""
    caller.load({"email": "a@x.io"})
    query = "additional-fields[profile]=subscriptions&fields[profile]=subscriptions.email.marketing.consent"
    (person,) = caller.send("GET", PROFILES, query).json["data"]
    assert person["attributes"] == {"subscriptions": {"email": {"marketing": {"consent": "NEVER_SUBSCRIBED"}}}}


@pytest.mark.parametrize(
    "query",
    [
        "include=push-tokens&fields[push-token]=token,metadata.app_id",
        "include=conversations&fields[conversation]=channel",
    ],
)
def test_fields_of_what_hangs_on_a_profile(caller, query):
    """Nothing does in the sandbox, and it may be asked for all the same."""
    caller.load({"email": "a@x.io"})
    assert len(caller.send("GET", PROFILES, query).json["data"]) == 1


def test_the_plan_counts_profiles_among_other_things(new_caller):
    """What was used before and what came since; the row is known by its unit, not by its place."""
    caller = new_caller(plan_profiles=(990, 1000))
    caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    rows = caller.get("/api/billing-usage").json["data"]
    assert rows[0]["attributes"]["unit"] != "profiles"
    (row,) = [row for row in rows if row["attributes"]["unit"] == "profiles"]
    assert (row["attributes"]["usage_used"], row["attributes"]["usage_max"]) == (992, 1000)
    assert caller.get(f"/api/billing-usage/{row['id']}").json["data"] == row
    assert caller.get("/api/billing-usage", filter=f'any(id,["{row["id"]}"])').json["data"] == [row]
    assert caller.get("/api/billing-usage/nothing").status == 404


def test_a_plan_may_count_no_profiles(new_caller):
    """Then there is no such row."""
    rows = new_caller(plan_profiles=None).get("/api/billing-usage").json["data"]
    assert [row["attributes"]["unit"] for row in rows] == ["messages"]
