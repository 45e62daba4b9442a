"""The sandbox behind `requests` without a socket: the same bytes, and a clock that the test owns."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

from requests.adapters import BaseAdapter
from requests.models import Response
from urllib3 import HTTPResponse

from target_klaviyo_segments.sandbox.app import Request


class Direct(BaseAdapter):
    """A transport that hands each request to a sandbox."""

    def __init__(self, sandbox, clock=None, answer_seconds=0.0):
        super().__init__()
        self.sandbox = sandbox
        self._clock = clock
        self._answer_seconds = answer_seconds

    def send(self, request, **_options):
        parts = urlsplit(request.url)
        body = request.body
        if body is not None and not isinstance(body, bytes):
            body = b"".join(body)
        answer = self.sandbox.handle(
            Request(request.method, parts.path, parts.query, dict(request.headers), body or b"")
        )
        if self._answer_seconds:
            self._clock.sleep(self._answer_seconds)
        response = Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.raw = HTTPResponse(
            io.BytesIO(answer.body), headers=answer.headers, status=answer.status, preload_content=False
        )
        response.url, response.request, response.connection = request.url, request, self
        return response

    def close(self):
        """Nothing is open."""
