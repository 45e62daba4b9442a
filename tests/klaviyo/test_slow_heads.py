"""An answer whose head never ends: each byte comes in time, so only a bound on the whole of it helps."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from target_klaviyo_segments.clock import SystemClock
from target_klaviyo_segments.errors import Transient
from target_klaviyo_segments.klaviyo import protocol, wire
from target_klaviyo_segments.klaviyo.auth import ApiKey

PROXY = "http://127.0.0.1:{port}"


@contextmanager
def pouring(data, seconds):
    """A server that answers whoever connects with the same bytes, now and again, until they hang up."""
    ended = threading.Event()

    def pour():
        connection, _ = listener.accept()
        connection.recv(65_536)
        try:
            while not ended.wait(seconds):
                connection.sendall(data)
        except OSError:
            """The client has enough: that is what the test is about."""
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=pour)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            thread.join(10)


@contextmanager
def connected(api_url):
    opened = wire.Wire(
        api_url=api_url,
        auth=ApiKey("pk_secret_0123456789"),
        headers={},
        timeout_seconds=0.5,
        pool_size=1,
        clock=SystemClock(),
    )
    try:
        yield opened
    finally:
        opened.close()


def given_up_after(opened):
    began = time.monotonic()
    with pytest.raises(Transient, match="request_timeout_seconds"):
        opened.send(protocol.get_account())
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (b"H", 0.05),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.001),
    ],
    ids=["byte by byte", "continue without end"],
)
def test_a_head_without_end_is_given_up(data, seconds):
    """The time-out is for the whole head, not for each of its bytes."""
    with pouring(data, seconds) as port, connected(f"http://127.0.0.1:{port}") as opened:
        assert given_up_after(opened) < 5


def test_a_proxy_that_does_not_come_to_the_point_is_given_up(monkeypatch):
    """Nor does the way to Klaviyo hold a run for ever."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pouring(b"x", 0.05) as port:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, PROXY.format(port=port))
        with connected("https://klaviyo.invalid") as opened:
            assert given_up_after(opened) < 5
