"""Rate windows: fixed, burst and steady at once, per endpoint, told in Klaviyo's headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.sandbox.envelope import Refusal
from target_klaviyo_segments.sandbox.windows import XS, L, M, Windows

JOBS = "/api/profile-bulk-import-jobs"


def test_a_good_answer_shows_the_burst_window(limited):
    """As recorded: the quota of the burst first, then every window; the minute's remainder is nowhere."""
    headers = limited.get(JOBS).headers
    assert headers["ratelimit-limit"] == "10, 10;w=1, 150;w=60"
    assert headers["ratelimit-remaining"] == "9"
    assert headers["ratelimit-reset"] == "0"
    assert limited.get(JOBS).headers["ratelimit-remaining"] == "8"


def test_an_eleventh_request_in_a_second_is_throttled(limited, clock):
    """A 429 has Retry-After alone."""
    for _ in range(10):
        assert limited.get(JOBS).status == 200
    answer = limited.get(JOBS)
    assert answer.status == 429
    assert answer.headers["retry-after"] == "1"
    assert not [name for name in answer.headers if name.startswith("ratelimit")]
    (error,) = answer.json["errors"]
    assert (error["code"], error["source"]) == ("throttled", {"pointer": "/data"})
    assert error["detail"] == "Request was throttled. Expected available in 1 second."
    clock.seconds += 1
    assert limited.get(JOBS).status == 200


def test_a_full_minute_says_when_it_ends(limited, clock):
    """150 a minute, though ten a second would be 600."""
    for _ in range(15):
        for _ in range(10):
            assert limited.get(JOBS).status == 200
        clock.seconds += 1
    answer = limited.get(JOBS)
    assert answer.status == 429
    assert answer.headers["retry-after"] == "45"
    clock.seconds += 44.9
    assert limited.get(JOBS).status == 429
    clock.seconds += 0.1
    assert limited.get(JOBS).status == 200


def test_endpoints_have_quotas_of_their_own(limited):
    """Submitting and listing are two endpoints on one path."""
    for _ in range(10):
        limited.get(JOBS)
    assert limited.get(JOBS).status == 429
    assert limited.load({"email": "a@x.io"}).status == 202


def test_a_costly_parameter_has_the_lower_limit(limited):
    """profile_count: once a second, whatever endpoint asks; the header tells."""
    path = "/api/lists/Y6nRLr"
    answer = limited.get(path, additional_fields_list="profile_count")
    assert answer.headers["ratelimit-limit"] == "1, 1;w=1, 15;w=60"
    assert limited.get(path, additional_fields_list="profile_count").status == 429
    assert limited.get(path).headers["ratelimit-limit"] == "75, 75;w=1, 750;w=60"


def test_lists_can_be_made_150_times_a_day(limited, clock):
    """A daily window beside the two."""
    made = {"data": {"type": "list", "attributes": {"name": "n"}}}
    for _ in range(150):
        assert limited.send("POST", "/api/lists", body=made).status == 201
        clock.seconds += 61
    answer = limited.send("POST", "/api/lists", body=made)
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) == 86_400 - 150 * 61


def test_all_private_keys_share_a_quota_and_an_oauth_app_has_its_own(limited):
    """Another integration eats the same budget; an app does not."""
    limited.box.api_keys.add("pk_other")
    limited.box.access_tokens.add("token")
    assert limited.get("/api/accounts").status == 200
    assert limited.send("GET", "/api/accounts", Authorization="Klaviyo-API-Key pk_other").status == 429
    assert limited.send("GET", "/api/accounts", Authorization="Bearer token").status == 200


def test_a_refused_body_was_counted(limited):
    """Quota goes to what was asked, not to what was right."""
    for _ in range(10):
        assert limited.send("POST", JOBS, body=b"{").status == 400
    assert limited.send("POST", JOBS, body=b"{").status == 429


def test_without_limits_nobody_waits_and_the_header_says_so(caller):
    """A client that learns its quotas need not brake either."""
    answers = [caller.get("/api/accounts") for _ in range(40)]
    assert {answer.status for answer in answers} == {200}
    assert answers[0].headers["ratelimit-limit"] == "100000, 100000;w=1, 100000;w=60"
    assert caller.box.counts["throttled"] == 0


@given(
    st.sampled_from([XS, M, L]),
    st.lists(st.floats(min_value=0, max_value=20, allow_nan=False), min_size=1, max_size=300),
)
def test_a_wait_as_told_is_always_enough_for_a_single_caller(tier, pauses):
    """Who waits for Retry-After gets through; who asks earlier never does."""
    windows, now = Windows(), 0.0
    for pause in pauses:
        now += pause
        try:
            windows.take({"x": tier}, now)
        except Refusal as refusal:
            now += int(refusal.headers["retry-after"])
            windows.take({"x": tier}, now)


@given(
    st.sampled_from([XS, M, L]),
    st.lists(st.floats(min_value=0, max_value=3, allow_nan=False), min_size=1, max_size=300),
)
def test_no_window_ever_lets_more_through_than_its_quota(tier, pauses):
    """Counted by hand, window by window, from the first request that each let through."""
    windows, now, passed = Windows(), 0.0, []
    for pause in pauses:
        now += pause
        try:
            windows.take({"x": tier}, now)
        except Refusal:
            continue
        passed.append(now)
    for window in tier:
        opened, count = None, 0
        for instant in passed:
            if opened is None or instant - opened >= window.seconds - 1e-6:
                opened, count = instant, 0
            count += 1
            assert count <= window.quota


@pytest.mark.parametrize("path", ["/api/lists", "/api/profiles"])
def test_reading_has_the_large_quota(limited, path):
    """75 a second."""
    assert [limited.get(path).status for _ in range(76)] == [200] * 75 + [429]
