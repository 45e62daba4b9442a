"""The client: its turn, its retries, its pages, its end."""

from __future__ import annotations

import threading

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Denied, KlaviyoError, NotFound, RowsRefused, RunStopped
from target_klaviyo_segments.klaviyo.protocol import PlanUsage

LIST = {"data": {"type": "list", "id": "Y6nRLr", "attributes": {"name": "VIP"}}}
JOB = {"data": {"type": "profile-bulk-import-job", "id": "J1", "attributes": {"status": "queued"}}}
ACCOUNT = {"data": [{"type": "account", "id": "AbC123", "attributes": {}}]}
API = "https://a.klaviyo.com"


def error(status):
    return {"errors": [{"id": "x", "status": status, "code": "invalid", "title": "No.", "detail": "No."}]}


def test_a_request_says_who_asks_what_revision(connect, reply, key):
    """Every request has the key, the revision, and asks for 410 instead of another revision's answers."""
    connected = connect([reply(202, JOB)])
    assert connected.client.submit_import("Y6nRLr", [b'{"a":1}', b'{"a":2}']) == "J1"
    (sent,) = connected.wire.sent
    headers = {name.lower(): value for name, value in sent.headers.items()}
    assert (sent.method, sent.url) == ("POST", f"{API}/api/profile-bulk-import-jobs")
    assert b'[{"a":1},{"a":2}]' in sent.body
    assert headers["authorization"] == f"Klaviyo-API-Key {key}"
    assert headers["revision"] == "2026-10-15"
    assert headers["x-klaviyo-revision-fall-forward-opt-out"] == "1"
    assert headers["accept"] == headers["content-type"] == "application/vnd.api+json"
    assert headers["user-agent"] == "tests/1"
    assert headers["content-length"] == str(len(sent.body))


@pytest.mark.parametrize(
    "failure",
    [
        requests.ConnectionError("refused"),
        requests.ConnectTimeout("slow"),
        requests.ReadTimeout("slow"),
        requests.exceptions.SSLError("EOF"),
        requests.exceptions.ProxyError("proxy"),
        requests.exceptions.ChunkedEncodingError("cut"),
        requests.exceptions.ContentDecodingError("gzip"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_broken_connection_is_tried_again(connect, reply, failure):
    """The network's failures cost time and no row."""
    connected = connect([failure, failure, reply(202, JOB)])
    assert connected.client.submit_import("Y6nRLr", [b"{}"]) == "J1"
    assert connected.times == [0, 0.5, 1.5]
    assert [seconds for _, seconds in connected.retries] == [0.5, 1.0]
    assert "a.klaviyo.com cannot be reached" in connected.retries[0][0]
    assert len({sent.body for sent in connected.wire.sent}) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 524])
def test_a_server_error_is_tried_again(connect, reply, status):
    """Klaviyo's bad minutes pass."""
    connected = connect([reply(status, b"<html>", {"content-type": "text/html"}), reply(200, LIST)])
    assert connected.client.list("Y6nRLr").name == "VIP"


@pytest.mark.parametrize("content", [b"<html>hello</html>", b'{"data":{"id":"Y6n', b"", b'{"data":[]}'])
def test_a_200_that_is_no_answer_is_tried_again(connect, reply, content):
    """A 2xx is not a delivery: a proxy's page or half an answer is asked for again."""
    connected = connect([reply(200, content), reply(200, LIST)])
    assert connected.client.list("Y6nRLr").name == "VIP"
    assert len(connected.wire.sent) == 2


def test_a_web_page_with_403_is_tried_again(connect, reply):
    """A challenge of the proxy is not about the key."""
    connected = connect([reply(403, b"<html>", {"content-type": "text/html"}), reply(200, LIST)])
    assert connected.client.list("Y6nRLr").name == "VIP"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 415])
def test_a_final_answer_is_not_tried_again(connect, reply, status):
    """What will not change is not asked twice."""
    connected = connect([reply(status, error(status))])
    with pytest.raises(KlaviyoError):
        connected.client.list("Y6nRLr")
    assert connected.retries == []


def test_rows_refused_come_through(connect, reply):
    """The exporter takes them out and sends the rest."""
    named = {"errors": [{"detail": "Bad", "source": {"pointer": "/data/attributes/profiles/data/1/attributes/email"}}]}
    connected = connect([reply(400, named)])
    with pytest.raises(RowsRefused) as refused:
        connected.client.submit_import("Y6nRLr", [b"{}", b"{}"])
    assert set(refused.value.rows) == {1}


