"""A network that misbehaves as it is told, between a real client and a sandbox Klaviyo. Loopback only."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_klaviyo_segments.sandbox.app import Request, Response

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from target_klaviyo_segments.sandbox.app import Sandbox

_REASONS = {200: "OK", 202: "Accepted", 204: "No Content"}
_RESET = struct.pack("ii", 1, 0)  # linger for no time: what is closed is reset


def as_bytes(response, *, length=True):
    """A response as it stands on the wire."""
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Whatever')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if length:
        lines.append(f"content-length: {len(response.body)}")
    return "\r\n".join([*lines, "", ""]).encode() + response.body


class Exchange:
    """One request that came in, and what can be done with it."""

    def __init__(self, connection, reader, network, request=None):
        self._connection = connection
        self._reader = reader
        self._network = network
        self.request = request
        self.port = network.port

    def receive(self):
        """Take in the body, if it has not been yet."""
        length = int(self.request.headers.get("content-length", 0)) - len(self.request.body)
        if length > 0:
            body = self.request.body + self._reader.read(length)
            self.request = Request(
                self.request.method, self.request.path, self.request.query, self.request.headers, body
            )

    def forward(self):
        """What the sandbox answers: from here on it has done what it was asked."""
        self.receive()
        return self._network.sandbox.handle(self.request)

    def serve(self):
        """Answer as if nothing were wrong."""
        self.send(as_bytes(self.forward()))

    def reply(self, status, body=b"", **headers):
        """Answer in the sandbox' place."""
        self.receive()
        headers = {"content_type": "application/vnd.api+json", **headers}
        self.send(as_bytes(Response(status, {n.replace("_", "-"): v for n, v in headers.items()}, body)))

    def send(self, data):
        """Bytes, as they are."""
        self._connection.sendall(data)

    def drip(self, data, seconds):
        """One byte at a time, until the client has enough."""
        for byte in data:
            self.send(bytes([byte]))
            if self.gone(seconds):
                return

    def gone(self, seconds):
        """Whether the client hangs up within so long."""
        return bool(select.select([self._connection], [], [], seconds)[0])

    def hold(self):
        """Neither answer nor hang up, until the client does."""
        with contextlib.suppress(OSError):
            while self._connection.recv(65_536):
                pass
        self.close()

    def close(self):
        """Hang up."""
        self._reader.close()
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def reset(self):
        """Hang up as a broken network does."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._reader.close()
        self._connection.close()

    @property
    def closed(self):
        return self._connection.fileno() < 0


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, with which requests, how often."""

    act: Callable[[Exchange], None]
    method: str = "POST"  # OPEN is the moment before anything was read
    path: str = "/api/profile-bulk-import-jobs"
    skip: int = 0
    times: int | None = 1

    def meets(self, method, path):
        return method == self.method and path.rstrip("/").startswith(self.path)


class Network:
    """Listens while its `with` block lasts; each exchange goes well unless a trouble meets it."""

    def __init__(self, sandbox: Sandbox, *troubles: Trouble, certificate: ssl.SSLContext | None = None):
        self.sandbox = sandbox
        self.troubles = troubles
        self.met = 0
        self.requests = []
        self._certificate = certificate
        self._seen = dict.fromkeys(range(len(troubles)), 0)
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self):
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    def heal(self):
        """From now on all goes well."""
        self.troubles = ()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # who accepts wakes
        self._thread.join(10)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                if self._ended.is_set():
                    connection.close()
                    return
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        with contextlib.suppress(OSError, ValueError), self._noted(connection):
            if self._certificate:
                connection = self._certificate.wrap_socket(connection, server_side=True)
            reader = connection.makefile("rb")
            exchange = Exchange(connection, reader, self)
            self._act("OPEN", _go_on, exchange)
            while not exchange.closed and (request := _head(reader)):
                exchange = Exchange(connection, reader, self, request)
                self.requests.append(request)
                self._act(request.method, Exchange.serve, exchange)
            exchange.close()

    def _act(self, method, otherwise, exchange):
        path = exchange.request.path if exchange.request else ""
        trouble = self._trouble(method, path)
        (trouble.act if trouble else otherwise)(exchange)

    def _trouble(self, method, path):
        with self._lock:
            for number, trouble in enumerate(self.troubles):
                if trouble.meets(method, path if method != "OPEN" else trouble.path):
                    seen = self._seen[number]
                    self._seen[number] += 1
                    if seen >= trouble.skip and (trouble.times is None or seen < trouble.skip + trouble.times):
                        self.met += 1
                        return trouble
        return None

    @contextlib.contextmanager
    def _noted(self, connection):
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def _go_on(_exchange):
    """A connection by itself is no event."""


def _head(reader):
    """The next request without its body; None when the client is gone."""
    line = reader.readline()
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while (line := reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, b"")
