"""People off a list by Klaviyo's ids: the request, what refuses it, and how to get the others off all the same. Pure.

    remove_profiles(list_id: str, ids: Sequence[str]) -> Call               # at most 1,000 ids
    read_refusal(status: int, body: bytes, ids: Sequence[str]) -> IdsRefused | None
    take_all(ids: Sequence[str], send: Callable[[Sequence[str]], None]) -> frozenset[str]

Nothing here unsubscribes, suppresses or deletes anybody.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.klaviyo.protocol import TIER_M, Call, Endpoint, path_segment
from target_klaviyo_segments.klaviyo.words import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# https://developers.klaviyo.com/en/reference/remove_profiles_from_list
REMOVE_IDS_MAX = 1_000
# So many ids refused one by one, and none ever taken: it is not about the ids.
REFUSED_ALONE_MAX = 10

REMOVE_PROFILES = Endpoint("Remove Profiles from List", TIER_M, ("lists:write", "profiles:write"), silent=204)

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_POSITION = re.compile(r"/data/([0-9]{1,4})(?:/|$)")


class IdsRefused(KlaviyoError):
    """A removal was refused because of ids in it, and nobody was removed. `named`: those that Klaviyo names."""

    def __init__(self, message: str, named: frozenset[str]) -> None:
        super().__init__(message)
        self.named = named


def remove_profiles(list_id: str, ids: Sequence[str]) -> Call:
    """People off a list; they stay in the account, with their consent as it is.

    https://developers.klaviyo.com/en/reference/remove_profiles_from_list
    """
    body = msgspec.json.encode({"data": [{"type": "profile", "id": each} for each in ids]})
    path = f"/api/lists/{path_segment(list_id)}/relationships/profiles"
    return Call(REMOVE_PROFILES, "DELETE", path, body)


def read_refusal(status: int, body: bytes, ids: Sequence[str]) -> IdsRefused | None:
    """What the refusal of a removal says about its ids; None when it is about something else.

    Klaviyo's words change, so no sentence is looked for, but the ids themselves:
    https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
    """
    if status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
        return None
    errors = _errors(body)
    named = frozenset(ids).intersection(word for error in errors for word in _words(error, ids))
    elsewhere = status == HTTPStatus.NOT_FOUND or any("parameter" in _source(error) for error in errors)
    if not named and (elsewhere or not errors):
        return None
    told = masked(str(errors[0].get("detail") or errors[0].get("title") or "no reason given"))
    return IdsRefused(f"Klaviyo answers {status:d} to {REMOVE_PROFILES.name}: {told}", named)


def take_all(ids: Sequence[str], send: Callable[[Sequence[str]], None]) -> frozenset[str]:
    """Send ids until all are taken but those that are refused; these.

    What Klaviyo names is left out; where it names none, halves are sent until each refused id is alone.

    Raises:
        IdsRefused: Whatever is sent is refused: it is not about the ids.
    """
    gone: set[str] = set()
    waiting, alone, taken = [ids], 0, False
    while waiting:
        part = waiting.pop()
        try:
            send(part)
            taken = True
        except IdsRefused as refusal:
            named = refusal.named or frozenset(part if len(part) == 1 else ())
            alone += not refusal.named and len(part) == 1
            if alone > REFUSED_ALONE_MAX and not taken:
                raise
            gone |= named
            waiting += _rest(part, named)
    return frozenset(gone)


def _rest(part: Sequence[str], named: frozenset[str]) -> list[Sequence[str]]:
    """What to send next after a refusal, last first."""
    half = len(part) // 2
    parts = [[each for each in part if each not in named]] if named else [part[half:], part[:half]]
    return [each for each in parts if each]


def _errors(body: bytes) -> list[dict[str, Any]]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    errors = document.get("errors") if isinstance(document, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _source(error: dict[str, Any]) -> dict[str, Any]:
    source = error.get("source")
    return source if isinstance(source, dict) else {}


def _words(error: dict[str, Any], ids: Sequence[str]) -> Iterator[str]:
    """The words of an error, and the id at the position that its pointer has."""
    yield from _TOKEN.findall(str([error.get("detail"), error.get("meta")]))
    place = _POSITION.match(str(_source(error).get("pointer")))
    if place and int(place[1]) < len(ids):
        yield ids[int(place[1])]
