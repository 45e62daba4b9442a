"""One value of a record becomes a value that Klaviyo takes: text, number, or custom property. Pure.

Whatever comes out is valid JSON in UTF-8. What has no such form is None, also inside lists and objects, where null
keeps the others in their places.
"""

from __future__ import annotations

import math
import re
from datetime import date, time
from decimal import Decimal
from typing import cast
from uuid import UUID

DEPTH_MAX = 64  # lists and objects inside each other; a tap's JSON column can be deeper than a stack

_SURROGATE = re.compile("[\ud800-\udfff]")
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]+)?")
_INTEGER_BITS_MAX = 14_000  # Python neither writes nor reads an integer of more than 4,300 digits
_EXPONENT_MAX = 307  # RFC 8259, section 6: beyond a double's range other programs do not read a number


class _TooDeepError(Exception):
    """Lists and objects inside each other beyond `DEPTH_MAX`."""


def text_of(value: object) -> str | None:
    """The value as the text that Klaviyo wants in a standard field.

    Numbers are written out: 90210.0 is "90210", 1e+20 is "100000000000000000000".
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return None
    plain = clean(value)
    return _written_out(plain) if isinstance(plain, (int, float, Decimal)) else cast("str | None", plain)


def coordinate_of(value: object, bound: int) -> float | Decimal | str | None:
    """A latitude or longitude, as the number or the text that it was, when it lies within `bound` degrees."""
    if isinstance(value, str):
        text = value.strip()
        usable = not text or (_DEGREES.fullmatch(text) and abs(float(text)) <= bound)
        return text if usable else None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = cast("float | Decimal | None", clean(value))
    return number if number is not None and -bound <= number <= bound else None


def custom_of(value: object) -> object:
    """The value as a custom property; None also when it is nested too deeply."""
    try:
        return clean(value)
    except _TooDeepError:
        return None


def clean(value: object, depth: int = 0) -> object:  # noqa: PLR0911  # a table of types is clearest as one list
    """The value as JSON can hold it, of exactly the built-in types; raises beyond `DEPTH_MAX`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return readable(str.__str__(value))
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _INTEGER_BITS_MAX else None
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value.adjusted()) <= _EXPONENT_MAX else None
    if isinstance(value, dict):
        deeper = _deeper(depth)
        return {name_of(key): clean(item, deeper) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        deeper = _deeper(depth)
        return [clean(item, deeper) for item in value]
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else None


def is_nothing(value: object) -> bool:
    """Whether a value says that there is none: null, or text that is empty."""
    return value is None or (isinstance(value, str) and not value.strip())


def name_of(key: object) -> str:
    """A key as JSON wants it."""
    return readable(str.__str__(key) if isinstance(key, str) else str(key))


def readable(text: str) -> str:
    """The text with each lone surrogate, which UTF-8 cannot hold, as U+FFFD; halves of a pair are joined."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _deeper(depth: int) -> int:
    if depth >= DEPTH_MAX:
        raise _TooDeepError
    return depth + 1


def _written_out(number: float | Decimal) -> str:
    if number == int(number):
        return str(int(number))
    return format(number if isinstance(number, Decimal) else Decimal(repr(number)), "f")
