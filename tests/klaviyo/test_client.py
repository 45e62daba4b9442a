"""The client: what it sends, what it tries again, what it gives up."""

from __future__ import annotations

import pytest
import requests

from target_klaviyo_segments.errors import Denied, KlaviyoError, NotFound, RowsRefused
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
    connected = connect([failure, failure, reply(200, LIST)])
    assert connected.client.list("Y6nRLr").name == "VIP"
    assert connected.times == [0, 0.5, 1.5]
    assert [seconds for _, seconds in connected.retries] == [0.5, 1.0]
    assert "a.klaviyo.com cannot be reached" in connected.retries[0][0]


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
        connected.client.account()
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
    with pytest.raises(
        KlaviyoError,
        match=r"Get List failed \d+ times in .* s; tries end after .* s \(`retry_max_seconds`; 20 at most in a check\)",
    ) as given_up:
        connected.client.list("Y6nRLr")
    assert type(given_up.value) is KlaviyoError
    assert clock.now() - 1000 <= limit
    assert f"failed {len(connected.wire.sent)} times" in str(given_up.value)
    assert "503" in str(given_up.value)


def test_a_retry_after_of_an_hour_gives_up_at_once(connect, reply, clock):
    """A daily cap is not waited for; nor do others wait behind it."""
    connected = connect(lambda _: reply(429, error(429), {"retry-after": "3600"}))
    with pytest.raises(
        KlaviyoError, match=r"failed 1 times in 0 s, and Klaviyo asks to wait 3600 s; tries end after 600 s"
    ):
        connected.client.list("Y6nRLr")
    with pytest.raises(KlaviyoError, match="leaves no room for 3600 s"):
        connected.client.list("Y6nRLr")
    assert clock.now() == 1000
    assert len(connected.wire.sent) == 1


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
