"""The sandbox behind a socket of this machine: an HTTP shell without knowledge of Klaviyo, and its command."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.app import DEFAULT_API_KEY, Request, Response, Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType

_HOST = "127.0.0.1"
_DEFAULT_PORT = 8765
_DEFAULT_LIST = "Y6nRLr=Sandbox segment"
# A body is read whole before it is judged; what is far beyond Klaviyo's own limit is not read at all.
_BODY_BYTES_MAX = 64 * 1024 * 1024


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    server_version = "target-klaviyo-segments-sandbox"
    disable_nagle_algorithm = True
    wbufsize = -1  # status, headers and body leave in one packet
    server: _Server

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True
            response = Response(413, {"connection": "close"})
        else:
            path, _, query = self.path.partition("?")
            response = self.server.sandbox.handle(Request(self.command, path, query, dict(self.headers.items()), body))
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:  # noqa: PLR2004  # No Content has no length either
            self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _serve  # noqa: N815  # the names that the shell looks for

    def _body(self) -> bytes | None:
        """The whole body; None when it is too large to be read."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = int(self.headers.get("content-length") or 0)
        return self.rfile.read(length) if length <= _BODY_BYTES_MAX else None

    def _chunks(self) -> bytes | None:
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if len(body) + size > _BODY_BYTES_MAX:
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002  # the shell's
        """Says what was asked, without the query: that may hold e-mails."""
        self.log_message("%s %s %s", self.command, self.path.partition("?")[0], code)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the shell's own signature
        """One line for each request, unless quiet."""
        if not self.server.quiet:
            sys.stderr.write(f"{format % args}\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, sandbox: Sandbox, *, quiet: bool) -> None:
        self.sandbox = sandbox
        self.quiet = quiet
        self._open: set[socket.socket] = set()
        super().__init__((_HOST, port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Remembers the connection, so that it can be ended."""
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  # the shell's own signature
        """Forgets it again."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # the shell's own signature
        """An interceptor raised, or the client went away: the connection just ends, as on a broken network."""

    def end_connections(self) -> None:
        """Let go of the clients that keep theirs alive."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class SandboxServer:
    """A sandbox that listens on a port of this machine while the `with` block lasts; port 0 is any free one.

    Raises:
        OSError: The port is in use.
    """

    def __init__(self, sandbox: Sandbox | None = None, *, port: int = 0, quiet: bool = True) -> None:
        self.sandbox = sandbox if sandbox is not None else Sandbox()
        self._server = _Server(port, self.sandbox, quiet=quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{_HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> SandboxServer:  # noqa: PYI034  # Python 3.10 has no `Self`, and this is nobody's base
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; 1 when the port is in use."""
    options = _parser().parse_args(argv)
    sandbox = Sandbox(api_key=options.api_key, limits=not options.no_limits, job_seconds=options.job_seconds)
    names = dict(text.partition("=")[::2] for text in options.list or [_DEFAULT_LIST])
    for list_id, name in names.items():
        sandbox.add_list(list_id, name or list_id)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        server = SandboxServer(sandbox, port=options.port, quiet=options.quiet)
    except OSError as error:
        sys.stderr.write(f"target-klaviyo-segments-sandbox: port {options.port} cannot be used: {error.strerror}\n")
        return 1
    with server:
        lists = ", ".join(names)
        sys.stdout.write(f"Sandbox Klaviyo at {server.url} with API key {options.api_key} and lists {lists}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="target-klaviyo-segments-sandbox",
        description="A Klaviyo on this machine, to try exports against. Nothing leaves it, nothing is kept.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('target-klaviyo-segments')}")
    parser.add_argument("--host", type=_loopback, default=_HOST, help=f"only {_HOST}: it is for this machine alone")
    parser.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="0 for any free one (default: %(default)s)")
    parser.add_argument("--list", action="append", metavar="ID[=NAME]", help=f"repeatable (default: {_DEFAULT_LIST})")
    parser.add_argument("--api-key", default=DEFAULT_API_KEY, help="the private key to accept (default: %(default)s)")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits")
    parser.add_argument("--job-seconds", type=_seconds, default=0.0, help="how long an import job takes (default: 0)")
    parser.add_argument("--quiet", action="store_true", help="no line for each request")
    return parser


def _loopback(text: str) -> str:
    if text not in {_HOST, "localhost"}:
        raise argparse.ArgumentTypeError(f"the sandbox listens on {_HOST} only, not on {text}")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004  # ports have 16 bits
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("0 or more seconds")
    return seconds
