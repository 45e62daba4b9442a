"""Fields of one person cleared: what is asked, what is sent, what is refused."""

from __future__ import annotations

import json

import pytest

from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.klaviyo.clearing import (
    Found,
    clear_fields,
    look_up,
    nulls_for,
    read_found,
    read_refusal,
)


def found(**attributes):
    return Found("01", "a@x.io", attributes)


def test_what_people_have_is_asked_for_a_hundred_at_a_time():
    """Only the fields in question, the address whole."""
    calls = list(look_up([f"p{n}@x.io" for n in range(101)], ["location.city", "location.zip", "title"]))
    assert len(calls) == 2
    assert calls[0].path.startswith(
        "/api/profiles?fields%5Bprofile%5D=email%2Clocation%2Ctitle&page%5Bsize%5D=100&filter=any"
    )


@pytest.mark.parametrize(
    ("attributes", "nulls"),
    [
        ({"title": "Dr", "first_name": "Ada"}, {"title": None}),
        ({"title": None}, {}),
        ({}, {}),
        ({"location": None}, {}),
        ({"location": {"city": None, "zip": "1"}}, {}),
        ({"location": {"city": "Graz", "zip": "1", "ip": None}}, {"location": {"city": None, "zip": "1"}}),
        ({"title": "Dr", "location": {"city": "Graz"}}, {"title": None, "location": {"city": None}}),
    ],
)
def test_what_has_a_value_is_cleared_and_nothing_else(attributes, nulls):
    """A location goes whole: whether a part of one replaces it is not documented."""
    assert nulls_for(found(**attributes), ["title", "location.city"]) == nulls


def test_a_person_is_named_by_klaviyos_id():
    """So that nobody is created, and no address changed."""
    call = clear_fields("01", {"title": None})
    assert (call.method, call.path) == ("POST", "/api/profile-import")
    assert json.loads(call.body) == {"data": {"type": "profile", "id": "01", "attributes": {"title": None}}}


def test_profiles_without_an_address_are_left_out():
    """Nobody asked for them."""
    body = {"data": [{"id": "1", "attributes": {"email": None}}, {"id": "2", "attributes": {"email": " A@x.io"}}]}
    page = read_found(json.dumps(body).encode())
    assert [(each.id, each.email) for each in page.items] == [("2", "a@x.io")]
    assert page.next_url is None
    with pytest.raises(KlaviyoError, match="not a page of profiles"):
        read_found(b"<html>")


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_refusal_is_of_one_person(status):
    """With Klaviyo's words, and no address in them."""
    body = json.dumps({"errors": [{"code": "x", "detail": "not a@x.io, no"}]}).encode()
    told = str(read_refusal(status, body))
    assert f"Klaviyo answers {status} to Create or Update Profile" in told
    assert "a@x.io" not in told
    assert "no reason given" in str(read_refusal(status, b""))


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_other_refusals_are_about_something_else(status):
    """The key, the limits, Klaviyo itself."""
    assert read_refusal(status, b"") is None
