"""Blocks of bytes to JSON lines: each line decoded once, many at a time, whatever is odd about one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A line holds one record, schema or state, and a profile may have 100 KB; longer lines are no segment's.
MAX_LINE_BYTES = 16 * 1024 * 1024

_ODD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class LineDecoder:
    """Feed it blocks as they come; `source` names them in errors."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._decoder = msgspec.json.Decoder()
        self._tail = b""
        self.line = 0  # of the value that was handed out last, from 1

    def feed(self, block: bytes) -> Iterator[Any]:
        """The values of the lines that this block completes.

        Raises:
            InputError: A line is not JSON, or too long; all lines before it were handed out.
        """
        end = block.rfind(b"\n") + 1
        complete = self._tail + block[:end] if end else b""
        self._tail = block[end:] if end else self._tail + block
        if complete:
            yield from self._values(complete)
        if len(self._tail) > MAX_LINE_BYTES:
            raise InputError(
                f"{self._where(1)} is longer than {MAX_LINE_BYTES:,} bytes; a profile has at most 100 KB. "
                "Leave large columns out of the tap's selection"
            )

    def end(self) -> Iterator[Any]:
        """The value of a last line without a line feed.

        Raises:
            InputError: It was cut off.
        """
        if not self._tail.strip():
            return
        try:
            value = self._odd(self._tail)
        except InputError:
            raise InputError(
                f"{self._source} breaks off in the middle of line {self.line + 1}: its writer ended early. "
                "Look at the log of the tap"
            ) from None
        self.line += 1
        yield value

    def _values(self, lines: bytes) -> Iterator[Any]:
        try:
            values: Sequence[Any] = self._decoder.decode_lines(lines)
        except _ODD:
            yield from self._one_by_one(lines)
            return
        blank = lines.count(b"\n") - len(values)
        for value in values:
            self.line += 1
            yield value
        self.line += blank

    def _one_by_one(self, lines: bytes) -> Iterator[Any]:
        for line in lines.split(b"\n")[:-1]:
            if line.strip():
                value = self._odd(line)
                self.line += 1
                yield value
            else:
                self.line += 1

    def _odd(self, line: bytes) -> Any:  # noqa: ANN401  # JSON is anything
        """What the fast decoder refuses (NaN, 1e400, a lone surrogate) gets a second reading."""
        try:
            return self._decoder.decode(line)
        except _ODD:
            pass
        try:
            return json.loads(line)
        except RecursionError:
            raise InputError(f"{self._where(1)} is nested too deeply") from None
        except ValueError:
            raise InputError(
                f"{self._where(1)} is not JSON. A tap prints one Singer message a line on stdout and everything else "
                "on stderr; run the tap alone to see what it prints"
            ) from None

    def _where(self, ahead: int) -> str:
        return f"line {self.line + ahead} of {self._source}"
