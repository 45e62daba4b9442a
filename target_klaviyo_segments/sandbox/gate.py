"""What must be right before any endpoint is asked: key, scopes, revision, content type, size, and JSON that is JSON."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.envelope import MEDIA_TYPE, refuse

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

# https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling : counted decompressed. Whether a MB is
# 1,000,000 bytes is not said: the smaller reading is the stricter one.
BODY_BYTES_MAX = 5_000_000
# https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy : live for two years from release.
LIVE_REVISIONS = (
    "2025-01-15",
    "2025-04-15",
    "2025-07-15",
    "2025-10-15",
    "2026-01-15",
    "2026-04-15",
    "2026-07-15",
    "2026-10-15",
)
OPT_OUT_HEADER = "x-klaviyo-revision-fall-forward-opt-out"

# Repeated names in an object are looked for up to this size: the decoder that is quick enough for 5 MB cannot see them.
_REPEATS_BYTES_MAX = 200_000
# Small enough to stay in the processor's cache.
_PIECE_BYTES = 65_536
_REVISION = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(\.[a-z0-9.]+)?")
_GZIP = 16 + zlib.MAX_WBITS


def caller(headers: Mapping[str, str], api_keys: Container[str], access_tokens: Container[str]) -> str:
    """Whose quota a request uses: all private keys of the account share one, each OAuth token stands for an app.

    Raises:
        Refusal: No credentials, or wrong ones.
    """
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    known = api_keys if scheme == "Klaviyo-API-Key" else access_tokens if scheme == "Bearer" else ()
    if credential not in known:
        raise refuse(401, "Incorrect authentication credentials.")
    return scheme if scheme == "Klaviyo-API-Key" else credential


def check_revision(headers: Mapping[str, str]) -> None:
    """A revision is required. A retired one is answered as the next live one, unless the caller opts out.

    Raises:
        Refusal: It is missing, no revision at all, or retired and the caller opted out.
    """
    sent = headers.get("revision", "")
    found = _REVISION.fullmatch(sent)
    if not found:
        raise refuse(400, "A revision header of the form YYYY-MM-DD[.suffix] is required.", parameter="revision")
    if found[1] in LIVE_REVISIONS:
        return
    if headers.get(OPT_OUT_HEADER) in {"1", "true"}:
        raise refuse(410, f"API revision {sent} is not available.", parameter="revision")
    if found[1] > LIVE_REVISIONS[-1]:
        raise refuse(400, f"API revision {sent} does not exist.", parameter="revision")


def check_scopes(granted: frozenset[str] | None, needed: frozenset[str]) -> None:
    """Every scope of the endpoint is needed; `None` grants all.

    Raises:
        Refusal: Some are missing.
    """
    missing = sorted(needed - granted) if granted is not None else []
    if missing:
        raise refuse(403, f"The API key is missing required scopes: {', '.join(missing)}")


def read_body(headers: Mapping[str, str], body: bytes) -> bytes:
    """The body as it was before compression.

    Raises:
        Refusal: Not JSON by its content type, compressed otherwise than by gzip, or too large.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {MEDIA_TYPE, "application/json"}:
        raise refuse(415, f"Unsupported Content-Type '{media_type}' in request.")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"gzip", "identity"}:
        raise refuse(415, f"Unsupported Content-Encoding '{encoding}' in request.")
    plain = _gunzip(body) if encoding == "gzip" else body
    if len(plain) > BODY_BYTES_MAX:
        raise refuse(413, f"The request body is larger than {BODY_BYTES_MAX} bytes.")
    return plain


def check_json(body: bytes) -> None:
    """Python's own decoder looks at what the quick one does not: text that is no UTF-8, and repeated names.

    Raises:
        Refusal: It is not JSON.
    """
    try:
        _check_utf8(body)
        if len(body) <= _REPEATS_BYTES_MAX:
            json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_json(error) from error


def _check_utf8(body: bytes) -> None:
    if body.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), _PIECE_BYTES):
        decoder.decode(body[start : start + _PIECE_BYTES])
    decoder.decode(b"", final=True)


def bad_json(error: Exception) -> Exception:
    """The refusal of a body that is not JSON."""
    return refuse(400, f"JSON parse error: {error}", pointer="/data")


def _gunzip(body: bytes) -> bytes:
    unpacked = zlib.decompressobj(_GZIP)
    try:
        plain = unpacked.decompress(body, BODY_BYTES_MAX + 1)
    except zlib.error as error:
        raise refuse(400, "The request body is not gzip.", pointer="/data") from error
    if not unpacked.eof and len(plain) <= BODY_BYTES_MAX:
        raise refuse(400, "The gzip request body is cut off.", pointer="/data")
    return plain


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated in an object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
