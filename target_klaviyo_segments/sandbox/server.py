"""The sandbox behind a socket of this machine: an HTTP shell without knowledge of Klaviyo, and its command."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.app import Request, Response, Sandbox
from target_klaviyo_segments.sandbox.exchange import at_loopback
from target_klaviyo_segments.sandbox.options import HOST, asked_for, parser, told
from target_klaviyo_segments.sandbox.page import serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType, TracebackType

# There is next to nothing to collect, and looking for it among a million people takes time.
_GC_THRESHOLDS = (100_000, 50, 100)
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
        response = self._answer()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:  # noqa: PLR2004  # No Content has no length either
            self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    # The names that the shell looks for.
    do_GET = do_HEAD = do_POST = do_DELETE = do_PATCH = do_PUT = do_OPTIONS = _serve  # noqa: N815  # the shell's

    def date_time_string(self, timestamp: float | None = None) -> str:
        """For the header Date: by the sandbox's own clock."""
        return super().date_time_string(self.server.sandbox.now() if timestamp is None else timestamp)

    def handle_expect_100(self) -> bool:
        """Who asks before sending a large body is not kept waiting."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _answer(self) -> Response:
        """What is no HTTP, or too large to be read, ends the connection: nobody knows where the next request begins."""
        try:
            body = self._body()
        except ValueError:
            body, refused = None, 400
        else:
            refused = 413
        if body is None:
            self.close_connection = True
            return Response(refused, {"connection": "close"})
        # A web site whose own name was pointed at this machine is not to read it through somebody's browser.
        if not at_loopback(self.headers.get("host", HOST)):
            return Response(421, {"content-type": "text/plain"}, b"The sandbox answers to the names of this machine.\n")
        path, _, query = self.path.partition("?")
        request = Request(self.command, path, query, dict(self.headers.items()), body)
        if serving.is_for_people(path):
            return serving.answer(request, self.server.sandbox)
        return self.server.sandbox.handle(request)

    def _body(self) -> bytes | None:
        """The whole body; None when it is too large to be read."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = _number(self.headers.get("content-length") or "0", 10)
        return self.rfile.read(length) if length <= _BODY_BYTES_MAX else None

    def _chunks(self) -> bytes | None:
        pieces: list[bytes] = []
        room = _BODY_BYTES_MAX
        while size := _number(self.rfile.readline().partition(b";")[0].decode("latin-1"), 16):
            if (room := room - size) < 0:
                return None
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(pieces)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002  # the shell's
        """Says what was asked of Klaviyo, without the query: that may hold e-mails."""
        path = self.path.partition("?")[0]
        if not serving.is_for_people(path):
            self.log_message("%s %s %s", self.command, path, code)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the shell's own signature
        """One line for each request, unless quiet."""
        if not self.server.quiet:
            sys.stderr.write(f"{format % args}\n")


def _number(text: str, base: int) -> int:
    """A length.

    Raises:
        ValueError: It is none.
    """
    found = int(text, base)
    if found < 0:
        raise ValueError(text)
    return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, sandbox: Sandbox, *, quiet: bool) -> None:
        self.sandbox = sandbox
        self.quiet = quiet
        self._open: set[socket.socket] = set()
        self._ended = False
        super().__init__((HOST, port), _Handler)

    def serve(self) -> None:
        """Take connections until `end`; asleep while none comes."""
        while not self._ended:
            self.handle_request()

    def end(self) -> None:
        """A connection of our own wakes `serve`, which asks nothing of the clock."""
        self._ended = True
        with suppress(OSError):
            socket.create_connection((HOST, self.server_port)).close()

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
        self._thread = threading.Thread(target=self._server.serve, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> SandboxServer:  # noqa: PYI034  # Python 3.10 has no `Self`, and this is nobody's base
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.end()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; 1 when it cannot: the port is in use, or there is nobody to tell where it is."""
    options = parser().parse_args(argv)
    try:
        sandbox = asked_for(options)
    except ValueError as error:
        return _refuse(str(error))
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        server = SandboxServer(sandbox, port=options.port, quiet=options.quiet)
    except OSError as error:
        return _refuse(
            f"port {options.port} cannot be used: {error.strerror}; name another by --port, or 0 for any free one"
        )
    with server:
        if not _say(told(options, server.url)):
            return _refuse("nothing can be written to stdout")
        stopped.wait()
    return 0


def _say(line: str) -> bool:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError:
        # Or Python tries once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _refuse(why: str) -> int:
    sys.stderr.write(f"target-klaviyo-segments-sandbox: {why}\n")
    return 1
