"""What Klaviyo answers when it refuses: each refusal becomes the error that says what comes next. Pure.

By status, never by Klaviyo's words, which change: https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
Statuses: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from target_klaviyo_segments.errors import (
    BodyRefused,
    Denied,
    KlaviyoError,
    Misconfigured,
    NotFound,
    Rejection,
    RowsRefused,
    ScopeMissing,
    Transient,
)
from target_klaviyo_segments.klaviyo.lists import GET_LIST
from target_klaviyo_segments.klaviyo.words import masked, place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from target_klaviyo_segments.klaviyo.protocol import Call

REFUSED = "klaviyo_refused"
TOO_LARGE = "body_too_large"

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SECONDS_MAX = 1e9  # for ever: longer than anybody waits, and no clock overflows
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LIST_POINTER = "/data/relationships"
_NO_REASON = "no reason given"
_WEB_PAGE = "a web page, which is no answer of Klaviyo's own: a proxy or a firewall gave it"
_CHECK_LIST = "check `list_id`, or give the list's name as `list_name`"


@dataclass(frozen=True, slots=True)
class _Problem:
    """One of the errors of an answer."""

    words: str
    pointer: str
    parameter: bool  # it is about the query or a header
    row: int | None
    field: str | None
    identity: str | None  # what Klaviyo's support asks for


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An answer that is no 2xx."""

    status: int
    headers: dict[str, str]
    problems: tuple[_Problem, ...]
    call: Call

    @property
    def html(self) -> bool:
        """Not Klaviyo's own answer, but a page of the proxy in front of it."""
        return is_page(self.headers)

    @property
    def words(self) -> str:
        """Klaviyo's words, or that there are none."""
        if self.html:
            return _WEB_PAGE
        return "; ".join(dict.fromkeys(problem.words for problem in self.problems[:3])) or _NO_REASON

    def __str__(self) -> str:
        identity = next((f" (id {each.identity})" for each in self.problems if each.identity), "")
        return f"Klaviyo answers {self.status} to {self.call.endpoint.name}{identity}"


def read_failure(status: int, headers: Mapping[str, str], body: bytes, call: Call) -> KlaviyoError:
    """The error that an answer other than 2xx stands for."""
    lower = {name.lower(): value for name, value in headers.items()}
    return _meaning(status)(_Refusal(status, lower, _problems(body), call))


def words_of(body: bytes) -> str:
    """What the errors of an answer say, fit for a log."""
    return "; ".join(dict.fromkeys(problem.words for problem in _problems(body)[:3])) or _NO_REASON


def _meaning(status: int) -> Callable[[_Refusal], KlaviyoError]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _later
    return _redirected if status < HTTPStatus.BAD_REQUEST else _final


def _bad_request(refusal: _Refusal) -> KlaviyoError:
    if not refusal.call.endpoint.by_row or refusal.html or any(problem.parameter for problem in refusal.problems):
        return _final(refusal)
    rows: dict[int, Rejection] = {}
    for problem in refusal.problems:
        if problem.row is not None:
            rows.setdefault(problem.row, Rejection(REFUSED, problem.words, problem.field))
    if rows:
        return RowsRefused(f"{refusal}: {len(rows)} rows refused", rows)
    if _blames_the_list(refusal):
        return _final(refusal)
    return BodyRefused(f"{refusal}, naming no row: {refusal.words}", Rejection(REFUSED, refusal.words))


def _blames_the_list(refusal: _Refusal) -> bool:
    """Then sending fewer rows changes nothing."""
    return any(problem.pointer.startswith(_LIST_POINTER) for problem in refusal.problems)


def _too_large(refusal: _Refusal) -> KlaviyoError:
    size = len(refusal.call.body or b"")
    return BodyRefused(f"{refusal}: {size} bytes are too many", Rejection(TOO_LARGE, "too large for Klaviyo"))