@pytest.mark.parametrize("limit", [0, 1, 10, 600])
def test_retries_end_at_their_limit(connect, reply, clock, limit):
    """Every wait has a limit, and the end says how often and how long."""
    connected = connect(lambda _: reply(503, error(503)), retry_max_seconds=limit)
    with pytest.raises(KlaviyoError, match="retry_max_seconds") as given_up:
        connected.client.list("Y6nRLr")
    assert type(given_up.value) is KlaviyoError
    assert clock.now() - 1000 <= limit
    assert f"failed {len(connected.wire.sent)} times" in str(given_up.value)
    assert "503" in str(given_up.value)


def test_a_retry_after_of_an_hour_gives_up_at_once(connect, reply, clock):
    """A daily cap is not waited for; nor do others wait behind it."""
    connected = connect(lambda _: reply(429, error(429), {"retry-after": "3600"}))
    with pytest.raises(KlaviyoError, match="wait 3600 s"):
        connected.client.list("Y6nRLr")
    with pytest.raises(KlaviyoError, match="leaves no room for 3600 s"):
        connected.client.list("Y6nRLr")
    assert clock.now() == 1000
    assert len(connected.wire.sent) == 1


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


def test_a_429_stops_threads_that_wait_already(connect, reply, clock):
    """A turn that was given before the 429 is given back."""
    waiting, held = threading.Event(), threading.Event()
    second = threading.Thread(target=lambda: result.append(connected.client.account()))
    result = []

    def pause_second(_):
        if threading.current_thread() is second:
            waiting.set()
            held.wait(10)

    def answer(_):
        if second.ident is not None:
            return reply(200, ACCOUNT)
        second.start()
        waiting.wait(10)
        return reply(429, error(429), {"retry-after": "30"})

    clock.asleep = pause_second
    connected = connect(answer, on_retry=lambda *_: held.set())
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
    """150 imports in the first minute as fast as the burst allows, then the next minute."""
    connected = connect(lambda _: reply(202, JOB))
    for _ in range(151):
        connected.client.submit_import("L", [b"{}"])
    assert connected.times[9:11] == [0, 1]
    assert connected.times[149:] == pytest.approx([14, 60])


class OwnTime(threading.local):
    """A clock on which each thread has a time of its own: how threads are scheduled moves no request."""

    time = 1000.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


def test_threads_share_the_quota(connect, reply):
    """However many send, the account has one quota."""
    connected = connect(lambda _: reply(202, JOB), clock=OwnTime())

    def send():
        for _ in range(20):
            connected.client.submit_import("L", [b"{}"])

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    times = sorted(connected.times)
    assert len(times) == 80
    assert all(later - earlier >= 1 - 1e-6 for earlier, later in zip(times, times[10:], strict=False))
    assert connected.client.counters.requests == 80


def test_quotas_are_learned_from_answers(connect, reply):
    """What Klaviyo's header says replaces what we knew."""
    connected = connect(lambda _: reply(202, JOB, {"RateLimit-Limit": "2, 2;w=1, 150;w=60"}))
    for _ in range(6):
        connected.client.submit_import("L", [b"{}"])
    assert connected.times == [0, 0, 1, 1, 2, 2]


def test_every_page_of_import_errors_is_read(connect, reply):
    """250 errors at 100 a page are 250 rejected rows, not 100."""
    errors = [
        {"type": "import-error", "id": str(n), "attributes": {"original_payload": {"email": f"p{n}@x.io"}}}
        for n in range(250)
    ]

    def answer(sent):
        start = int(sent.url.rpartition("cursor%5D=")[2]) if "cursor" in sent.url else 0
        following = f"{API}/api/profile-bulk-import-jobs/J1/import-errors/?page%5Bcursor%5D={start + 100}"
        return reply(200, {"data": errors[start : start + 100], "links": {"next": following if start < 200 else None}})

    connected = connect(answer)
    found = [error.email for error in connected.client.import_errors("J1")]
    assert found == [f"p{n}@x.io" for n in range(250)]
    assert len(connected.wire.sent) == 3


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_pages_are_read_to_the_last(connect, reply, sizes):
    """Every member once, also after an empty page."""
    emails = [[f"p{page}-{n}@x.io" for n in range(size)] for page, size in enumerate(sizes)]

    def answer(sent):
        page = int(sent.url.rpartition("=c")[2]) if "cursor" in sent.url else 0
        following = f"{API}/next?page[cursor]=c{page + 1}" if page + 1 < len(sizes) else None
        people = [{"type": "profile", "id": email, "attributes": {"email": email}} for email in emails[page]]
        return reply(200, {"data": people, "links": {"next": following}})

    client = connect(answer).client
    assert (
        list(client.list_members("L")) == list(client.job_emails("J1")) == [email for page in emails for email in page]
    )


