"""Bytes of stdin to Singer messages, with ticks in between so that a silent tap holds nothing up."""

from __future__ import annotations

import os
import select
import sys
from collections import Counter
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

from singer_sdk.singerlib.encoding import GenericSingerReader

from target_klaviyo_segments.decoding import LineDecoder
from target_klaviyo_segments.errors import InputError
from target_klaviyo_segments.malformed import quoted
from target_klaviyo_segments.messages import MessageDecoder, Records, decode_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from target_klaviyo_segments.segment.record_type import RecordType

_BLOCK_BYTES = 256 * 1024
_IDLE_SECONDS = 0.5

Callbacks = dict[str, Callable[[dict[str, Any]], None]]


class MessageReader(GenericSingerReader[bytes]):
    """Calls back for each message, and once for many records; `on_tick` between blocks and while the tap is silent."""

    def __init__(self) -> None:
        super().__init__()
        self.on_tick: Callable[[], None] = _nothing
        self.on_records: Callable[[Records], None] = _nobody
        self.stopped = False
        self.is_empty = False
        self._decode = MessageDecoder()

    def keep_order(self) -> None:
        """Let records of several streams come in their order, also where that is slow."""
        self._decode.in_order = True

    def expect(self, stream: str, record_type: RecordType | None) -> None:
        """Decode records of a stream to this type, or to dictionaries."""
        self._decode.expect(stream, record_type)

    @property
    def default_input(self) -> IO[bytes]:
        """Standard input, as bytes."""
        return sys.stdin.buffer

    def stop(self) -> None:
        """Read no further than the block at hand; for a signal handler."""
        self.stopped = True

    def process_lines(self, file_input: IO[bytes] | None, callbacks: Callbacks) -> Counter[str]:
        """Read to the end, or to `stop`.

        Raises:
            InputError: A line is no Singer message, too long, or cut off. All lines before it were handled.
        """
        counts: Counter[str] = Counter()
        lines = LineDecoder("the input", self._decode, decode_line)
        for block in self._blocks(file_input or self.default_input):
            self._handle(lines.feed(block), lines, callbacks, counts)
            self.on_tick()
        if not self.stopped:
            self._handle(lines.end(), lines, callbacks, counts)
        self.is_empty = not counts
        return counts

    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        """One message; the SDK asks for this method, `process_lines` decodes whole blocks."""
        (message,) = LineDecoder("the input").feed(line.rstrip(b"\n") + b"\n")
        return cast("dict[str, Any]", message)

    def _handle(self, messages: Iterable[Any], lines: LineDecoder, callbacks: Callbacks, counts: Counter[str]) -> None:
        for index, message in enumerate(messages):
            if type(message) is Records:
                self.on_records(message)
                counts["RECORD"] += len(message.records)
                continue
            try:
                kind = message["type"]
                callback = callbacks[kind]
            except (KeyError, TypeError):
                raise InputError(_no_message(message, lines.line_of(index))) from None
            callback(message)
            counts[kind] += 1

    def _blocks(self, source: IO[bytes]) -> Iterator[bytes]:
        raw: Any = getattr(source, "buffer", source)
        try:
            descriptor = raw.fileno()
        except (OSError, AttributeError):
            yield from _from_object(raw)
            return
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        while not self.stopped:
            if not poll.poll(_IDLE_SECONDS * 1000):
                self.on_tick()
                continue
            block = os.read(descriptor, _BLOCK_BYTES)
            if not block:
                return
            yield block


def _from_object(source: Any) -> Iterator[bytes]:  # noqa: ANN401  # text or bytes, as a test or an embedding has it
    while block := source.read(_BLOCK_BYTES):
        yield block.encode("utf-8", "surrogatepass") if isinstance(block, str) else block


def _no_message(message: object, line: int) -> str:
    if isinstance(message, dict) and isinstance(message.get("type"), str):
        return f"line {line} of the input has the unknown message type {quoted(message['type'])}"
    return f"line {line} of the input is JSON but no Singer message: it has no `type`. Is it a tap that is piped?"


def _nobody(records: Records) -> None:
    raise RuntimeError(f"nobody takes the records of {records.stream}")


def _nothing() -> None:
    """Nobody asked for ticks."""
