"""Requests of a browser to their answers: the page, and the JSON that it asks for each second.

The paths are none of Klaviyo's. What is asked here is no request to Klaviyo: it is not counted, not limited, not
listed, and needs no key. So whoever asks must be a page from here; others may neither read nor frame it.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from target_klaviyo_segments.sandbox.exchange import Response
from target_klaviyo_segments.sandbox.page import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.app import Sandbox
    from target_klaviyo_segments.sandbox.exchange import Request
    from target_klaviyo_segments.sandbox.traffic import Traffic

_ROOT = "/"
_BELOW = "/sandbox/"
# Everything is forbidden but the script and the style that are in the page, by their hashes, and asking the sandbox.
# Even a mistake in the script cannot make text into markup: browsers that know trusted types refuse it.
_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PLACE_DIGITS = 9


def is_for_people(path: str) -> bool:
    """Whether the path is one of the page's."""
    return path == _ROOT or path.startswith(_BELOW)


def answer(request: Request, sandbox: Sandbox) -> Response:
    """The answer to a request whose path is one of the page's."""
    if request.method not in {"GET", "HEAD"}:
        return Response(405, {"allow": "GET, HEAD"})
    if request.path == _ROOT:
        text, policy = _page()
        return Response(
            200, {"content-type": "text/html; charset=utf-8", "content-security-policy": policy, **_HEADERS}, text
        )
    view = _view(request.path.removeprefix(_BELOW), _first_of_each(request.query))
    found = sandbox.look(view) if view else None
    return _json(404, {"detail": "Not found."}) if found is None else _json(200, found)


def _view(name: str, asked: Mapping[str, str]) -> Callable[[Account, Traffic, float], Any] | None:
    if name == "overview":
        return shown.overview
    if name == "members":
        return lambda account, _traffic, _now: shown.members(account, asked.get("list", ""), _place(asked))
    if name == "person":
        return lambda account, _traffic, _now: shown.person(account, asked.get("is", ""))
    return None


def _place(asked: Mapping[str, str]) -> int | None:
    """A position in a list; what is none asks for the newest."""
    text = asked.get("below", "")
    return int(text) if text.isdecimal() and len(text) <= _PLACE_DIGITS else None


def _first_of_each(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, errors="replace").items()}


def _json(status: int, document: shown.Shown) -> Response:
    return Response(status, {"content-type": "application/json", **_HEADERS}, msgspec.json.encode(document))


@cache
def _page() -> tuple[bytes, str]:
    """The page as one file, and the policy for it."""
    here = Path(__file__).parent
    text, style, script = ((here / name).read_text(encoding="utf-8") for name in ("page.html", "page.css", "page.js"))
    made = text.replace("/* page.css */", style).replace("/* page.js */", script)
    return made.encode(), _POLICY.format(script=_hash(script), style=_hash(style))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
