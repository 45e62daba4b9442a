"""The sandbox behind a socket, and its command."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from target_klaviyo_segments.sandbox.options import asked_for, parser, told
from target_klaviyo_segments.sandbox.server import SandboxServer, main

JOBS = "/api/profile-bulk-import-jobs"
HEADERS = {
    "Authorization": "Klaviyo-API-Key pk_sandbox_0123456789abcdef",
    "revision": "2026-10-15",
    "Content-Type": "application/vnd.api+json",
}


@pytest.fixture
def server(box):
    with SandboxServer(box) as running:
        yield running


@pytest.fixture
def connection(server):
    opened = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    yield opened
    opened.close()


@pytest.fixture
def raw(server):
    """Bytes in; the status, and all that comes back before the server ends the connection or needs no more."""

    def exchange(content, until=b"\r\n\r\n"):
        host, _, port = server.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as wire:
            wire.sendall(content)
            found = b""
            while until not in found and (piece := wire.recv(65_536)):
                found += piece
        return found

    return exchange


def command(*arguments, **streams):
    module = [sys.executable, "-m", "target_klaviyo_segments.sandbox", *arguments]
    return subprocess.Popen(module, text=True, **streams)


def ask(connection, method, path, body=None, **headers):
    connection.request(method, path, body, HEADERS | headers)
    response = connection.getresponse()
    content = response.read()
    return response.status, json.loads(content) if content else None


def test_a_connection_is_kept_for_the_next_request(server, connection, body):
    """An import and its listing, on one connection."""
    status, _ = ask(connection, "POST", JOBS, json.dumps(body([{"email": "a@x.io"}])).encode())
    assert status == 202
    wire = connection.sock
    status, found = ask(connection, "GET", f"{JOBS}?page%5Bsize%5D=1")
    assert (status, found["data"][0]["attributes"]["status"]) == (200, "complete")
    assert connection.sock is wire
    assert list(server.sandbox.profiles) == ["a@x.io"]


def test_a_body_may_come_in_chunks(server, connection, body):
    """As a client sends that does not know its length."""
    content = json.dumps(body([{"email": "a@x.io"}])).encode()
    pieces = iter([content[:7], content[7:]])
    connection.request("POST", JOBS, pieces, HEADERS, encode_chunked=True)
    assert connection.getresponse().status == 202
    assert list(server.sandbox.profiles) == ["a@x.io"]


def test_no_content_has_no_length_and_head_no_body(connection, caller):
    """The next answer on the connection is read from its beginning."""
    caller.load({"email": "a@x.io"})
    known = caller.box.profiles["a@x.io"]["id"]
    ids = json.dumps({"data": [{"type": "profile", "id": known}]})
    assert ask(connection, "DELETE", "/api/lists/Y6nRLr/relationships/profiles", ids) == (204, None)
    assert ask(connection, "HEAD", "/api/lists") == (405, None)
    assert ask(connection, "GET", "/api/lists")[0] == 200


def test_who_asks_before_sending_is_answered_at_once(raw):
    """Or such clients wait a second before each large body."""
    head = b"POST /api/lists HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    assert raw(head).startswith(b"HTTP/1.1 100 ")


def test_a_client_that_names_no_host_is_no_browser(raw):
    """It is answered; a name that is not this machine's is not."""
    assert raw(b"GET /sandbox/overview HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert raw(b"GET /sandbox/overview HTTP/1.1\r\nHost: evil.example\r\n\r\n").startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Content-Length: many", 400),
        (b"Content-Length: -1", 400),
        (b"Content-Length: 99999999999", 413),
        (b"Transfer-Encoding: chunked\r\n\r\nlots", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n-5", 400),
        (b"Transfer-Encoding: chunked\r\n\r\nfffffff", 413),
    ],
)
def test_a_body_of_no_length_is_refused(raw, header, status):
    """And the connection ends: nobody knows where the next request would begin."""
    answer = raw(b"POST /api/lists HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in answer


def test_a_broken_network_is_a_connection_that_ends(server, connection):
    """What an interceptor raises reaches the caller as nothing at all."""
    server.sandbox.interceptors.append(lambda _request: 1 // 0)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(connection, "GET", "/api/lists")


def test_ctrl_c_and_sigterm_end_the_command_quietly():
    """Exit 0, and nothing on stderr but the requests to Klaviyo, without their queries: those may hold e-mails."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with command("--port", "0", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            told, how = running.stdout.readline(), running.stdout.readline()
            wire = http.client.HTTPConnection(re.search(r"http://(\S+)", told)[1], timeout=20)
            assert ask(wire, "GET", "/api/profiles?filter=equals(email,%22ada@x.io%22)")[0] == 200
            assert ask(wire, "GET", "/sandbox/overview")[1]["counts"]["requests"] == 1
            running.send_signal(number)
            assert running.wait(20) == 0
            assert running.stderr.read() == "GET /api/profiles 200\n"
            assert re.fullmatch(r"Sandbox Klaviyo at http://\S+ with API key \w+ and lists Y6nRLr\n", told)
            assert how == f"Open http://{wire.host}:{wire.port}/ in a browser to see what arrives\n"
            wire.close()


def test_a_port_in_use_is_one_line(server):
    """Exit 1, no traceback."""
    port = server.url.rpartition(":")[2]
    with command("--port", port, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        stdout, stderr = running.communicate(timeout=20)
    assert (running.returncode, stdout) == (1, "")
    assert stderr.startswith(f"target-klaviyo-segments-sandbox: port {port} cannot be used: ")
    assert stderr.endswith("; name another by --port, or 0 for any free one\n")
    assert stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_nobody_to_tell_where_it_is():
    """A full disk or a closed pipe as stdout: one line, exit 1."""
    with Path("/dev/full").open("w") as full, command("--port", "0", stdout=full, stderr=subprocess.PIPE) as running:
        assert running.wait(20) == 1
        assert running.stderr.read() == "target-klaviyo-segments-sandbox: nothing can be written to stdout\n"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--host", "0.0.0.0", "the sandbox listens on 127.0.0.1 only, not on 0.0.0.0"),  # noqa: S104  # what is refused
        ("--host", "192.168.1.2", "the sandbox listens on 127.0.0.1 only, not on 192.168.1.2"),
        ("--port", "65536", "65536 is no port: 0 to 65535"),
        ("--port", "-1", "no port"),
        ("--list", "=Name", "'' is no list ID: letters and digits"),
        ("--list", "two words=Name", "no list ID"),
        ("--api-key", "", "a key, an ID, a secret or a token is ASCII text without blanks"),
        ("--oauth", "app:s3cret", "ASCII text"),
        ("--oauth", "app::token", "ASCII text"),
        ("--job-seconds", "soon", "soon is no time: 0 or more seconds"),
        ("--job-seconds", "nan", "0 or more seconds"),
    ],
)
def test_what_the_command_refuses(capsys, option, value, words):
    """Before anything listens, in words."""
    with pytest.raises(SystemExit) as stopped:
        parser().parse_args([option, value])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_a_flow_of_no_list_is_refused(capsys):
    """The list must be one of the command's; nothing listens."""
    assert main(["--flow", "ABC123=Welcome"]) == 1
    assert capsys.readouterr().err == (
        "target-klaviyo-segments-sandbox: --flow ABC123=Welcome: there is no such list; name it by --list\n"
    )


def test_lists_have_ids_and_names():
    """The name may be left out, and may hold whatever it likes."""
    options = parser().parse_args(["--list", "ABC123=A = B", "--list", "DEF456"])
    assert options.list == [("ABC123", "A = B"), ("DEF456", "DEF456")]
    assert asked_for(options).members("DEF456") == []


@pytest.mark.parametrize("rotates", [False, True])
def test_an_app_may_be_installed_by_an_option(rotates):
    """Its refresh token gets an access token that is let in; rotating, the first refresh token is good only once."""
    given = ["--oauth", "app:s3cret:first", *(["--oauth-rotates"] if rotates else [])]
    options = parser().parse_args(given)
    assert "OAuth app app " in told(options, "http://127.0.0.1:1")
    assert not {"s3cret", "first"} & set(re.findall(r"\w+", told(options, "http://127.0.0.1:1")))
    form = {"Authorization": "Basic YXBwOnMzY3JldA==", "Content-Type": "application/x-www-form-urlencoded"}
    with SandboxServer(asked_for(options)) as server:
        wire = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        grant = "grant_type=refresh_token&refresh_token=first"
        status, tokens = ask(wire, "POST", "/oauth/token", grant, **form)
        assert status == 200
        assert ask(wire, "GET", "/api/accounts", Authorization=f"Bearer {tokens['access_token']}")[0] == 200
        assert ask(wire, "POST", "/oauth/token", grant, **form)[0] == (400 if rotates else 200)
        assert (tokens["refresh_token"] == "first") != rotates
        wire.close()
