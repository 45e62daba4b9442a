"""Connections whose answers must begin in time. The socket's time-out alone bounds each byte, and not their number.

And the last lock of a dry run, on what would go through them.
"""

from __future__ import annotations

import http.client
import io
import logging
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.settings.rules_address import is_loopback

if TYPE_CHECKING:
    import socket

    from requests import PreparedRequest, Response
    from urllib3 import PoolManager

_PATH = re.compile(r"^(\w+://[^/?#]*)?/.*$", re.DOTALL)


def make_transport(pool_size: int) -> HTTPAdapter:
    """A pool of connections that retries nothing, and whose log at its loudest names no path.

    What is asked for is in the path: people by e-mail, or the secret of a webhook.
    """
    logging.getLogger("urllib3.connectionpool").addFilter(_without_paths)
    return _Adapter(pool_connections=pool_size, pool_maxsize=pool_size, max_retries=0)


def proxies_to(url: str) -> dict[str, str]:
    """What requests is told of proxies: none is asked for this machine, whatever the environment says.

    Plain http is for a loopback host alone, and a proxy would see all of it.
    """
    host = urlsplit(url).hostname or ""
    return {"no_proxy": host} if is_loopback(host) else {}


def _without_paths(line: logging.LogRecord) -> bool:
    """Each line stays, its web addresses cut off behind the host."""
    if isinstance(line.args, tuple):
        line.args = tuple(_PATH.sub(r"\1/...", each) if isinstance(each, str) else each for each in line.args)
    return True


class ReadsOnly(BaseAdapter):
    """Lets through what reads, and nothing else, whatever those above it believe."""

    def __init__(self, transport: BaseAdapter) -> None:
        super().__init__()
        self._transport = transport

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:  # noqa: ANN401  # handed on as they are
        """Send it, if it is a GET.

        Raises:
            KlaviyoError: It is not.
        """
        if request.method != "GET":
            raise KlaviyoError(
                f"a {request.method} was about to leave in a dry run, in which nothing but reads is sent. It was held "
                "back, and nothing was written: this is a defect of the program, please report it"
            )
        return self._transport.send(request, *arguments, **options)

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()


class _Adapter(HTTPAdapter):
    """Also where a proxy stands between."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # handed on as they are
        super().init_poolmanager(*arguments, **options)
        _bounded(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> PoolManager:  # noqa: ANN401  # handed on as they are
        return _bounded(super().proxy_manager_for(*arguments, **options))


def _bounded(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


class _Head(io.RawIOBase):
    """Bytes of a socket, for at most its time-out in all while `bounded`.

    In real time, as all time-outs of sockets are.
    """

    def __init__(self, source: io.RawIOBase, seconds: float | None) -> None:
        self._source = source
        self._until = None if seconds is None else time.monotonic() + seconds

    def unbind(self) -> None:
        self._until = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  # whatever can be written to
        if self._until is not None and time.monotonic() > self._until:
            raise TimeoutError
        return self._source.readinto(buffer)

    def close(self) -> None:
        self._source.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer whose head is over in time; whoever reads its body bounds that."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # handed on as they are
        super().__init__(sock, *arguments, **options)
        self._head = _Head(self.fp.detach(), sock.gettimeout())
        self.fp = io.BufferedReader(self._head)

    def begin(self) -> None:
        super().begin()
        self._head.unbind()


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