def test_jobs_come_in_pages_newest_first(connect, reply):
    """The watch stops reading when it has seen its own."""
    page = {"data": [JOB["data"]], "links": {"next": f"{API}/api/profile-bulk-import-jobs?page[cursor]=2"}}
    connected = connect([reply(200, page)])
    (job,) = next(connected.client.import_jobs())
    assert (job.id, job.ended) == ("J1", False)
    assert connected.wire.sent[0].url.endswith("?sort=-created_at&page%5Bsize%5D=100")


def test_one_job_can_be_asked_for(connect, reply):
    """An old job falls out of the listing."""
    assert connect([reply(200, JOB)]).client.import_job("J1").status == "queued"


@pytest.mark.parametrize("link", ["https://evil.io/api/next", "http://a.klaviyo.com/api/next"])
def test_a_page_elsewhere_is_not_read(connect, reply, link):
    """The key goes to no other host, even when an answer says so."""
    connected = connect(lambda _: reply(200, {"data": [], "links": {"next": link}}))
    with pytest.raises(KlaviyoError, match="not followed"):
        list(connected.client.list_members("L"))
    assert len(connected.wire.sent) == 1


def test_pages_in_a_circle_end(connect, reply):
    """Every wait has a limit, also a polite one."""

    def answer(sent):
        following = "b" if sent.url.endswith("a") else "a"
        return reply(200, {"data": [], "links": {"next": f"{API}/{following}"}})

    with pytest.raises(KlaviyoError, match="circle"):
        list(connect(answer).client.list_members("L"))


def test_the_plans_room_is_read(connect, reply):
    """The user is warned before the bill grows."""
    row = {"type": "billing-usage", "id": "email", "attributes": {"unit": "profiles", "usage_used": 4, "usage_max": 9}}
    assert connect([reply(200, {"data": [row]})]).client.plan_usage() == PlanUsage(4, 9)


@pytest.mark.parametrize("status", [403, 404])
def test_the_plan_may_be_out_of_sight(connect, reply, status):
    """A key without the scope, or an older revision: the run goes on."""
    assert connect([reply(status, error(status))]).client.plan_usage() is None


def test_a_wrong_key_is_not_a_missing_scope(connect, reply):
    """The run must not go on with a key that nobody knows."""
    with pytest.raises(Denied):
        connect([reply(401, error(401))]).client.plan_usage()


def test_an_unknown_list_is_not_found(connect, reply):
    """The message names the setting."""
    with pytest.raises(NotFound, match="list_id"):
        connect([reply(404, error(404))]).client.list("Nope")


def test_a_closed_client_wakes_who_waits(connect, reply, clock):
    """A signal ends the run now, not after a Retry-After."""
    connected = connect(lambda _: reply(429, error(429), {"retry-after": "300"}))
    clock.asleep = lambda _: connected.client.close()
    with pytest.raises(RunStopped):
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


def test_no_message_shows_the_key(connect, reply, key):
    """Neither in a retry nor in the end, whatever the library or Klaviyo says."""
    quoting = requests.ConnectionError(f"header Klaviyo-API-Key {key} for a@x.io")
    told = {"errors": [{"detail": f"Key {key} of a@x.io is bad"}]}
    for answer in ([quoting] * 3, [reply(500, told) for _ in range(3)], [reply(401, told)]):
        connected = connect(answer, retry_max_seconds=1)
        with pytest.raises(KlaviyoError) as failure:
            connected.client.list("Y6nRLr")
        words = str(failure.value) + str(connected.retries)
        assert key not in words
        assert "a@x.io" not in words
