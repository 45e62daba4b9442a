"""Rate windows and retries, decided without a clock."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Transient
from target_klaviyo_segments.klaviyo.pacing import (
    QUOTA_MAX,
    SLACK_ANSWERED_SECONDS,
    SLACK_MAX_SECONDS,
    SLACK_SECONDS,
    RetryPolicy,
    Windows,
    seconds_for,
)
from target_klaviyo_segments.klaviyo.protocol import Window
from target_klaviyo_segments.sandbox import windows as sandbox_windows
from target_klaviyo_segments.sandbox.windows import Windows as KlaviyoWindows

M = (Window(10, 1), Window(150, 60))
TIERS = st.lists(
    st.builds(Window, st.integers(1, 20), st.sampled_from([1, 5, 60])),
    min_size=1,
    max_size=3,
    unique_by=lambda w: w.seconds,
)
GAPS = st.lists(st.floats(0, 30) | st.just(0.0), max_size=120)
SLACK = 1e-6  # floating point


def exceeded(instants, window):
    """Whether some stretch as long as the window holds more than its quota."""
    pairs = zip(instants, instants[window.quota :], strict=False)
    return any(later - earlier < window.seconds - SLACK for earlier, later in pairs)


def times(windows, count, now=0.0):
    return [windows.reserve(now) for _ in range(count)]


@given(TIERS, GAPS)
def test_no_window_is_ever_exceeded(tier, gaps):
    """Whenever requests come, no stretch of time holds more than the quota."""
    windows, now, instants = Windows(tier), 0.0, []
    for gap in gaps:
        now += gap
        instants.append(windows.reserve(now))
    assert all(later >= earlier - SLACK for earlier, later in pairwise(instants))
    assert not any(exceeded(instants, window) for window in tier)


@given(GAPS, st.integers(1, 20), st.integers(1, 200), st.integers(0, 60))
def test_no_learned_window_is_exceeded_from_then_on(gaps, burst, steady, before):
    """A quota that Klaviyo lowers binds the next request."""
    windows, now = Windows(M), 0.0
    times(windows, before)
    windows.learn(f"{burst}, {burst};w=1, {steady};w=60")
    instants = []
    for gap in gaps:
        now += gap
        instants.append(windows.reserve(now))
    assert not exceeded(instants, Window(burst, 1))
    assert not exceeded(instants, Window(steady, 60))


@given(GAPS, st.integers(0, 119), st.floats(0, 100))
def test_nobody_goes_before_a_hold_is_over(gaps, position, length):
    """After a 429 an earlier request would be refused again."""
    windows, now = Windows(M), 0.0
    for index, gap in enumerate(gaps):
        now += gap
        if index == position:
            windows.hold(now + length)
            assert windows.reserve(now) >= now + length - SLACK
        windows.reserve(now)


def test_the_quota_is_used_to_the_full():
    """Klaviyo's quota is the only brake: 150 in the first minute, as early as the burst and the slack allow."""
    instants = times(Windows(M), 301)
    assert instants[:10] == [0.0] * 10
    assert instants[149] == pytest.approx(14 * 1.1)
    assert instants[150] == pytest.approx(60.1)
    assert instants[300] == pytest.approx(120.2)


@given(st.lists(st.tuples(st.floats(0, 2) | st.just(0.0), st.floats(0, SLACK_SECONDS)), max_size=200))
def test_requests_that_arrive_late_break_no_window(sent):
    """On the way some requests take longer than others: Klaviyo's own windows, which are fixed, refuse none of them."""
    windows, now, arrivals = Windows(M), 0.0, []
    for gap, late in sent:
        now += gap
        arrivals.append(windows.reserve(now) + late)
    klaviyo = KlaviyoWindows()
    for arrival in sorted(arrivals):
        klaviyo.take({"import": sandbox_windows.M}, arrival)  # or it raises


def answers(windows, klaviyo, trips):
    """Send a request each time that one may go, as `trips` say: how long on the way, and until its answer."""
    last = 0.0
    for on_the_way, until_answered in trips:
        instant = windows.reserve(last)
        klaviyo.take({"import": sandbox_windows.M}, instant + on_the_way)  # or it raises
        last = instant + on_the_way + until_answered
        windows.answered(instant, last)
    return last


@given(st.lists(st.tuples(st.floats(0.0, 0.15), st.floats(0.01, 0.04)), max_size=149))
def test_answers_show_how_late_requests_arrived(trips):
    """Later by more than the slack is no trouble once it is known."""
    answers(Windows(M), KlaviyoWindows(), [(0.0, 0.01), *trips])


def test_answers_that_come_alike_leave_little_room():
    """Who was no slower than the fastest was not late; of the first answer nobody knows what it waited for."""
    windows = Windows([Window(10, 1)])
    for instant in times(windows, 10):
        windows.answered(instant, 0.3)
    assert times(windows, 10) == pytest.approx([1 + SLACK_ANSWERED_SECONDS] * 9 + [1 + 2 * SLACK_SECONDS])


