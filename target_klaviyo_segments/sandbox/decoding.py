"""Bodies decoded by their types, and the decoder's complaints as Klaviyo's pointers."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from target_klaviyo_segments.sandbox.envelope import Fault, Refusal
from target_klaviyo_segments.sandbox.gate import bad_json

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$?\.?(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The body as a value of the decoder's type.

    Raises:
        Refusal: It is not JSON, or not of that type.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refusal(400, [fault_of(error)]) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_json(error) from error


def fault_of(error: msgspec.ValidationError, start: str = "") -> Fault:
    """The decoder's words as a pointer: ``Expected `str`, got `int` - at `$.attributes.location.zip` ``."""
    words = str(error)
    found = _PLACE.search(words)
    path = re.sub(r"\[(\d+)\]", r".\1", found[1].replace("[...]", "")) if found else ""
    words = _PLACE.sub("", words)
    unknown, missing = _UNKNOWN.fullmatch(words), _MISSING.fullmatch(words)
    named = unknown or missing
    parts = [part for part in [*path.split("."), named[1] if named else ""] if part]
    detail = words
    if unknown:
        detail = f"'{unknown[1]}' is not a valid field for this resource."
    elif missing:
        detail = f"'{missing[1]}' is a required field."
    return Fault(detail, {"pointer": "/".join([start, *parts]) if parts else start or "/data"})
