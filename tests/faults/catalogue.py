"""The faults: what happens on the wire, and how the run must end."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import Any

from tests.faults import acts
from tests.faults.network import Trouble

JOBS = "/api/profile-bulk-import-jobs"
ACCOUNTS = "/api/accounts"


@dataclass(frozen=True)
class Fault:
    """`words` are of the line that a user sees when the run fails; None: the run ends well."""

    name: str
    trouble: Trouble
    words: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    patient: bool = False  # needs seconds of real time, however fast the clock runs


@dataclass(frozen=True)
class DeafWebhook:
    """What a webhook of alerts does with what it is told; `words` are of the warning, None: it hears in the end."""

    name: str
    words: str | None
    statuses: tuple[int, ...] = ()
    manner: str = "at once"
    listens: bool = True


def once(name, act, **where):
    """It happens once, and the run gets over it."""
    return Fault(name, Trouble(act, **where))


def always(name, act, words, **where):
    """It does not end, so the run does, within its limit."""
    return Fault(name, Trouble(act, times=None, **where), words, {"retry_max_seconds": 2})


def whenever(name, act, **where):
    """It does not end, and the run gets over it each time."""
    return Fault(name, Trouble(act, times=None, **where))


def at_once(name, act, words, **where):
    """Waiting would not mend it."""
    return Fault(name, Trouble(act, **where), words)


def silent(name, act, words="request_timeout_seconds", **where):
    """Nothing comes: only a time-out ends it."""
    patience = {"request_timeout_seconds": 1, "retry_max_seconds": 1}
    return Fault(name, Trouble(act, times=None, **where), words, patience, patient=True)


def silent_once(name, act, **where):
    """Nothing comes, once."""
    patience = {"request_timeout_seconds": 1}
    return Fault(name, Trouble(act, **where), None, patience, patient=True)


LISTING = {"method": "GET", "path": JOBS}
STATUSES = (500, 502, 503, 504)

CONNECTIONS = [
    once("reset_at_connect", acts.reset, method="OPEN"),
    always("reset_at_connect_always", acts.reset, "cannot be reached", method="OPEN"),
    once("reset_after_headers", acts.reset),
    once("reset_after_body", acts.do_and_reset),
    whenever("reset_after_body_always", acts.do_and_reset),
    once("closed_without_answer", acts.do_and_close),
    once("closed_between_requests", acts.serve_and_close),
    Fault("closed_after_every_answer", Trouble(acts.serve_and_close, times=None)),
    Fault("answered_with_bytes_too_many", Trouble(acts.serve_and_babble, times=None)),
    once("listing_reset", acts.reset, **LISTING),
    once("account_reset", acts.reset, method="GET", path=ACCOUNTS),
    silent_once("never_answered", acts.hold),
    silent("never_answered_always", acts.hold),
    silent("account_never_answered", acts.hold, method="GET", path=ACCOUNTS),
    silent("listing_never_answered", acts.hold, **LISTING),
    silent("headers_byte_by_byte", acts.drip_headers),
    silent("body_byte_by_byte", acts.drip_body),
    silent("continue_without_end", acts.continue_for_ever),
    silent("chunks_without_end", acts.chunks_for_ever, "request_timeout_seconds|more than"),
]

ANSWERS = [
    once("cut_in_half", acts.half),
    whenever("cut_in_half_always", acts.half),
    once("listing_cut_in_half", acts.half, **LISTING),
    once("chunk_cut_off", acts.half_a_chunk),
    once("truncated_json", acts.truncated_json),
    whenever("truncated_json_always", acts.truncated_json),
    once("empty_200", acts.replying(200)),
    always("empty_200_always", acts.replying(200), "not what this endpoint gives"),
    once("empty_204", acts.replying(204)),
    once("html_200", acts.html(200)),
    always("html_200_always", acts.html(200), "not what this endpoint gives"),
    once("html_listing", acts.html(200), **LISTING),
    Fault("wrong_content_type", Trouble(acts.wrong_content_type, times=None)),
    once("other_json", acts.replying(200, b'{"hello":[1,2,3]}')),
    once("json_nested_too_deeply", acts.replying(200, b"[" * 50_000)),
    once("job_without_id", acts.replying(202, b'{"data":{"type":"x","id":"","attributes":{"status":"queued"}}}')),
    once("no_http", acts.raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
    once("too_many_headers", acts.raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 500 + b"\r\n")),
    once("header_without_end", acts.raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000)),
    once("not_gzip", acts.replying(200, b"no gzip", content_encoding="gzip")),
    once("gzip_bomb", acts.replying(200, gzip.compress(bytes(80_000_000), 1), content_encoding="gzip")),
    once("larger_than_the_limit", acts.too_large),
]

STATUS_CODES = [
    once("throttled_once", acts.failing(429, retry_after="1")),
    once("throttled_without_retry_after", acts.failing(429)),
    always("throttled_always", acts.failing(429, retry_after="1"), "too many requests"),
    always("throttled_always_without_retry_after", acts.failing(429), "too many requests"),
    always("throttled_for_an_hour", acts.failing(429, retry_after="3600"), "asks to wait 3600 s"),
    always(
        "throttled_for_ever", acts.failing(429, retry_after="9" * 20), "failed 1 times .* asks to wait 1000000000 s"
    ),
    once("throttled_until_a_date", acts.throttled_until(seconds=2)),
    always("throttled_until_tomorrow", acts.throttled_until(seconds=86_400), "asks to wait 86400 s"),
    once("throttled_until_nonsense", acts.failing(429, retry_after="-5, soon")),
    always("account_throttled_for_an_hour", acts.failing(429, retry_after="3600"), "wait", method="GET", path=ACCOUNTS),
    *(once(f"status_{status}", acts.failing(status)) for status in STATUSES),
    *(always(f"status_{status}_always", acts.failing(status), f"answers {status}") for status in STATUSES),
    once("listing_503", acts.failing(503), **LISTING),
    always("listing_503_always", acts.failing(503), "answers 503", **LISTING),
    once("status_408", acts.failing(408)),
    once("cloudflare_403", acts.html(403, cf_mitigated="challenge")),
    always("cloudflare_403_always", acts.html(403, cf_mitigated="challenge"), "403"),
    at_once("key_revoked_in_the_middle", acts.failing(401), "401", skip=1),
    at_once("scope_taken_in_the_middle", acts.failing(403), "403", skip=1),
    at_once("list_deleted_in_the_middle", acts.failing(404), "404", skip=1),
    at_once("revision_retired", acts.failing(410), "410"),
    at_once("content_type_refused", acts.failing(415), "415"),
    at_once("redirected", acts.replying(302, location="http://127.0.0.1:1/elsewhere"), "302"),
    at_once("redirected_for_ever", acts.replying(308, location=JOBS), "308"),
    once("status_599", acts.failing(599)),
    at_once("import_errors_gone", acts.failing(404), "import errors are gone", method="GET", path=f"{JOBS}/"),
    at_once("job_unknown", acts.forget_the_job, "does not know it any more", times=None, **LISTING),
]

WEBHOOKS = [
    DeafWebhook("webhook_dead", "it cannot be reached", listens=False),
    DeafWebhook("webhook_that_never_answers", "it did not answer within 0.1 s", manner="never"),
    DeafWebhook("webhook_byte_by_byte", "it did not answer within 0.1 s", manner="byte by byte"),
    DeafWebhook("webhook_out_of_order_once", None, statuses=(503, 429)),
    DeafWebhook("webhook_out_of_order_always", "it answered 503", statuses=(503,) * 9),
    DeafWebhook("webhook_refusing", "it answered 404", statuses=(404,)),
    DeafWebhook("webhook_redirecting", "it answered 302", statuses=(302,)),
]

FAULTS = [*CONNECTIONS, *ANSWERS, *STATUS_CODES]
