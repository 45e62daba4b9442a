"""What a network or a server may do with one exchange."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from tests.faults.network import as_bytes

_HTML = b"<html><head><title>Just a moment...</title></head><body>@</body></html>"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.api+json\r\n"


def reset(exchange):
    """The connection breaks before anything was done."""
    exchange.reset()


def do_and_reset(exchange):
    """It was done, and the answer is lost."""
    exchange.forward()
    exchange.reset()


def do_and_close(exchange):
    """The same, politely."""
    exchange.forward()
    exchange.close()


def serve_and_close(exchange):
    """An idle connection is closed without a word."""
    exchange.serve()
    exchange.close()


def serve_and_babble(exchange):
    """More bytes than announced."""
    exchange.send(as_bytes(exchange.forward()) + b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


def hold(exchange):
    """Taken in, and no answer."""
    exchange.receive()
    exchange.hold()


def drip_headers(exchange):
    """Each byte in time, the whole never."""
    exchange.receive()
    exchange.drip(_HEAD + b"x: y" * 10_000, seconds=0.3)


def drip_body(exchange):
    """The same after the headers."""
    exchange.receive()
    exchange.send(_HEAD + b"content-length: 100000\r\n\r\n")
    exchange.drip(b" " * 100_000, seconds=0.3)


def continue_for_ever(exchange):
    """Interim answers without end."""
    exchange.receive()
    while not exchange.gone(0.01):
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def chunks_for_ever(exchange):
    """A chunked answer that does not end."""
    exchange.receive()
    exchange.send(_HEAD + b"transfer-encoding: chunked\r\n\r\n")
    while not exchange.gone(0.01):
        exchange.send(b"400\r\n" + b" " * 1024 + b"\r\n")


def half(exchange):
    """The answer breaks off."""
    answer = as_bytes(exchange.forward())
    exchange.send(answer[: len(answer) - 40])
    exchange.close()


def half_a_chunk(exchange):
    """The same in a chunked answer."""
    exchange.forward()
    exchange.send(_HEAD + b'transfer-encoding: chunked\r\n\r\n64\r\n{"data"')
    exchange.close()


def truncated_json(exchange):
    """A whole answer with half a document."""
    answer = exchange.forward()
    exchange.send(as_bytes(replace(answer, body=answer.body[: len(answer.body) // 2])))


def wrong_content_type(exchange):
    """The right document, said to be text."""
    answer = exchange.forward()
    exchange.send(as_bytes(replace(answer, headers={**answer.headers, "content-type": "text/plain"})))


def too_large(exchange):
    """More than any answer of Klaviyo's."""
    exchange.receive()
    exchange.send(_HEAD + b"content-length: 70000000\r\n\r\n")
    for _ in range(70):
        exchange.send(b" " * 1_000_000)


def replying(status, body=b"", **headers):
    """An answer in the sandbox' place."""
    return lambda exchange: exchange.reply(status, body, **headers)


def html(status, **headers):
    """A page for people."""
    return replying(status, _HTML, content_type="text/html; charset=utf-8", **headers)


def failing(status, **headers):
    """A refusal in Klaviyo's form."""
    error = {"id": "493b5b07-0000-4000-8000-000000000000", "code": "no", "title": "No.", "detail": "No."}
    return replying(status, json.dumps({"errors": [error]}).encode(), **headers)


def forget_the_job(exchange):
    """The listing is empty, and nobody knows the job."""
    listing = exchange.request.path.endswith("jobs")
    (replying(200, b'{"data":[],"links":{"next":null}}') if listing else failing(404))(exchange)


def throttled_until(*, seconds):
    """Retry-After as a date, on a clock of the server's own."""
    now = datetime(2031, 1, 1, 12, tzinfo=timezone.utc)
    then = now + timedelta(seconds=seconds)
    return failing(429, retry_after=format_datetime(then, usegmt=True), date=format_datetime(now, usegmt=True))


def raw(data):
    """Bytes that are no answer at all."""

    def act(exchange):
        exchange.receive()
        exchange.send(data)
        exchange.close()

    return act


def keep_silent(exchange):
    """Accepted, and not a word."""
    exchange.hold()
