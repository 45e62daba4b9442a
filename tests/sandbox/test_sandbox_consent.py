"""Subscriptions: every channel that Klaviyo knows, and what it wants to be told with each."""

from __future__ import annotations

import pytest

LIST = "Y6nRLr"
PATH = "/api/profile-subscription-bulk-create-jobs"
YES = {"consent": "SUBSCRIBED"}
TOKEN = {"token": "t", "platform": "ios", "vendor": "apns"}
EMAIL, PHONE = {"email": "a@x.io"}, {"email": "a@x.io", "phone_number": "+12025550101"}


def subscribe(caller, subscriptions, sent=EMAIL, **row):
    row = {"type": "profile", "attributes": {**sent, "subscriptions": subscriptions}, **row}
    data = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {"profiles": {"data": [row]}},
        "relationships": {"list": {"data": {"type": "list", "id": LIST}}},
    }
    return caller.send("POST", PATH, body={"data": data})


@pytest.mark.parametrize(
    ("subscriptions", "sent", "channels"),
    [
        ({"email": {"marketing": YES}}, EMAIL, {"email"}),
        ({"email": {"marketing": YES, "open_tracking": YES}}, EMAIL, {"email", "email.open_tracking"}),
        ({"sms": {"transactional": YES}}, PHONE, {"sms.transactional"}),
        ({"sms": {"marketing": YES, "transactional": YES}, "email": None}, PHONE, {"sms", "sms.transactional"}),
        ({"whatsapp": {"marketing": YES, "transactional": None}}, PHONE, {"whatsapp"}),
        ({"push": {"marketing": YES, "tokens": [TOKEN], "anonymous_id": "x"}}, EMAIL, {"push"}),
        ({"email": {"marketing": YES}}, {**EMAIL, "age_gated_date_of_birth": "1990-01-31"}, {"email"}),
    ],
)
def test_every_channel_is_taken(caller, subscriptions, sent, channels):
    """And whoever is subscribed to one is on the list."""
    answer = subscribe(caller, subscriptions, sent)
    assert (answer.status, answer.json) == (202, None)
    assert set(caller.box.consent("a@x.io").channels) == channels
    assert [member["email"] for member in caller.box.members(LIST)] == ["a@x.io"]


def test_open_tracking_alone_puts_nobody_on_a_list(caller):
    """Nor does it lift a suppression: it is noted in the profile."""
    caller.load(EMAIL, list_id=None)
    caller.box.consent("a@x.io").unsubscribe(1.0)
    assert subscribe(caller, {"email": {"open_tracking": YES}}).status == 202
    assert caller.box.consent("a@x.io").channels == {"email": "UNSUBSCRIBED", "email.open_tracking": "SUBSCRIBED"}
    assert caller.box.consent("a@x.io").suppressions == {"UNSUBSCRIBE": 1.0}
    assert caller.box.members(LIST) == []


def test_whose_id_is_given_is_known_by_it(caller):
    """Their number is in the profile."""
    caller.load(PHONE, list_id=None)
    person = caller.box.profiles["a@x.io"]["id"]
    assert subscribe(caller, {"sms": {"transactional": YES}}, {}, id=person).status == 202
    assert set(caller.box.consent("a@x.io").channels) == {"sms.transactional"}


@pytest.mark.parametrize(
    ("subscriptions", "sent", "pointer"),
    [
        ({}, EMAIL, "subscriptions"),
        ({"email": {}}, EMAIL, "subscriptions"),
        ({"whatsapp": {"marketing": YES}}, EMAIL, "phone_number"),
        ({"push": {"marketing": YES}}, {}, "subscriptions/push"),
        ({"push": {}}, EMAIL, "subscriptions/push/marketing"),
        (
            {"sms": {"marketing": {**YES, "consented_at": "2026-01-01"}}},
            PHONE,
            "subscriptions/sms/marketing/consented_at",
        ),
        (
            {"sms": {"transactional": {**YES, "consented_at": "2026-01-01"}}},
            PHONE,
            "subscriptions/sms/transactional/consented_at",
        ),
        ({"email": {"marketing": YES}}, {**EMAIL, "age_gated_date_of_birth": "soon"}, "age_gated_date_of_birth"),
        ({"fax": {"marketing": YES}}, EMAIL, "subscriptions/fax"),
    ],
)
def test_what_is_missing_or_unknown_is_named(caller, subscriptions, sent, pointer):
    """By its place in the body."""
    answer = subscribe(caller, subscriptions, sent)
    assert answer.status == 400
    assert answer.json["errors"][0]["source"]["pointer"].endswith(f"/0/attributes/{pointer}")
    assert caller.box.profiles == {}
