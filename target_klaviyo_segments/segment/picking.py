"""Reads a few properties of records that are still lines of JSON, without decoding the rest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from target_klaviyo_segments.segment.batch import Record


def picker(names: Sequence[str]) -> Callable[[Record], tuple[Any, ...] | None]:
    """What reads these properties, None for a missing one; None for all when no compiled decoder takes a record."""
    fields = [(f"value_{place}", Any, msgspec.field(name=name, default=None)) for place, name in enumerate(names)]
    values_of: Callable[[Any], tuple[Any, ...]] = msgspec.structs.astuple
    try:
        decode: Callable[[Record], Any] = msgspec.json.Decoder(msgspec.defstruct("Picked", fields)).decode
    except ValueError:  # a quotation mark in a name, say: the whole record is read
        decode, values_of = msgspec.json.Decoder(dict[str, Any]).decode, lambda found: tuple(map(found.get, names))

    def pick(record: Record) -> tuple[Any, ...] | None:
        try:
            return values_of(decode(record))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    return pick
