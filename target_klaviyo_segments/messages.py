"""Many lines to Singer messages at once: records by stream, each decoded, and kept as the tap wrote it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection


class Records(NamedTuple):
    """Records of one stream, in their order: decoded, and as lines of JSON. `versions` that they have, each once."""

    stream: str
    records: list[dict[str, Any]]
    lines: list[msgspec.Raw]
    versions: Collection[object] = (None,)


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
    value: Any


class _Batch(_Message, tag="BATCH"):
    stream: str
    encoding: Any = None
    manifest: Any = None
    version: int | float | str | None = None


class _ActivateVersion(_Message, tag="ACTIVATE_VERSION"):
    stream: str
    version: Any = None


_messages = msgspec.json.Decoder(_Record | _Schema | _State | _Batch | _ActivateVersion).decode_lines
_raw = msgspec.json.Decoder(msgspec.Raw).decode_lines
_values = msgspec.json.Decoder().decode_lines


def decode_messages(lines: bytes) -> list[Records | dict[str, Any]]:
    """Messages; records between two others are brought together by stream.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: A line is no plain message; none was decoded.
    """
    found: list[Records | dict[str, Any]] = []
    for are_records, run in groupby(_messages(lines), _is_record):
        if are_records:
            found += _by_stream(list(run))
        else:
            found += ({"type": each.__struct_config__.tag} | msgspec.structs.asdict(each) for each in run)
    return found


def decode_records(lines: bytes) -> list[Records]:
    """Lines that are records themselves, as a batch file has them.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: A line is no plain record; none was decoded.
    """
    raw = _raw(lines)
    return [Records("", _decoded(raw), raw)]


def _is_record(message: _Message) -> bool:
    return type(message) is _Record


def _by_stream(run: list[_Record]) -> list[Records]:
    raw = [each.record for each in run]
    records = _decoded(raw)
    if len({each.stream for each in run}) == 1:
        return [Records(run[0].stream, records, raw, dict.fromkeys([each.version for each in run]))]
    groups: dict[str, Records] = {}
    for each, record in zip(run, records, strict=True):
        group = groups.get(each.stream) or groups.setdefault(each.stream, Records(each.stream, [], [], {}))
        group.records.append(record)
        group.lines.append(each.record)
        cast("dict[object, None]", group.versions)[each.version] = None
    return list(groups.values())


def _decoded(raw: list[msgspec.Raw]) -> list[dict[str, Any]]:
    records = _values(b"\n".join(raw))
    if not set(map(type, records)) <= {dict}:
        raise msgspec.DecodeError("a record is no object")
    return records
