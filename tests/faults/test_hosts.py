"""Hosts that are not there, not who they say they are, or not the one that the key is for."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys

import pytest
from pipeline import KEY, LIST

from tests.faults import acts
from tests.faults.catalogue import JOBS
from tests.faults.network import Trouble
from tests.faults.runs import run_inside, run_process, segment

PATIENCE = {"request_timeout_seconds": 1, "retry_max_seconds": 1}
NONE = PATIENCE | {"retry_max_seconds": 0}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
EVERYTHING = {"NO_PROXY": "", "no_proxy": ""}
USER_WORD = "proxyword"  # the password of a proxy is as secret as the key


@pytest.fixture
def closed_port():
    """A port of this machine where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody has signed but itself: its file and the server's side of TLS."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, path = tmp_path / "key.pem", tmp_path / "certificate.pem"
    order = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sandbox -keyout {key} -out {path}"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*order.split(), *names], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return path, context


def assert_failed_with(outcome, words):
    outcome.assert_sound()
    outcome.assert_told_in_one_line()
    assert re.search(words, outcome.error or "nothing went wrong")
    assert outcome.seconds < 30
    assert outcome.states == []
    assert outcome.members == set()


def test_self_signed_certificate(sandbox, open_network, tmp_path, certificate):
    """Who cannot prove to be Klaviyo gets neither the key nor a row."""
    network = open_network(sandbox, certificate=certificate[1])
    outcome = run_process(segment(), network.url, tmp_path, sandbox)
    assert_failed_with(outcome, "certificate of 127.0.0.1.*REQUESTS_CA_BUNDLE")
    assert network.requests == []


def test_certificate_of_another_name(sandbox, open_network, tmp_path, certificate):
    """A good certificate of somebody else is none."""
    network = open_network(sandbox, certificate=certificate[1])
    url = network.url.replace("127.0.0.1", "localhost")
    bundle = {"REQUESTS_CA_BUNDLE": str(certificate[0])}
    outcome = run_process(segment(), url, tmp_path, sandbox, environment=bundle)
    assert_failed_with(outcome, "certificate of localhost.*cannot be verified")
    assert network.requests == []


def test_certificate_that_the_user_trusts(sandbox, open_network, tmp_path, certificate):
    """The way out that the message names works."""
    network = open_network(sandbox, certificate=certificate[1])
    bundle = {"REQUESTS_CA_BUNDLE": str(certificate[0])}
    outcome = run_process(segment(), network.url, tmp_path, sandbox, environment=bundle)
    outcome.assert_told_in_one_line()
    outcome.assert_whole()


def test_no_tls_where_tls_is_said(sandbox, open_network, tmp_path):
    """A server that speaks plain HTTP on that port is not spoken to."""
    network = open_network(sandbox)
    url = network.url.replace("http:", "https:")
    outcome = run_process(segment(), url, tmp_path, sandbox, **NONE)
    assert_failed_with(outcome, "cannot be reached")


@pytest.mark.slow
def test_tls_handshake_never_answered(sandbox, open_network, tmp_path):
    """A port that accepts and says nothing."""
    network = open_network(sandbox, Trouble(acts.keep_silent, method="OPEN", times=None))
    url = network.url.replace("http:", "https:")
    outcome = run_process(segment(), url, tmp_path, sandbox, **PATIENCE)
    assert_failed_with(outcome, "request_timeout_seconds|no connection within")


def test_nobody_listens(sandbox, tmp_path, closed_port):
    """Connection refused."""
    outcome = run_process(segment(), f"http://127.0.0.1:{closed_port}", tmp_path, sandbox, **PATIENCE)
    assert_failed_with(outcome, "Connection refused")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where Linux lets wait")
def test_not_accepted(sandbox, tmp_path):
    """A host that answers no connection at all: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as first:
        first.connect(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        outcome = run_process(segment(), url, tmp_path, sandbox, **PATIENCE)
    assert_failed_with(outcome, "no connection within 1 s")


def test_name_unknown(sandbox, tmp_path):
    """A name that no name server has."""
    outcome = run_process(segment(), "https://klaviyo.invalid", tmp_path, sandbox, **NONE)
    assert_failed_with(outcome, "klaviyo.invalid cannot be reached")


def test_proxy_refuses(sandbox, tmp_path, closed_port):
    """The user's proxy is down: it is named as the reason, without its password."""
    proxy = f"http://somebody:{USER_WORD}@127.0.0.1:{closed_port}"
    outcome = run_process(
        segment(),
        "https://klaviyo.invalid",
        tmp_path,
        sandbox,
        environment=dict.fromkeys(PROXIES, proxy),
        **NONE,
    )
    assert_failed_with(outcome, "the proxy fails: Connection refused")
    assert USER_WORD not in outcome.stderr + json.dumps(outcome.report)


