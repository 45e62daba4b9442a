"""One request and its whole answer: over real sockets, and from a wire that misbehaves."""

from __future__ import annotations

import gzip
import io
import socket
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from target_klaviyo_segments.errors import KlaviyoError, Transient
from target_klaviyo_segments.klaviyo import protocol, wire
from target_klaviyo_segments.klaviyo.auth import ApiKey

GET = protocol.get_account()
ELSEWHERE = "http://127.0.0.1:{port}/stolen"


@contextmanager
def server(handle):
    """A loopback server; `handle` gets each request's handler. Yields it with the requests and connections it saw."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            self.server.connections += 1
            super().setup()

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self.server.seen.append((self.path, dict(self.headers), body))
            handle(self)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_):
            """A client that goes away is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as running:
        running.seen, running.connections = [], 0
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join(10)


def answer(handler, status=200, body=b"", **headers):
    handler.send_response(status)
    for name, value in {"content_length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def connected(clock, port, key, timeout=60, **changes):
    opened = wire.Wire(
        **{
            "api_url": f"http://127.0.0.1:{port}",
            "auth": ApiKey(key),
            "headers": {"revision": "2026-10-15"},
            "timeout_seconds": timeout,
            "pool_size": 2,
            "clock": clock,
        }
        | changes
    )
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """The machine's own proxy settings are not under test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_full_body_arrives_whole(clock, key):
    """5 MB in pieces are the same 5 MB, with their length announced."""
    call = protocol.import_profiles("L", [b"x" * 4_900_000])
    with (
        server(lambda handler: answer(handler, 202, b"{}")) as running,
        connected(clock, running.server_port, key) as w,
    ):
        assert w.send(call).status == 202
        ((path, headers, body),) = running.seen
    assert path == "/api/profile-bulk-import-jobs"
    assert body == call.body
    assert headers["Content-Length"] == str(len(call.body))
    assert "Transfer-Encoding" not in headers


def test_a_connection_serves_many_requests(clock, key):
    """A pooled session: no handshake for each batch, GET or POST."""
    with (
        server(lambda handler: answer(handler, 200, b"{}")) as running,
        connected(clock, running.server_port, key) as w,
    ):
        for _ in range(5):
            w.send(GET)
            w.send(protocol.import_profiles("L", [b"{}"]))
        assert len(running.seen) == 10
        assert running.connections == 1


def test_a_compressed_answer_is_read(clock, key):
    """Listings are large and compress well."""
    packed = gzip.compress(b'{"data":[]}' * 20_000)
    with (
        server(lambda handler: answer(handler, 200, packed, content_encoding="gzip")) as running,
        connected(clock, running.server_port, key) as w,
    ):
        assert w.send(GET).body == b'{"data":[]}' * 20_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_the_key_stays_here(clock, key, status):
    """No other host ever sees a request of ours."""
    with server(answer) as thief:
        location = ELSEWHERE.format(port=thief.server_port)
        with (
            server(lambda handler: answer(handler, status, b"moved", location=location)) as running,
            connected(clock, running.server_port, key) as w,
        ):
            assert w.send(GET).status == status
        assert thief.seen == []


def test_a_netrc_does_not_replace_the_key(clock, key, tmp_path, monkeypatch):
    """A user's own file for the host must not change who we are."""
    (tmp_path / "netrc").write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with server(answer) as running, connected(clock, running.server_port, key) as w:
        w.send(GET)
        assert running.seen[0][1]["Authorization"] == f"Klaviyo-API-Key {key}"


def test_an_answer_of_a_byte_a_second_is_given_up(clock, key):
    """Each byte comes in time, the whole never would: the request has one bound."""

    def drip(handler):
        handler.send_response(200)
        handler.send_header("content-length", "100000")
        handler.end_headers()
        for _ in range(1_000):
            handler.wfile.write(b" ")
            clock.advance(1)

    with (
        server(drip) as running,
        connected(clock, running.server_port, key) as w,
        pytest.raises(Transient, match="request_timeout_seconds"),
    ):
        w.send(GET)


@pytest.mark.parametrize("chunked", [True, False])
def test_an_answer_that_breaks_off_is_no_answer(clock, key, chunked):
    """Half a page must not pass for a page."""

    def break_off(handler):
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header(*(("transfer-encoding", "chunked") if chunked else ("content-length", "100")))
        handler.end_headers()
        handler.wfile.write(b"64\r\n{" if chunked else b"{")

    with server(break_off) as running, connected(clock, running.server_port, key) as w, pytest.raises(Transient):
        w.send(GET)


def test_nobody_there_is_transient_and_says_so(clock, key):
    """Klaviyo unreachable: host and reason in one line."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with connected(clock, port, key) as w, pytest.raises(Transient) as failure:
            w.send(GET)
    assert str(failure.value) == f"Klaviyo at 127.0.0.1:{port} cannot be reached: Connection refused"


class Drip(io.RawIOBase):
    """A body that gives one byte a second."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def read1(self, _amount=-1):
        self._clock.advance(1)
        return b" "

    read = read1


def test_the_bound_is_the_time_out(connect, reply, clock):
    """How long a request may take is what the setting says."""
    connected_ = connect(lambda _: reply(200, Drip(clock)), retry_max_seconds=0)
    with pytest.raises(KlaviyoError, match="not over after 60 s"):
        connected_.client.list("Y6nRLr")
    assert clock.now() - 1000 == 61


def test_an_answer_that_came_late_is_still_read(connect, reply, clock):
    """Klaviyo took its time and answered: asking again would begin a second job."""

    def late(_):
        clock.advance(65)
        return reply(200, b'{"data":{"id":"Y6nRLr","attributes":{"name":"VIP"}}}')

    assert connect(late).client.list("Y6nRLr").name == "VIP"


def test_an_upload_that_crawls_is_given_up(connect, clock):
    """The bound covers the sending too."""
    connected_ = connect(lambda _: None, retry_max_seconds=0)

    def crawl(request, **_):
        while request.body.read(16_384):
            clock.advance(30)

    connected_.wire.send = crawl
    with pytest.raises(KlaviyoError, match="request_timeout_seconds"):
        connected_.client.submit_import("L", [b"x" * 1_000_000])
    assert clock.now() - 1000 == 90


class Endless(io.RawIOBase):
    """A body without an end."""

    def read1(self, amount=-1):
        return b" " * amount

    read = read1


def test_an_answer_without_end_is_given_up(connect, reply):
    """Memory is bounded whatever comes."""
    connected_ = connect(lambda _: reply(200, Endless()), retry_max_seconds=0)
    with pytest.raises(KlaviyoError, match="more than 67108864 bytes"):
        connected_.client.list("Y6nRLr")


def test_a_bomb_of_zeros_is_given_up(connect, reply):
    """The bound is on what it unpacks to."""
    packed = gzip.compress(bytes(80 * 1024 * 1024), 1)
    connected_ = connect(lambda _: reply(200, packed, {"content-encoding": "gzip"}), retry_max_seconds=0)
    with pytest.raises(KlaviyoError, match="more than 67108864 bytes"):
        connected_.client.list("Y6nRLr")


def test_a_broken_compression_is_tried_again(connect, reply):
    """Bytes were lost on the way."""
    good = reply(200, b'{"data":{"id":"Y6nRLr","attributes":{"name":"VIP"}}}')
    connected_ = connect([reply(200, b"no gzip", {"content-encoding": "gzip"}), good])
    assert connected_.client.list("Y6nRLr").name == "VIP"


def raised_from(error, cause):
    error.__cause__ = cause
    return error


UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (raised_from(requests.exceptions.SSLError("x"), UNTRUSTED), "self-signed certificate.*REQUESTS_CA_BUNDLE"),
        (requests.exceptions.InvalidProxyURL("http://user:word@"), "InvalidProxyURL"),
        (requests.exceptions.InvalidURL("https://"), "InvalidURL"),
    ],
    ids=["certificate", "proxy", "url"],
)
def test_what_waiting_cannot_mend_ends_at_once(connect, error, words):
    """A wrong certificate or URL stays wrong: ten minutes of retries would hide it."""
    connected_ = connect([error])
    with pytest.raises(KlaviyoError, match=words) as failure:
        connected_.client.list("Y6nRLr")
    assert type(failure.value) is KlaviyoError
    assert "word" not in str(failure.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ConnectTimeout("x"), "no connection within 10 s"),
        (requests.ReadTimeout("x"), "not over after 60 s"),
        (
            raised_from(requests.ConnectionError("x"), socket.gaierror(-2, "Name or service not known")),
            "Name or service",
        ),
        (requests.exceptions.ProxyError("x"), "the proxy fails"),
        (requests.ConnectionError("x"), "ConnectionError"),
    ],
)
def test_an_unreachable_host_is_explained(connect, error, words):
    """The log says why, in words that hold no secret."""
    connected_ = connect([error], retry_max_seconds=0)
    with pytest.raises(KlaviyoError, match=words):
        connected_.client.list("Y6nRLr")


def test_neither_body_nor_answer_is_in_a_repr():
    """They are personal."""
    assert "a@x.io" not in repr(wire.Reply(200, {}, b"a@x.io"))
