"""Doubles of this room: a clock that the tests own, and a wire that answers from a function."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from target_klaviyo_segments.klaviyo.auth import ApiKey
from target_klaviyo_segments.klaviyo.client import KlaviyoClient

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "pk_secret_0123456789"


class FakeClock:
    """Sleeping moves it; `asleep` sees each sleep before it passes."""

    def __init__(self):
        self._lock = threading.Lock()
        self._now = 1000.0
        self._woken = False
        self.asleep = lambda _: None

    def now(self):
        return self._now

    def sleep(self, seconds):
        self.asleep(seconds)
        if not self._woken:
            self.advance(seconds)

    def wake(self):
        self._woken = True

    def advance(self, seconds):
        with self._lock:
            self._now += seconds


@dataclass(frozen=True)
class Sent:
    """One request as it left, and when."""

    at: float
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class Script(BaseAdapter):
    """A wire: each request goes to `answer`, which returns a response or raises."""

    def __init__(self, clock, answer):
        super().__init__()
        self._clock = clock
        self._answer = answer
        self.sent = []

    def send(self, request, **_):
        body = b"".join(request.body) if request.body is not None else b""
        self.sent.append(Sent(self._clock.now(), request.method, request.url, dict(request.headers), body))
        response = self._answer(self.sent[-1])
        response.request, response.url = request, request.url
        return response

    def close(self):
        pass


@dataclass
class Connected:
    client: KlaviyoClient
    clock: FakeClock
    wire: Script
    retries: list

    @property
    def times(self):
        """When requests left, from the start."""
        return [sent.at - 1000.0 for sent in self.wire.sent]


def make_reply(status=200, content=b"", headers=None):
    """A response with a body that is bytes, JSON, or a file of its own."""
    if isinstance(content, (dict, list)):
        content = json.dumps(content).encode()
    body = io.BytesIO(content) if isinstance(content, bytes) else content
    response = requests.Response()
    response.status_code = status
    response.headers.update({"content-type": "application/vnd.api+json", **(headers or {})})
    response.raw = HTTPResponse(body, headers=response.headers, status=status, preload_content=False)
    return response


@pytest.fixture
def reply():
    return make_reply


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def connect(clock) -> Callable[..., Connected]:
    """A client whose every request is answered by a function, or by a list of answers in turn."""

    def connected(answer, **changes):
        script = iter(answer) if isinstance(answer, list) else None
        wire = Script(changes.get("clock", clock), (lambda _: _played(next(script))) if script else answer)
        retries = []
        settings = {
            "api_url": "https://a.klaviyo.com",
            "auth": ApiKey(KEY),
            "revision": "2026-10-15",
            "user_agent": "tests/1",
            "request_timeout_seconds": 60,
            "retry_max_seconds": 600,
            "job_timeout_seconds": 3600,
            "pool_size": 4,
            "clock": clock,
            "random": lambda: 0.5,
            "wall": clock.now,
            "transport": wire,
            "on_retry": lambda reason, seconds: retries.append((reason, seconds)),
        }
        return Connected(KlaviyoClient(**(settings | changes)), clock, wire, retries)

    return connected


def _played(answer):
    if isinstance(answer, Exception):
        raise answer
    return answer
