"""A wire that misbehaves: too slow, too much, broken, or not there."""

from __future__ import annotations

import gzip
import io
import socket
import ssl

import pytest
import requests

from target_klaviyo_segments.errors import KlaviyoError, Misconfigured
from target_klaviyo_segments.klaviyo import wire


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
        for _piece in request.body:
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
    with pytest.raises(KlaviyoError, match=r"Klaviyo at a.klaviyo.com answers with more than 67108864 bytes"):
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


NO_REQUEST = "no request can be made to `api_url` or through the proxy"
PROXY_DENIES = (
    "the proxy lets nobody through whom it does not know (407): put a user and a password that it takes into the "
    "environment variable HTTPS_PROXY, as http://user:password@host:port"
)
UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            raised_from(requests.exceptions.SSLError("x"), UNTRUSTED),
            (
                "the certificate of a.klaviyo.com cannot be verified: self-signed certificate. Where a proxy inspects "
                "TLS, "
                "set the environment variable REQUESTS_CA_BUNDLE to its certificates"
            ),
        ),
        (requests.exceptions.InvalidProxyURL("http://user:hush@"), f"{NO_REQUEST}: InvalidProxyURL"),
        (requests.exceptions.InvalidURL("https://"), f"{NO_REQUEST}: InvalidURL"),
        (
            raised_from(requests.exceptions.ProxyError("x"), OSError("Tunnel connection failed: 407 Who is there?")),
            PROXY_DENIES,
        ),
    ],
    ids=["certificate", "proxy", "url", "denied"],
)
def test_what_waiting_cannot_mend_ends_at_once(connect, error, words):
    """A wrong certificate or URL stays wrong: ten minutes of retries would hide it."""
    connected_ = connect([error])
    with pytest.raises(Misconfigured) as failure:
        connected_.client.list("Y6nRLr")
    assert str(failure.value) == words
    assert "hush" not in str(failure.value)


def test_a_407_is_the_proxy_s_and_final(connect, reply):
    """Where no tunnel is needed the proxy answers like anybody."""
    connected_ = connect([reply(407, b"")])
    with pytest.raises(Misconfigured) as failure:
        connected_.client.list("Y6nRLr")
    assert str(failure.value) == PROXY_DENIES


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ConnectTimeout("x"), "no connection within 10 s"),
        (requests.ReadTimeout("x"), "not over after 60 s"),
        (
            raised_from(requests.ConnectionError("x"), socket.gaierror(-2, "Name or service not known")),
            "Name or service",
        ),
        (requests.exceptions.ProxyError("x"), "cannot be reached: the proxy fails: ProxyError"),
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
