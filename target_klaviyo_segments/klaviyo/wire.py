"""One request over the wire and its whole answer, each bounded in time and size.

This file and `transport.py`, which makes the connections, are the only ones that know requests, but for the webhook of
`alerts`.
"""

from __future__ import annotations

import ssl
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, NewConnectionError

from target_klaviyo_segments.errors import KlaviyoError, Misconfigured, Transient
from target_klaviyo_segments.klaviyo.transport import make_transport, proxies_to
from target_klaviyo_segments.settings.rules_address import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from requests.adapters import BaseAdapter

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.klaviyo.auth import Auth
    from target_klaviyo_segments.klaviyo.bodies import ImportBody
    from target_klaviyo_segments.klaviyo.protocol import Call

CONNECT_SECONDS = 10.0
# An answer that has begun gets this long, however late it began.
ANSWER_SECONDS = 10.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024
_CHUNK_BYTES = 65_536
_PIECE_BYTES = 262_144
_NO_SANDBOX = "; `api_url` is this machine: is `target-klaviyo-segments-sandbox` running there?"
_PROXY_DENIES = (
    "the proxy lets nobody through whom it does not know (407): put a user and a password that it takes into the "
    "environment variable HTTPS_PROXY, as http://user:password@host:port"
)
_NEVER_SENT = (requests.ConnectTimeout, requests.exceptions.ProxyError, NewConnectionError, ssl.SSLError)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, of whatever status; header names in lower case. Its body may be personal."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Wire:
    """A pool of connections to one host, shared by threads. Retries nothing, follows nothing."""

    def __init__(
        self,
        *,
        api_url: str,
        auth: Auth,
        headers: Mapping[str, str],
        timeout_seconds: float,
        pool_size: int,
        clock: Clock,
        transport: BaseAdapter | None = None,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        parts = urlsplit(api_url)
        self._host = parts.netloc.rpartition("@")[2]
        self._is_here = is_loopback(parts.hostname or "")
        self._timeout = timeout_seconds
        self._clock = clock
        self._session = _Session()
        self._auth = auth
        self._session.auth = _Authorization(auth)
        self._session.headers.update(headers)
        transport = transport or make_transport(pool_size)
        self._session.mount("https://", transport)
        self._session.mount("http://", transport)

    def send(self, call: Call) -> Reply:
        """Send one request and read the whole answer.

        Raises:
            Transient: No whole answer came within the time-out.
            Misconfigured: None ever will: the host's certificate, the URL or the proxy's password is wrong.
        """
        reply, used = self._once(call)
        if reply.status == HTTPStatus.UNAUTHORIZED and self._auth.renew(used):
            reply, _ = self._once(call)
        return reply

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _once(self, call: Call) -> tuple[Reply, str]:
        """An answer, and the Authorization header that it is to."""
        deadline = self._clock.now() + self._timeout
        body = None if call.body is None else _Upload(call.body, lambda: self._in_time(deadline))
        try:
            response = self._session.request(
                call.method,
                f"{self._api_url}{call.path}",
                data=body,
                proxies=proxies_to(self._api_url),
                timeout=(min(CONNECT_SECONDS, self._timeout), self._timeout),
                allow_redirects=False,
                stream=True,
            )
            with closing(response):
                if response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                    raise Misconfigured(_PROXY_DENIES)
                reply = Reply(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    self._read(response, deadline),
                )
                return reply, str(response.request.headers.get("Authorization"))
        except (OSError, HTTPError) as error:  # every error of requests is an OSError
            raise self._explained(error) from error

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """The body, decompressed. `read1` comes back with what is there: a slow answer cannot hide from the clock."""
        deadline = max(deadline, self._clock.now() + ANSWER_SECONDS)
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > ANSWER_BYTES_MAX:
                raise Transient(f"Klaviyo at {self._host} answers with more than {ANSWER_BYTES_MAX} bytes")
            self._in_time(deadline)
        return b"".join(chunks)

    def _in_time(self, deadline: float) -> None:
        if self._clock.now() > deadline:
            raise Transient(f"Klaviyo at {self._host}: {self._too_slow}")

    @property
    def _too_slow(self) -> str:
        return f"a request was not over after {self._timeout:g} s (`request_timeout_seconds`)"

    def _explained(self, error: Exception) -> KlaviyoError:
        """In words of our own: a library's may quote the request with its key."""
        causes = list(_causes(error))
        wrong = next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None)
        if wrong is not None:
            return Misconfigured(
                f"the certificate of {self._host} cannot be verified: {wrong.verify_message}. Where a proxy inspects "
                "TLS, set the environment variable REQUESTS_CA_BUNDLE to its certificates"
            )
        if any(str(each).startswith("Tunnel connection failed: 407") for each in causes):  # http.client's only sign
            return Misconfigured(_PROXY_DENIES)
        if isinstance(error, ValueError):
            return Misconfigured(f"no request can be made to `api_url` or through the proxy: {type(error).__name__}")
        lost = not any(isinstance(each, _NEVER_SENT) for each in causes)
        return Transient(f"Klaviyo at {self._host} cannot be reached: {self._reason(causes)}", answer_lost=lost)

    def _reason(self, causes: list[BaseException]) -> str:
        if isinstance(causes[0], requests.ConnectTimeout):
            return f"no connection within {min(CONNECT_SECONDS, self._timeout):g} s"
        if any(isinstance(cause, (requests.Timeout, TimeoutError)) for cause in causes):
            return self._too_slow
        words = next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), None)
        reason = words or type(causes[0]).__name__
        if isinstance(causes[0], requests.exceptions.ProxyError):
            return f"the proxy fails: {reason}"
        refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
        return reason + (_NO_SANDBOX if refused and self._is_here else "")


class _Session(requests.Session):
    """Sees no redirect anywhere: the key goes to the configured host and to no other."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None, always: merely not following would still read the redirect's body, without a bound."""
        del resp
        return None


class _Authorization(AuthBase):
    """Sets the header by itself, or a `.netrc` of the user's would win."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = self._auth()
        return r


class _Upload:
    """A body that is sent in pieces, each within the socket's time-out and all within the request's.

    Sent as one piece, all of it would have to pass within the time-out for connecting.
    """

    def __init__(self, body: bytes | ImportBody, watch: Callable[[], None]) -> None:
        self._body = body
        self._watch = watch

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        for part in (self._body,) if isinstance(self._body, bytes) else self._body:
            for start in range(0, len(part), _PIECE_BYTES):
                self._watch()
                yield part[start : start + _PIECE_BYTES]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it, nearest first."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