def test_who_did_not_send_takes_no_place():
    """A turn that a hold made void is another's."""
    windows = Windows([Window(2, 1)])
    first, second = times(windows, 2)
    windows.give_back(second)
    assert windows.reserve(first) == first


def test_giving_back_what_was_not_taken_frees_no_place():
    """Only a turn that is counted is another's."""
    windows = Windows([Window(2, 1)])
    times(windows, 2)
    windows.give_back(9.0)
    assert windows.reserve(0.0) == 1 + SLACK_SECONDS


def test_an_answer_after_its_window_takes_no_second_place():
    """However late it comes: a request takes one place."""
    windows = Windows([Window(2, 1)])
    late, *_ = times(windows, 3)
    windows.answered(late, 9.0)
    assert times(windows, 2, 9.0) == [9.0] * 2


def test_each_429_makes_more_room():
    """Requests are even later than was thought: at most half a second more is left between two windows."""
    windows = Windows(M)
    for _ in range(100):
        windows.hold(0.0)
    instants = times(windows, 11)
    assert instants[10] == pytest.approx(1 + SLACK_MAX_SECONDS)


def test_a_request_after_a_pause_goes_at_once():
    """Nobody waits for a window that has room."""
    windows = Windows(M)
    times(windows, 10)
    assert windows.reserve(1.0 + SLACK_SECONDS) == 1.0 + SLACK_SECONDS


def test_a_hold_is_seen_until_it_is_over():
    """Who reserved before the 429 finds out before sending."""
    windows = Windows(M)
    windows.hold(30.0)
    windows.hold(20.0)
    assert windows.held(29.9)
    assert not windows.held(30.0)


@given(st.dictionaries(st.integers(1, 86_400), st.integers(1, QUOTA_MAX), min_size=1, max_size=4))
def test_a_header_is_learned_as_it_says(quotas):
    """What Klaviyo's header says is what counts, new windows too."""
    windows = Windows(M)
    windows.learn(", ".join(["1", *(f"{quota};w={seconds}" for seconds, quota in quotas.items())]))
    expected = {1: 10, 60: 150} | quotas
    assert {window.seconds: window.quota for window in windows.windows} == expected


def test_a_daily_window_counts():
    """Create List has one of 150 a day; a new one may come anywhere."""
    windows = Windows([Window(10, 1)])
    windows.learn("10, 10;w=1, 150;w=60, 20;w=86400")
    assert times(windows, 21)[20] == 86_400 + SLACK_SECONDS


@pytest.mark.parametrize(
    "header", ["", "10", "10;w=0", "0;w=1", "x;w=1", "-5;w=1", "10;w=1.5", ";w=", "9999999;w=1", "10;w", ",,,"]
)
def test_nonsense_teaches_nothing(header):
    """A broken header stops no run and opens no flood."""
    windows = Windows(M)
    windows.learn(header)
    assert windows.windows == M


def test_a_larger_quota_keeps_what_was_sent():
    """Learning forgets no request."""
    windows = Windows([Window(2, 10)])
    times(windows, 2)
    windows.learn("3;w=10")
    assert times(windows, 2) == [0.0, 10 + SLACK_SECONDS]


POLICY = RetryPolicy(limit_seconds=600)


def test_waits_double_up_to_the_cap():
    """Exponential, as Klaviyo asks, and never hours."""
    delays = [POLICY.next_delay(attempt, 0, Transient("x"), 0.5) for attempt in range(1, 10)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(1, 10**9), st.floats(0, 1), st.none() | st.floats(0, 100))
def test_a_wait_is_within_its_jitter_and_not_before_retry_after(attempt, random, retry_after):
    """Many clients spread out; none comes earlier than Klaviyo said."""
    nominal = min(60, 0.5 * 2 ** min(attempt - 1, 64))
    delay = POLICY.next_delay(attempt, 0, Transient("x", retry_after), random)
    assert max(nominal * 0.5, retry_after or 0) <= delay <= max(nominal * 1.5, retry_after or 0)


@given(st.integers(1, 100), st.floats(0, 2_000), st.floats(0, 1), st.none() | st.floats(0, 10_000))
def test_the_limit_is_never_passed(attempt, elapsed, random, retry_after):
    """Every wait has a limit: an hour's Retry-After gives up at once."""
    delay = POLICY.next_delay(attempt, elapsed, Transient("x", retry_after), random)
    assert delay is None or elapsed + delay <= 600
    if retry_after is not None and elapsed + retry_after > 600:
        assert delay is None


@pytest.mark.parametrize(
    ("requests", "seconds"), [(0, 0), (1, 0), (10, 0), (11, 1), (150, 14), (151, 60), (160, 60), (161, 61), (450, 134)]
)
def test_how_long_so_many_requests_take(requests, seconds):
    """From the first to the last: ten a second until the minute's 150 are used up, then the next minute's."""
    assert seconds <= seconds_for(requests, M) <= seconds * (1 + SLACK_SECONDS)