def test_proxy_denies(sandbox, open_network, tmp_path):
    """A proxy that wants another password, 407: waiting mends nothing, so it is told at once."""
    denying = acts.raw(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
    network = open_network(sandbox, Trouble(denying, method="CONNECT", path="klaviyo.invalid:443", times=None))
    proxy = network.url.replace("//", f"//somebody:{USER_WORD}@")
    outcome = run_process(
        segment(),
        "https://klaviyo.invalid",
        tmp_path,
        sandbox,
        environment=dict.fromkeys(PROXIES, proxy),
    )
    assert_failed_with(outcome, "407.*HTTPS_PROXY")
    assert network.met == 1
    assert USER_WORD not in outcome.stderr + json.dumps(outcome.report)
    assert KEY not in str(network.requests)


def test_proxy_setting_that_is_no_address(sandbox, tmp_path):
    """Nonsense in the environment is told at once."""
    environment = dict.fromkeys(PROXIES, "http://")
    outcome = run_process(segment(), "https://klaviyo.invalid", tmp_path, sandbox, environment=environment, **PATIENCE)
    assert_failed_with(outcome, "proxy")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_proxy_of_a_loopback_host(sandbox, open_network, tmp_path, host):
    """What is for this machine alone stays on it, whatever the environment says: plain http would show the key."""
    network, proxy = open_network(sandbox), open_network(sandbox)
    environment = dict.fromkeys(PROXIES, proxy.url) | EVERYTHING
    url = network.url.replace("127.0.0.1", host)
    run_process(segment(), url, tmp_path, sandbox, environment=environment).assert_whole()
    assert proxy.requests == []


def test_certificate_and_proxy_of_a_loopback_host(sandbox, open_network, tmp_path, certificate):
    """What else the environment says of the way there holds."""
    network, proxy = open_network(sandbox, certificate=certificate[1]), open_network(sandbox)
    environment = dict.fromkeys(PROXIES, proxy.url) | EVERYTHING | {"REQUESTS_CA_BUNDLE": str(certificate[0])}
    run_process(segment(), network.url, tmp_path, sandbox, environment=environment).assert_whole()
    assert proxy.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host(hasty, open_network, tmp_path, status):
    """Nobody else ever hears of us, nor of the rows."""
    thief = open_network(hasty)
    elsewhere = acts.replying(status, location=f"{thief.url}{JOBS}")
    network = open_network(hasty, Trouble(elsewhere, times=None))
    outcome = run_inside(segment(), network.url, tmp_path, hasty)
    outcome.assert_sound()
    assert f"answers {status}" in outcome.error
    assert thief.requests == []


def test_next_page_on_another_host(hasty, open_network, tmp_path):
    """A link to the next page is a link to ours, or it is not followed."""
    thief = open_network(hasty)
    page = json.dumps({"data": [], "links": {"next": f"{thief.url}{JOBS}?page=2"}}).encode()
    network = open_network(hasty, Trouble(acts.replying(200, page), method="GET", path=JOBS, times=None))
    outcome = run_inside(segment(), network.url, tmp_path, hasty)
    outcome.assert_sound()
    assert "not at `api_url`: not followed" in outcome.error
    assert thief.requests == []


def test_next_page_in_a_circle(hasty, open_network, tmp_path):
    """Pages that lead to themselves end."""
    page = json.dumps({"data": [], "links": {"next": f"{JOBS}?page=2"}}).encode()
    network = open_network(hasty, Trouble(acts.replying(200, page), method="GET", path=JOBS, times=None))
    outcome = run_inside(segment(), network.url, tmp_path, hasty)
    outcome.assert_sound()
    assert outcome.error is not None
    assert len(network.requests) < 100


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104  # what must be refused
def test_sandbox_on_another_interface(host):
    """The sandbox holds made-up people, and is for this machine alone all the same."""
    done = subprocess.run(
        [sys.executable, "-m", "target_klaviyo_segments.sandbox", "--host", host, "--port", "0"],
        capture_output=True,
        check=False,
        timeout=30,
        env=dict(os.environ),
    )
    assert done.returncode == 2
    assert b"only" in done.stderr


def test_list_that_is_no_list_of_ours(hasty, open_network, tmp_path):
    """One of another account, or deleted: told with the setting, and nobody is sent anywhere."""
    network = open_network(hasty)
    outcome = run_inside(segment(), network.url, tmp_path, hasty, list_id="Other1")
    outcome.assert_sound()
    assert "Klaviyo answers 404 to Get List" in outcome.error
    assert "check `list_id`" in outcome.error
    assert {request.path for request in network.requests} <= {
        "/api/accounts",
        "/api/billing-usage",
        "/api/lists/Other1",
    }
    assert LIST not in outcome.error
