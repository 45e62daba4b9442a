"""Tokens for apps that are installed in the account: https://developers.klaviyo.com/en/docs/set_up_oauth ."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from target_klaviyo_segments.sandbox.exchange import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_klaviyo_segments.sandbox.exchange import Request

_PATH = "/oauth/token"
_FORM = "application/x-www-form-urlencoded"


class Account(Protocol):
    """Whom the tokens are for."""

    access_tokens: set[str]
    now: Callable[[], float]


class OAuthApps:
    """Apps and their installations. With `rotates` each refresh token is good for one use, and a new one comes back."""

    def __init__(self) -> None:
        self.rotates = False
        self.lifetime_seconds = 3600
        self._secrets: dict[str, str] = {}
        self._installed: dict[str, str] = {}  # refresh token to client
        self._expiry: dict[str, float] = {}
        self._lock = threading.Lock()

    def install(self, client_id: str, client_secret: str, refresh_token: str) -> None:
        """An app is installed in the account."""
        self._secrets[client_id] = client_secret
        self._installed[refresh_token] = client_id

    def uninstall(self) -> None:
        """No refresh token is good any more."""
        self._installed.clear()

    def answer(self, request: Request, account: Account) -> Response | None:
        """The answer to a request for a token; None for a request of another kind."""
        with self._lock:
            for token in [token for token, end in self._expiry.items() if account.now() >= end]:
                account.access_tokens.discard(token)
                del self._expiry[token]
            if request.path.removesuffix("/") != _PATH:
                return None
            return self._grant(request, account)

    def _grant(self, request: Request, account: Account) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.method != "POST":
            return _reply(405, error="invalid_request")
        client = self._client(headers.get("authorization", ""))
        if client is None:
            return _reply(401, error="invalid_client")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            return _reply(400, error="invalid_request")
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "refresh_token":
            return _reply(400, error="unsupported_grant_type")
        token = form.get("refresh_token", "")
        if self._installed.get(token) != client:
            return _reply(400, error="invalid_grant")
        return self._tokens(token, client, account)

    def _tokens(self, refresh_token: str, client: str, account: Account) -> Response:
        if self.rotates:
            del self._installed[refresh_token]
            refresh_token = secrets.token_urlsafe(24)
            self._installed[refresh_token] = client
        access = secrets.token_urlsafe(24)
        account.access_tokens.add(access)
        self._expiry[access] = account.now() + self.lifetime_seconds
        return _reply(
            200,
            access_token=access,
            token_type="bearer",  # noqa: S106  # the kind of a token
            expires_in=self.lifetime_seconds,
            refresh_token=refresh_token,
            scope="accounts:read lists:read lists:write profiles:read profiles:write",
        )

    def _client(self, header: str) -> str | None:
        scheme, _, value = header.partition(" ")
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return name if scheme == "Basic" and self._secrets.get(name) == secret else None


def _reply(status: int, **document: Any) -> Response:  # noqa: ANN401  # JSON
    return Response(status, {"content-type": "application/json"}, json.dumps(document).encode())
