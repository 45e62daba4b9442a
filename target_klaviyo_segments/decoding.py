"""Blocks of bytes to JSON lines: each line decoded once, many at a time, whatever is odd about one."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# A line holds one record, schema or state, and a profile may have 100 KB; longer lines are no segment's.
MAX_LINE_BYTES = 16 * 1024 * 1024

# Of more, Python makes no integer: https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
_DIGITS_MAX = 4300

OF_A_TAP = (
    "A tap prints one Singer message a line on stdout and everything else on stderr; run the tap alone to see what it "
    "prints"
)
_ODD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class LineDecoder:
    """Feed it blocks as they come; `source` names them in errors, `hint` says what belongs there.

    `decode` takes many lines at once, and how many line feeds they have; it raises when one is odd, and then each is
    decoded to its value, one by one, by `decode_one`. Without it each always is.
    """

    def __init__(
        self,
        source: str,
        decode: Callable[[bytes, int], Iterable[Any]] | None = None,
        decode_one: Callable[[bytes], Any] = msgspec.json.decode,
        *,
        hint: str = OF_A_TAP,
    ) -> None:
        self._source = source
        self._hint = hint
        self._decode = decode
        self._decode_one = decode_one
        self._tail = bytearray()  # grows in place: a line of many blocks is not copied with each of them
        self._lines = b""  # complete lines that were fed last
        self._feeds = 0  # lines that those are
        self._before = 0  # lines before those

    def feed(self, block: bytes) -> Iterable[Any]:
        """The values of the lines that this block completes.

        Raises:
            InputError: A line is not JSON, or too long; all lines before it were handed out.
        """
        self._before += self._feeds
        end = block.rfind(b"\n") + 1
        self._lines = b"".join((self._tail, block[:end])) if end else b""
        if end:
            self._tail.clear()
        self._tail += block[end:]
        if len(self._lines) > MAX_LINE_BYTES:
            self._lines, self._tail = _until_too_long(self._lines, self._tail)
        self._feeds = self._lines.count(b"\n")
        if len(self._tail) > MAX_LINE_BYTES:
            return self._then_too_long(self._values())
        return self._values()

    def end(self) -> Iterable[Any]:
        """The value of a last line without a line feed.

        Raises:
            InputError: It was cut off.
        """
        if not self._tail.strip():
            return ()
        self._before += self._feeds
        self._lines = bytes(self._tail)
        try:
            return (self._odd(self._lines, 1),)
        except InputError:
            raise InputError(
                f"{self._source} breaks off in the middle of line {self._before + 1}: its writer ended early. "
                "Look at the log of the tap"
            ) from None

    def line_of(self, index: int) -> int:
        """The line, from 1, of a value that was handed out last, by its place among those of its block."""
        filled = [number for number, line in enumerate(self._lines.split(b"\n"), start=1) if line.strip()]
        return self._before + filled[index]

    def _values(self) -> Iterable[Any]:
        if self._decode is not None:
            with suppress(*_ODD):
                return self._decode(self._lines, self._feeds)
        return self._one_by_one()

    def _one_by_one(self) -> Iterator[Any]:
        for ahead, line in enumerate(self._lines.split(b"\n"), start=1):
            if line.strip():
                yield self._odd(line, ahead)

    def _then_too_long(self, values: Iterable[Any]) -> Iterator[Any]:
        yield from values
        line = self._before + self._feeds + 1
        raise InputError(
            f"line {line} of {self._source} is longer than {MAX_LINE_BYTES:,} bytes; a profile has at most 100 KB. "
            "Leave large columns out of the tap's selection"
        )

    def _odd(self, line: bytes, ahead: int) -> Any:  # noqa: ANN401  # JSON is anything
        """What the fast decoder refuses (NaN, 1e400, a lone surrogate, endless digits) gets a second reading."""
        try:
            return self._decode_one(line)
        except _ODD:
            pass
        where = f"line {self._before + ahead} of {self._source}"
        try:
            return json.loads(line, parse_int=_integer)
        except RecursionError:
            raise InputError(f"{where} is nested too deeply: look at what the tap sends") from None
        except ValueError:
            raise InputError(f"{where} {_why_no_json(line, self._hint)}") from None


def _until_too_long(lines: bytes, tail: bytearray) -> tuple[bytes, bytearray]:
    """The lines before the first that is too long, and that one; lines and tail as they are when none is."""
    begin = 0
    for line in lines.split(b"\n"):
        if len(line) > MAX_LINE_BYTES:
            return lines[:begin], bytearray(line)
        begin += len(line) + 1
    return lines, tail


def _why_no_json(line: bytes, hint: str) -> str:
    try:
        line.decode()
    except UnicodeDecodeError:
        return "is not UTF-8 text, as Singer messages are. Look at the encoding that the tap reads its source in"
    return f"is not JSON. {hint}"


def _integer(digits: str) -> int | Decimal:
    """An integer, or the Decimal of it when it is one that nobody takes: a value to leave out, and no bad line."""
    return int(digits) if len(digits) <= _DIGITS_MAX else Decimal(digits)
