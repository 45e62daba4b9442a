"""One request and its whole answer: over real sockets, and from a wire that misbehaves."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from target_klaviyo_segments.errors import KlaviyoError, Transient
from target_klaviyo_segments.klaviyo import protocol, wire
from target_klaviyo_segments.klaviyo.auth import ApiKey
from target_klaviyo_segments.klaviyo.membership import look_ups

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
    assert body == b"".join(call.body)
    assert headers["Content-Length"] == str(len(call.body))
    assert "Transfer-Encoding" not in headers


def test_the_loudest_log_names_no_path(clock, key, caplog):
    """People who are looked up by e-mail are in it; that and where a request went is told."""
    caplog.set_level(logging.DEBUG, "urllib3")  # whatever another test has done to it
    (call,) = look_ups(["ada.lovelace@example.com"])
    with (
        server(lambda handler: answer(handler, 200, b"{}")) as running,
        connected(clock, running.server_port, key) as w,
    ):
        w.send(call)
        assert "lovelace" in running.seen[0][0]
    assert "lovelace" not in caplog.text
    assert f'http://127.0.0.1:{running.server_port} "GET /... HTTP/1.1" 200' in caplog.text


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


def test_a_redirect_is_not_even_looked_at(connect, reply):
    """Where it points to, nonsense or not, is nothing to us."""
    connected_ = connect([reply(302, b"", {"location": "https://[nowhere"})])
    with pytest.raises(KlaviyoError, match=r"answers 302.*api_url"):
        connected_.client.list("Y6nRLr")


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
        handler.send_header("content-length", "1000000")
        handler.end_headers()
        for _ in range(1_000_000):  # until the client hangs up, which ends this with an error
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
    """Klaviyo unreachable: host and reason in one line, and where nobody listens here, what should."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with connected(clock, port, key) as w, pytest.raises(Transient) as failure:
            w.send(GET)
    assert str(failure.value) == (
        f"Klaviyo at 127.0.0.1:{port} cannot be reached: Connection refused; `api_url` is this machine: "
        "is `target-klaviyo-segments-sandbox` running there?"
    )
