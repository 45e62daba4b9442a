"""OAuth: an access token that is fetched, and fetched again before it expires or when Klaviyo does not know it.

https://developers.klaviyo.com/en/docs/set_up_oauth
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

import msgspec

from target_klaviyo_segments.errors import Denied, Transient
from target_klaviyo_segments.klaviyo.protocol import TIER_M, Call, Endpoint
from target_klaviyo_segments.klaviyo.refusals import is_page, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN = Endpoint("OAuth token", TIER_M, ())
FORM = "application/x-www-form-urlencoded"
# A token that expires sooner is not used for a new request: an import may take a minute to go out.
MARGIN_SECONDS = 120.0
_FINAL = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Answer(Protocol):
    """As much of an answer as is read."""

    @property
    def status(self) -> int:
        """HTTP's."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Their names in lower case."""
        ...

    @property
    def body(self) -> bytes:
        """All of it."""
        ...


class Tokens(Protocol):
    """Where refresh tokens are kept between runs."""

    @property
    def trouble(self) -> str | None:
        """Why the one that `load` gave last may be an old one, a sentence; None when it is not."""
        ...

    def load(self) -> str:
        """The refresh token to use now."""
        ...

    def keep(self, refresh_token: str) -> None:
        """Keep another one in its place.

        Raises:
            WorkDirError: It cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class App:
    """An installed app, as its owner has it from Klaviyo."""

    client_id: str
    client_secret: str = field(repr=False)

    def __call__(self) -> str:
        """The Authorization header of a request for a token."""
        pair = f"{self.client_id}:{self.client_secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def renew(self, refused: str) -> bool:
        """There is no other."""
        del refused
        return False


class _Grant(msgspec.Struct):
    access_token: str
    expires_in: float
    refresh_token: str | None = None


class _Refusal(msgspec.Struct):
    error: str = "no reason given"


_grant = msgspec.json.Decoder(_Grant).decode
_refusal = msgspec.json.Decoder(_Refusal).decode


class OAuth:
    """The access token of one installation; one thread at a time fetches it, the others wait for it."""

    def __init__(self, tokens: Tokens, send: Callable[[Call], Answer], now: Callable[[], float]) -> None:
        self._tokens = tokens
        self._send = send
        self._now = now
        self._lock = threading.Lock()
        self._value: str | None = None
        self._good_until = float("-inf")

    def __call__(self) -> str:
        """The value of the Authorization header.

        Raises:
            Denied: Klaviyo does not take the refresh token or the app.
            Transient: No token came; worth another try.
            WorkDirError: The refresh token that came with it cannot be kept.
        """
        with self._lock:
            if self._value is None or self._now() >= self._good_until:
                self._value = self._fetch()
            return self._value

    def renew(self, refused: str) -> bool:
        """Forget the value that was refused, unless another thread has; the next call fetches a new one."""
        with self._lock:
            if self._value == refused:
                self._value = None
        return True

    def __repr__(self) -> str:
        return "OAuth(***)"

    def _fetch(self) -> str:
        refresh_token = self._tokens.load()
        form = urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token})
        began = self._now()
        reply = self._send(Call(TOKEN, "POST", "/oauth/token", form.encode()))
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _failure(reply, self._tokens.trouble)
        grant = _read(reply.body)
        if grant.refresh_token and grant.refresh_token != refresh_token:
            self._tokens.keep(grant.refresh_token)  # before it is used: the old one may be worth nothing any more
        self._good_until = began + max(grant.expires_in - MARGIN_SECONDS, grant.expires_in / 2)
        return f"Bearer {grant.access_token}"


def _read(body: bytes) -> _Grant:
    try:
        grant = _grant(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Transient(f"Klaviyo's answer to {TOKEN.name} is no token: {type(error).__name__}") from None
    if not grant.access_token.isascii() or not grant.access_token.isprintable() or " " in grant.access_token:
        raise Transient(f"Klaviyo's answer to {TOKEN.name} is no token that can be sent")
    return grant


def _failure(reply: Answer, trouble: str | None) -> Denied | Transient:
    """A 400, 401 or 403 of Klaviyo's own says that app or refresh token is wrong; anything else may pass."""
    if is_page(reply.headers) or reply.status not in _FINAL:
        page = " with a web page: a proxy's, not Klaviyo's own" if is_page(reply.headers) else ""
        words = f"Klaviyo answers {reply.status} to {TOKEN.name}{page}"
        return Transient(words, retry_after(reply.headers), answer_lost=False)
    try:
        reason = _refusal(reply.body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        reason = "no reason given"
    words = reason if reason.isascii() and reason.replace("_", "").isalnum() else "no reason given"
    tail = f". {trouble}" if trouble else ""
    return Denied(
        f"Klaviyo gives no access token ({words}). With `invalid_client`, check `oauth_client_id` and "
        "`oauth_client_secret`; else the refresh token was revoked or unused for 90 days: let the account's owner "
        f"install the app again and set `oauth_refresh_token` to the new one{tail}"
    )
