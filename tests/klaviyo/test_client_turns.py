"""Waiting one's turn: quotas, 429s of others, and the end of the run."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from target_klaviyo_segments.errors import KlaviyoError, RunStopped
from target_klaviyo_segments.klaviyo.pacing import SLACK_ANSWERED_SECONDS

LIST = {"data": {"type": "list", "id": "Y6nRLr", "attributes": {"name": "VIP"}}}
JOB = {"data": {"type": "profile-bulk-import-job", "id": "J1", "attributes": {"status": "queued"}}}
ACCOUNT = {"data": [{"type": "account", "id": "AbC123", "attributes": {}}]}
API = "https://a.klaviyo.com"


def error(status):
    return {"errors": [{"id": "x", "status": status, "code": "invalid", "title": "No.", "detail": "No."}]}


class OwnTime(threading.local):
    """A clock on which each thread has a time of its own: how threads are scheduled moves no request."""

    time = 1000.0

    def __init__(self, asleep=lambda: None):
        self._asleep = asleep

    def now(self):
        return self.time

    def sleep(self, seconds):
        self._asleep()
        self.time += seconds


def test_a_429_is_waited_out_and_counted(connect, reply):
    """An earlier retry always gets another 429."""
    connected = connect([reply(429, error(429), {"retry-after": "7"}), reply(429, error(429)), reply(200, LIST)])
    connected.client.list("Y6nRLr")
    assert connected.times == [0, 7, 8]
    counts = connected.client.counters
    assert (counts.requests, counts.throttled) == (3, 2)


def test_a_429_stops_threads_that_come_later(connect, reply):
    """Retry-After holds for the endpoint, whoever asks."""
    answers = iter([reply(429, error(429), {"retry-after": "30"}), reply(200, LIST), reply(200, LIST)])
    other = []

    def meanwhile(*_):
        other.append(threading.Thread(target=connected.client.list, args=("Y6nRLr",)))
        other[0].start()
        other[0].join(10)

    connected = connect(lambda _: next(answers), on_retry=meanwhile)
    connected.client.list("Y6nRLr")
    assert not other[0].is_alive()
    assert connected.times[0] == 0
    assert len(connected.times) == 3
    assert min(connected.times[1:]) >= 30


def test_a_429_stops_threads_that_wait_already(connect, reply):
    """A turn that was given before the 429 is given back."""
    waiting, held = threading.Event(), threading.Event()
    second = threading.Thread(target=lambda: result.append(connected.client.account()))
    result = []

    def pause_second():
        if threading.current_thread() is second:
            waiting.set()
            held.wait(10)

    def answer(_):
        if second.ident is not None:
            return reply(200, ACCOUNT)
        second.start()
        waiting.wait(10)
        return reply(429, error(429), {"retry-after": "30"})

    connected = connect(answer, on_retry=lambda *_: held.set(), clock=OwnTime(pause_second))
    connected.client.account()
    second.join(10)
    assert len(result) == 1
    assert len(connected.times) == 3
    assert min(connected.times[1:]) >= 30


def test_a_429_of_one_endpoint_holds_no_other(connect, reply):
    """Quotas are per endpoint."""
    connected = connect(
        lambda sent: reply(429, error(429), {"retry-after": "601"}) if "lists" in sent.url else reply(200, ACCOUNT)
    )
    with pytest.raises(KlaviyoError):
        connected.client.list("Y6nRLr")
    connected.client.account()
    assert connected.times == [0, 0]


def test_the_quota_is_used_and_never_exceeded(connect, reply):
    """150 imports in the first minute as fast as burst and slack allow, then the next minute."""
    connected = connect(lambda _: reply(202, JOB))
    for _ in range(151):
        connected.client.submit_import("L", [b"{}"])
    assert connected.times[9:11] == pytest.approx([0, 1 + SLACK_ANSWERED_SECONDS])
    assert connected.times[149:] == pytest.approx([14 * (1 + SLACK_ANSWERED_SECONDS), 60 + SLACK_ANSWERED_SECONDS])


def test_threads_share_the_quota(connect, reply):
    """However many send, the account has one quota."""
    connected = connect(lambda _: reply(202, JOB), clock=OwnTime())

    def send():
        for _ in range(20):
            connected.client.submit_import("L", [b"{}"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    times = sorted(connected.times)
    assert len(times) == 120
    assert all(later - earlier >= 1 - 1e-6 for earlier, later in zip(times, times[10:], strict=False))
    assert connected.client.counters.requests == 120


def test_quotas_are_learned_from_answers(connect, reply):
    """What Klaviyo's header says replaces what we knew."""
    connected = connect(lambda _: reply(202, JOB, {"RateLimit-Limit": "2, 2;w=1, 150;w=60"}))
    for _ in range(6):
        connected.client.submit_import("L", [b"{}"])
    window = 1 + SLACK_ANSWERED_SECONDS
    assert connected.times == pytest.approx([0, 0, window, window, 2 * window, 2 * window])


