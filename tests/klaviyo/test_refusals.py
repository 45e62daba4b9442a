"""What each of Klaviyo's refusals means for the run."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.errors import (
    BodyRefused,
    Denied,
    KlaviyoError,
    Misconfigured,
    NotFound,
    RowsRefused,
    ScopeMissing,
    Transient,
)
from target_klaviyo_segments.klaviyo import protocol
from target_klaviyo_segments.klaviyo.lists import get_list
from target_klaviyo_segments.klaviyo.refusals import read_failure

IMPORT = protocol.import_profiles("Y6nRLr", [b'{"email":"a@x.io"}'])
LIST = get_list("Y6nRLr")
JSON = {"Content-Type": "application/vnd.api+json"}
HTML = {"Content-Type": "text/html; charset=UTF-8"}
PAGE = b"<html><title>Just a moment...</title></html>"
CHECK = "check `list_id`, or give the list's name as `list_name`"


def errors(*found):
    shape = {"id": "752f7ece-af36-4b5a-9e5f-5a2f3f9a1b2c", "status": 400, "code": "invalid", "title": "Invalid input."}
    return json.dumps({"errors": [shape | {"links": {}, "meta": {}} | each for each in found]}).encode()


def at(pointer, detail="Invalid email address"):
    return {"detail": detail, "source": {"pointer": pointer}}


def row(number, field="email", detail="Invalid email address"):
    return at(f"/data/attributes/profiles/data/{number}/attributes/{field}", detail)


ONE = errors({"detail": "No.", "source": {"pointer": "/data/"}})


@pytest.mark.parametrize(
    ("status", "headers", "body", "call", "kind"),
    [
        (400, JSON, errors(row(1)), IMPORT, RowsRefused),
        (400, JSON, ONE, IMPORT, BodyRefused),
        (400, HTML, PAGE, IMPORT, KlaviyoError),
        (400, JSON, errors({"source": {"parameter": "revision"}}), IMPORT, KlaviyoError),
        (400, JSON, errors(at("/data/relationships/lists/data/0/id", "No such list")), IMPORT, KlaviyoError),
        (400, JSON, errors(row(1)), LIST, KlaviyoError),
        (401, JSON, ONE, LIST, Denied),
        (401, {}, b"", LIST, Denied),
        (403, JSON, ONE, LIST, ScopeMissing),
        (403, {}, b"", LIST, ScopeMissing),
        (403, HTML, PAGE, LIST, Transient),
        (403, JSON | {"CF-Mitigated": "challenge"}, ONE, LIST, Transient),
        (404, JSON, ONE, LIST, NotFound),
        (405, JSON, ONE, LIST, KlaviyoError),
        (408, {}, b"", LIST, Transient),
        (409, JSON, ONE, LIST, KlaviyoError),
        (410, JSON, ONE, LIST, Misconfigured),
        (413, HTML, PAGE, IMPORT, BodyRefused),
        (415, JSON, ONE, IMPORT, KlaviyoError),
        (418, JSON, ONE, IMPORT, KlaviyoError),
        (425, {}, b"", IMPORT, Transient),
        (429, JSON, ONE, IMPORT, Transient),
        (429, HTML, PAGE, IMPORT, Transient),
        *[(status, HTML, PAGE, IMPORT, Transient) for status in (500, 501, 502, 503, 504, *range(520, 530), 599)],
        *[(status, {"Location": "https://evil.io/"}, b"", LIST, Misconfigured) for status in (301, 302, 303, 307, 308)],
    ],
)
def test_a_status_says_what_comes_next(status, headers, body, call, kind):
    """The type alone decides: try again, split, leave rows out, or stop."""
    failure = read_failure(status, headers, body, call)
    assert type(failure) is kind
    assert str(status) in str(failure)


def test_refused_rows_carry_klaviyos_words():
    """One bad row never costs a good one: each is named with its field."""
    refused = read_failure(400, JSON, errors(row(1), row(7, "location/zip", "Not text")), IMPORT)
    assert {number: tuple(why) for number, why in refused.rows.items()} == {
        1: ("klaviyo_refused", "Invalid email address", "email"),
        7: ("klaviyo_refused", "Not text", "location.zip"),
    }


def test_refused_rows_are_taken_out_even_beside_other_complaints():
    """What is found is used; the rest shows when the others go again."""
    list_complaint = at("/data/relationships/lists/data/0/id")
    refused = read_failure(400, JSON, errors(at("/data"), list_complaint, row(3), {"source": None}), IMPORT)
    assert set(refused.rows) == {3}


def test_a_row_refused_twice_is_one_row():
    """The first reason stands."""
    refused = read_failure(400, JSON, errors(row(1), row(1, "phone_number", "Invalid phone")), IMPORT)
    assert refused.rows[1].field == "email"


def test_refusals_name_nobody():
    """Reasons go to reports and logs."""
    told = "a@x.io and +4915112345678 are taken"
    refused = read_failure(400, JSON, errors(row(0, "email", told)), IMPORT)
    assert refused.rows[0].reason == "*** and *** are taken"
    for status in (400, 401, 403, 404, 409, 410, 413, 415, 429, 500):
        failure = read_failure(status, JSON, errors(at("/data", f"{told} by pk_secret_0123")), IMPORT)
        assert "a@x.io" not in str(failure)
        assert "15112345678" not in str(failure)
        assert "pk_secret" not in str(failure)


def test_a_body_refused_carries_the_rejection_of_its_last_row():
    """Halving ends at one row, which needs a reason of its own."""
    assert read_failure(400, JSON, ONE, IMPORT).rejection == ("klaviyo_refused", "No.", None)
    assert read_failure(413, {}, b"", IMPORT).rejection == ("body_too_large", "too large for Klaviyo", None)


@pytest.mark.parametrize(
    ("status", "call", "words"),
    [
        (
            401,
            LIST,
            ": it does not know the key; check `api_key`, `api_key_file` or the `oauth_` settings. No.",
        ),
        (403, IMPORT, ": the key lacks a scope of those that this needs, lists:write, profiles:write. The scopes of"),
        (403, IMPORT, ": make a new private key that has them, and set it in the place of this one. No."),
        (
            404,
            LIST,
            f": the account of this key has no list Y6nRLr; {CHECK}. No.",
        ),
        (404, IMPORT, ": the account of this key has no /api/profile-bulk-import-jobs. No."),
        (400, LIST, f": No.; {CHECK}"),
        (400, IMPORT, ", naming no row: No."),
        (410, LIST, ": this `api_revision` is retired. Remove the setting, or upgrade target-klaviyo-segments. No."),
        (413, IMPORT, " bytes are too many"),
        (429, LIST, ": too many requests"),
        (302, LIST, ", a redirect, which is never followed: check `api_url`"),
        (409, LIST, "Klaviyo answers 409 to Get List (id 752f7ece-af36-4b5a-9e5f-5a2f3f9a1b2c): No."),
        (500, LIST, ": No."),
    ],
)
def test_a_final_refusal_says_what_to_change(status, call, words):
    """A person reads it and knows what to do."""
    assert words in str(read_failure(status, JSON, ONE, call))


def test_a_page_in_place_of_an_answer_is_told():
    """A challenge is no missing scope: nobody is sent for a new key."""
    challenged = read_failure(403, HTML, PAGE, LIST)
    assert str(challenged) == (
        "Klaviyo answers 403 to Get List with a web page: a challenge by the proxy in front of it"
    )


def test_words_are_never_matched():
    """Klaviyo may change `detail` at any time: only the status counts."""
    misleading = errors({"code": "throttled", "detail": "Request was throttled. Expected available in 1 second."})
    assert type(read_failure(404, JSON, misleading, LIST)) is NotFound


DATE = "Tue, 24 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "1"}, 1),
        ({"retry-after": " 60 "}, 60),
        ({"Retry-After": "3600"}, 3600),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "1234567890"}, 1_000_000_000),
        ({"Retry-After": "9" * 400}, 1_000_000_000),
        ({"Retry-After": "2.00000000001"}, 2.00000000001),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "Tue, 24 Nov 2026 10:00:30 GMT", "Date": DATE}, 30),
        ({"Retry-After": "Tue, 24 Nov 2026 09:00:00 GMT", "Date": DATE}, 0),
        ({"Retry-After": "Tue, 24 Nov 2026 10:00:30 GMT"}, None),
        ({"Retry-After": "Tue, 24 Nov 2026 10:00:30 GMT", "Date": "Tue, 24 Nov 2026 10:00:00 -0000"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_klaviyos_own_word(status, headers, seconds):
    """A date counts from the answer's own: the clocks of two machines differ."""
    assert read_failure(status, headers, b"", LIST).retry_after == seconds


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "source", "pointer", "detail", "id"]), inner)
    ),
    max_leaves=8,
)


@given(st.integers(300, 599), JSON_VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40))
def test_no_refusal_crashes_a_run(status, body):
    """Whatever an answer holds, it becomes an error with words."""
    for call in (IMPORT, LIST):
        assert str(read_failure(status, {}, body, call))


@pytest.mark.parametrize("body", [b"[" * 5_000, b'{"errors":{}}', b'{"errors":[1,null]}', b'{"errors":[{}]}'])
def test_odd_bodies_have_no_words(body):
    """Nothing is made up."""
    assert "no reason given" in str(read_failure(400, JSON, body, IMPORT))