def _unknown_key(refusal: _Refusal) -> KlaviyoError:
    return Denied(
        f"{refusal}: it does not know the key; check `api_key`, `api_key_file` or the `oauth_` settings. "
        f"{refusal.words}"
    )


def _forbidden(refusal: _Refusal) -> KlaviyoError:
    if refusal.html:
        words = f"{refusal} with a web page: a challenge by the proxy in front of it"
        return Transient(words, retry_after(refusal.headers), answer_lost=False)
    scopes = ", ".join(refusal.call.endpoint.scopes)
    return ScopeMissing(
        f"{refusal}: the key lacks a scope of those that this needs, {scopes}. The scopes of a key are fixed when it "
        f"is made: make a new private key that has them, and set it in the place of this one. {refusal.words}"
    )


def _not_found(refusal: _Refusal) -> KlaviyoError:
    path = refusal.call.path.partition("?")[0]
    if refusal.call.endpoint == GET_LIST:
        path = f"list {path.rpartition('/')[2]}; {_CHECK_LIST}"
    return NotFound(f"{refusal}: the account of this key has no {path}. {refusal.words}")


def _retired(refusal: _Refusal) -> KlaviyoError:
    return Misconfigured(
        f"{refusal}: this `api_revision` is retired. Remove the setting, or upgrade target-klaviyo-segments. "
        f"{refusal.words}"
    )


def _throttled(refusal: _Refusal) -> KlaviyoError:
    return Transient(f"{refusal}: too many requests", retry_after(refusal.headers), answer_lost=False)


def _later(refusal: _Refusal) -> KlaviyoError:
    return Transient(f"{refusal}: {refusal.words}", retry_after(refusal.headers))


def _redirected(refusal: _Refusal) -> KlaviyoError:
    return Misconfigured(f"{refusal}, a redirect, which is never followed: check `api_url`")


def _final(refusal: _Refusal) -> KlaviyoError:
    hint = f"; {_CHECK_LIST}" if refusal.call.endpoint == GET_LIST or _blames_the_list(refusal) else ""
    return KlaviyoError(f"{refusal}: {refusal.words}{hint}")


_BY_STATUS: dict[int, Callable[[_Refusal], KlaviyoError]] = {
    HTTPStatus.BAD_REQUEST: _bad_request,
    HTTPStatus.UNAUTHORIZED: _unknown_key,
    HTTPStatus.FORBIDDEN: _forbidden,
    HTTPStatus.NOT_FOUND: _not_found,
    HTTPStatus.REQUEST_TIMEOUT: _later,
    HTTPStatus.GONE: _retired,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _too_large,
    HTTPStatus.TOO_EARLY: _later,
    HTTPStatus.TOO_MANY_REQUESTS: _throttled,
}


def is_page(headers: Mapping[str, str]) -> bool:
    """Whether the answer with these headers, whose names are in lower case, is no word of Klaviyo's at all."""
    return "cf-mitigated" in headers or "text/html" in headers.get("content-type", "")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, or a date held against the answer's own Date: the two clocks need not agree.

    https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), _SECONDS_MAX)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):  # no date, or one with and one without a time zone
        return None


def _problems(body: bytes) -> tuple[_Problem, ...]:
    """The errors of a JSON:API answer; none when it is anything else."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    errors = document.get("errors") if isinstance(document, dict) else None
    return tuple(_problem(error) for error in errors if isinstance(error, dict)) if isinstance(errors, list) else ()


def _problem(error: dict[str, Any]) -> _Problem:
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else None
    pointer = pointer if isinstance(pointer, str) else ""
    given = (error.get(name) for name in ("detail", "title", "code"))
    words = next((masked(each) for each in given if isinstance(each, str) and each), _NO_REASON)
    identity = error.get("id")
    known = isinstance(identity, str) and _UUID.fullmatch(identity)
    parameter = isinstance(source, dict) and bool(source.get("parameter"))
    return _Problem(words, pointer, parameter, *place(pointer), identity if known else None)
