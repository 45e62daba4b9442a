"""One value of a record becomes a value that Klaviyo takes: text, number, or custom property. Pure.

Whatever comes out is valid JSON in UTF-8; what has no such form is `UNUSABLE`, and null inside lists and objects.
"""

from __future__ import annotations

import math
import re
from datetime import date, time
from decimal import Decimal
from typing import Final
from uuid import UUID

UNUSABLE: Final = object()
DEPTH_MAX = 64  # lists and objects inside each other; a tap's JSON column can be deeper than a stack

_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}(?:\.[0-9]+)?")
_INTEGER_BITS_MAX = 14_000  # Python neither writes nor reads an integer of more than 4,300 digits
_EXPONENT_MAX = 307  # RFC 8259, section 6: beyond a double's range other programs do not read a number


class _TooDeepError(Exception):
    """Lists and objects inside each other beyond `DEPTH_MAX`."""


def readable(text: str) -> str:
    """The text with each lone surrogate, which UTF-8 cannot hold, as U+FFFD; halves of a pair are joined."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return _SURROGATE.sub("\ufffd", text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def text_of(value: object) -> object:
    """The value as the text that Klaviyo wants in a standard field.

    Numbers are written out: 90210.0 is "90210", 1e+20 is "100000000000000000000".
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        number = clean(value)
        return _written_out(number) if isinstance(number, (int, float, Decimal)) else UNUSABLE
    return UNUSABLE if isinstance(value, (dict, list, tuple)) else clean(value)


def coordinate_of(value: object, bound: int) -> object:
    """A latitude or longitude, as the number or the text that it was, when it lies within `bound` degrees."""
    if isinstance(value, str):
        value = value.strip()
        usable = not value or (_NUMBER.fullmatch(value) is not None and abs(float(value)) <= bound)
    else:
        value = UNUSABLE if isinstance(value, bool) else clean(value)
        usable = isinstance(value, (int, float, Decimal)) and abs(value) <= bound
    return value if usable else UNUSABLE


def custom_of(value: object) -> object:
    """The value as a custom property; `UNUSABLE` also when it is nested too deeply."""
    try:
        return clean(value)
    except _TooDeepError:
        return UNUSABLE


def clean(value: object, depth: int = 0) -> object:  # noqa: C901, PLR0911  # a table of types is clearest as one list
    """The value as JSON can hold it, exactly the built-in types; raises beyond `DEPTH_MAX`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return readable(str.__str__(value))
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _INTEGER_BITS_MAX else UNUSABLE
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else UNUSABLE
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value.adjusted()) <= _EXPONENT_MAX else UNUSABLE
    if isinstance(value, dict):
        deeper = _deeper(depth)
        return {name_of(key): _inside(item, deeper) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        deeper = _deeper(depth)
        return [_inside(item, deeper) for item in value]
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else UNUSABLE


def name_of(key: object) -> str:
    """A key as JSON wants it."""
    return readable(str.__str__(key) if isinstance(key, str) else str(key))


def _inside(item: object, depth: int) -> object:
    cleaned = clean(item, depth)
    return None if cleaned is UNUSABLE else cleaned  # null keeps the places of a list


def _deeper(depth: int) -> int:
    if depth >= DEPTH_MAX:
        raise _TooDeepError
    return depth + 1


def _written_out(number: int | float | Decimal) -> str:  # noqa: PYI041  # the three are not one another here
    if number == int(number):
        return str(int(number))
    return format(number if isinstance(number, Decimal) else Decimal(repr(number)), "f")
