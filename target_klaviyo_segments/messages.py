"""Many lines to Singer messages at once: records by stream, each decoded, and kept as the tap wrote it."""

from __future__ import annotations

import json
import re
from itertools import groupby
from operator import attrgetter, ne
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from target_klaviyo_segments.segment.batch import few_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from target_klaviyo_segments.segment.batch import Record
    from target_klaviyo_segments.segment.record_type import RecordType


class Records(NamedTuple):
    """Records of one stream, in their order: decoded, and as lines of JSON. `versions` that they have, each once.

    Those of a `type` are attributes of objects, the others dictionaries.
    """

    stream: str
    records: list[Any]
    lines: Sequence[Record]
    versions: Collection[object] = (None,)
    type: RecordType | None = None

    def untyped(self) -> Records:
        """The same as dictionaries."""
        return self._replace(records=_decoded(self.lines), type=None) if self.type is not None else self


class State(NamedTuple):
    """The value of a STATE message, and as the tap wrote it, with every digit: one line of ASCII."""

    value: Any
    line: str


class _Message(msgspec.Struct, tag_field="type", gc=False):
    """A message of a known type, with what the specification has of it."""


class _Record(_Message, tag="RECORD"):
    stream: str
    record: msgspec.Raw
    version: int | float | str | None = None


class _Schema(_Message, tag="SCHEMA"):
    stream: str
    schema: Any
    key_properties: Any = None
    bookmark_properties: Any = None


class _State(_Message, tag="STATE"):
    value: msgspec.Raw


class _Batch(_Message, tag="BATCH"):
    stream: str
    encoding: Any = None
    manifest: Any = None
    version: int | float | str | None = None


class _ActivateVersion(_Message, tag="ACTIVATE_VERSION"):
    stream: str
    version: Any = None


_messages = msgspec.json.Decoder(_Record | _Schema | _State | _Batch | _ActivateVersion).decode_lines
_state_alone = msgspec.json.Decoder(_State).decode
_raw = msgspec.json.Decoder(msgspec.Raw).decode_lines
_values = msgspec.json.Decoder().decode_lines
decode = msgspec.json.decode  # one line
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


# With fewer records of a stream in a row, on the average of a block, each few would cost as much as many.
_FEW_IN_A_ROW = 32


class MessageDecoder:
    """Decodes lines to messages; records of a stream that has a type here become records of that type."""

    def __init__(self) -> None:
        self._types: dict[str, RecordType | None] = {}
        self.in_order = False  # whether records of several streams may not change places, whatever it costs

    def expect(self, stream: str, record_type: RecordType | None) -> None:
        """From the next call on records of a stream become this type, or dictionaries."""
        self._types[stream] = record_type

    def __call__(self, lines: bytes, feeds: int) -> list[Records | dict[str, Any]]:
        """Messages of lines with so many line feeds.

        Neighbouring records of a stream are brought together, and all of it where streams change often.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError, RecursionError: A line is no plain message; none was decoded.
        """
        messages = _each_on_a_line(_messages(lines), lines, feeds)
        if set(map(type, messages)) == {_Record}:
            return self._by_stream(cast("list[_Record]", messages))
        found: list[Records | dict[str, Any]] = []
        for are_records, run in groupby(messages, _is_record):
            if are_records:
                found += self._by_stream(cast("list[_Record]", list(run)))
            else:
                found += map(_as_dict, run)
        return found

    def _by_stream(self, run: list[_Record]) -> list[Records | dict[str, Any]]:
        names = [each.stream for each in run]
        if len(set(names)) == 1:
            return [self._of_one(names[0], run)]
        if self.in_order or sum(map(ne, names, names[1:])) * _FEW_IN_A_ROW < len(run):
            return [self._of_one(stream, list(group), len(run)) for stream, group in groupby(run, _stream_of)]
        groups: dict[str, list[_Record]] = {}
        for each in run:
            groups.setdefault(each.stream, []).append(each)
        return [self._of_one(stream, group, len(run)) for stream, group in groups.items()]

    def _of_one(self, stream: str, run: list[_Record], among: int = 0) -> Records:
        """`among` so many records of a block."""
        versions = dict.fromkeys([each.version for each in run])
        lines = few_apart([each.record for each in run], among)
        return _records(stream, lines, versions, self._types.get(stream))


def record_decoder(record_type: RecordType | None) -> Callable[[bytes, int], list[Records]]:
    """What decodes lines that are records themselves, as a batch file has them.

    It raises `msgspec.DecodeError`, `UnicodeDecodeError` or `RecursionError` when a line is no plain record.
    """
    return lambda lines, feeds: [_records("", _each_on_a_line(_raw(lines), lines, feeds), (None,), record_type)]


def _each_on_a_line(values: list[Any], lines: bytes, feeds: int) -> list[Any]:
    """Values none of which has several lines: the decoder takes such a one, and keeps its line feeds."""
    if len(values) < feeds and len(values) < sum(map(bool, map(bytes.strip, lines.split(b"\n")))):
        raise msgspec.DecodeError("a value has several lines")
    return values


_stream_of = attrgetter("stream")


def decode_line(line: bytes) -> Any:  # noqa: ANN401  # JSON is anything
    """The value of one line, where many at once cannot be decoded: a record is a dictionary.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: It is no plain JSON.
    """
    message = decode(line)
    if type(message) is dict and message.get("type") == "STATE" and "value" in message:
        message["value"] = _as_written(_state_alone(line).value)
    return message


def _as_dict(message: _Message) -> dict[str, Any]:
    found = {"type": message.__struct_config__.tag} | msgspec.structs.asdict(message)
    return found | {"value": _as_written(message.value)} if type(message) is _State else found


def _as_written(value: msgspec.Raw) -> State:
    text = _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], str(value, "utf-8"))
    return State(decode(value), " ".join(text.splitlines()))


def _is_record(message: _Message) -> bool:
    return type(message) is _Record


def _records(
    stream: str, lines: Sequence[Record], versions: Collection[object], record_type: RecordType | None
) -> Records:
    typed = record_type.decode(b"\n".join(lines)) if record_type is not None else None
    if typed is None:
        return Records(stream, _decoded(lines), lines, versions)
    return Records(stream, typed, lines, versions, record_type)


def _decoded(lines: Sequence[Record]) -> list[dict[str, Any]]:
    records = _values(b"\n".join(lines))
    if not set(map(type, records)) <= {dict}:
        raise msgspec.DecodeError("a record is no object")
    return records