def test_a_closed_client_wakes_who_waits(connect, reply, clock):
    """A signal ends the run now, not after a Retry-After."""
    connected = connect(lambda _: reply(429, error(429), {"retry-after": "300"}))
    clock.asleep = lambda _: connected.client.close()
    with pytest.raises(RunStopped, match="the run ended while a request to Klaviyo waited"):
        connected.client.list("Y6nRLr")
    assert clock.now() == 1000
    assert len(connected.wire.sent) == 1


def test_a_woken_clock_ends_waits_before_the_client_is_closed(connect, reply, clock):
    """Who is woken early must not send early."""
    connected = connect(lambda _: reply(503, error(503)))
    clock.asleep = lambda _: clock.wake()
    with pytest.raises(RunStopped):
        connected.client.list("Y6nRLr")
    assert len(connected.wire.sent) == 1


def test_a_closed_client_sends_nothing(connect, reply):
    """The end of the run is the end of its requests."""
    connected = connect([reply(200, LIST)])
    connected.client.close()
    with pytest.raises(RunStopped):
        connected.client.list("Y6nRLr")
    assert connected.wire.sent == []


def test_no_retry_is_told_of_after_the_end(connect, reply):
    """The log does not promise what will not happen."""

    def answer(_):
        connected.client.close()
        return reply(503, error(503))

    connected = connect(answer)
    with pytest.raises(RunStopped):
        connected.client.list("Y6nRLr")
    assert connected.retries == []


def test_the_thread_that_reads_can_be_interrupted_and_the_others_go_on(connect, reply, clock):
    """By a signal handler, which may wake nobody: it is looked for several times in a long wait."""
    connected = connect(lambda _: reply(503, error(503)))
    slept = []

    def asleep(seconds):
        slept.append(seconds)
        if len(connected.wire.sent) == 7:
            connected.client.turns.interrupt()

    clock.asleep = asleep
    with pytest.raises(RunStopped, match="interrupted"):
        connected.client.list("Y6nRLr")
    assert len(connected.wire.sent) == 7
    assert max(slept) < 7
    with ThreadPoolExecutor(1) as pool, pytest.raises(KlaviyoError, match=r"failed .* times"):
        pool.submit(connected.client.list, "Y6nRLr").result()


def test_how_long_the_wait_for_a_turn_is(connect, reply, clock):
    """What a person sees while nothing seems to happen: the time until the last who waits has had its turn."""
    connected = connect(lambda _: reply(200, ACCOUNT))
    seen = []
    clock.asleep = lambda seconds: seen.append((seconds, connected.client.turns.seconds_left))
    for _ in range(16):  # Get Accounts: 1 a second, 15 a minute
        seen.clear()
        connected.client.account()
        assert [left for _, left in seen[:1]] == [pytest.approx(sum(seconds for seconds, _ in seen))] * bool(seen)
    assert seen[0][1] > 40
    assert seen[-1][1] < 10
    assert connected.client.turns.seconds_left == 0
