"""What a null in a record takes away from Klaviyo, with `null_fields: clear`. Pure.

Custom properties are unset by the import itself; standard fields it cannot clear, so they are told as bits of a number:
https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from target_klaviyo_segments.segment.fields import CUSTOM, LOCATION, STANDARD_FIELDS
from target_klaviyo_segments.segment.patching import PATCH
from target_klaviyo_segments.segment.values import is_nothing, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from target_klaviyo_segments.segment.batch import Record
    from target_klaviyo_segments.segment.plan import Plan

# The ledger keeps these numbers: a new field goes to the end of the table, and none is ever taken out of it.
BITS: Mapping[str, int] = {field: 1 << place for place, field in enumerate(STANDARD_FIELDS)}

_LEARNED_MAX = 10_000  # a record whose keys are data must not fill the memory


class Marks(NamedTuple):
    """Standard fields of one row as bits: those that it gives a value, and those that it says have none."""

    gives: int
    nulls: int


class _Sent(msgspec.Struct):
    """A profile of ours, of which only the names of the attributes are looked at."""

    attributes: dict[str, msgspec.Raw]


_decode_sent = msgspec.json.Decoder(_Sent).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_record = msgspec.json.Decoder(dict[str, Any]).decode


def fields_of(bits: int) -> list[str]:
    """The standard fields of a number."""
    return [field for field, bit in BITS.items() if bits & bit]


def given_fields(payload: bytes) -> int:
    """Standard fields that a profile of ours gives a value, as bits."""
    attributes = _decode_sent(payload).attributes
    inside = _decode_object(attributes["location"]) if "location" in attributes else ()
    names = [*attributes, *(LOCATION + name for name in inside)]
    return sum(BITS[name] for name in names if name in BITS)


class Nulls:
    """Reads the nulls of one stream's records. A property that is not in a record says nothing."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._targets: dict[str, tuple[str, ...]] = {}
        self._deep = [(source, source.split(".")) for source in plan.sources if "." in source]

    def unset(self, records: Iterable[dict[str, Any]], profiles: Iterable[dict[str, Any]]) -> None:
        """Let each profile unset the custom properties that its record has null and nothing else gives a value."""
        for record, attributes in zip(records, profiles, strict=True):
            custom = attributes.get("properties", ())
            nulls = (field.removeprefix(CUSTOM) for field in self._of(record) if field.startswith(CUSTOM))
            gone = sorted({name for name in nulls if name not in custom})  # in whatever order the tap has its columns
            if gone:
                attributes.setdefault(PATCH, {})["unset"] = gone

    def marks(self, records: Sequence[Record], payloads: Sequence[bytes]) -> list[Marks]:
        """Standard fields of rows, by their records' lines and the profiles that they became."""
        return [self._marks(_read(record), payload) for record, payload in zip(records, payloads, strict=True)]

    def _marks(self, record: dict[str, Any], payload: bytes) -> Marks:
        given = given_fields(payload)
        return Marks(given, sum({BITS[field] for field in self._of(record) if field in BITS}) & ~given)

    def _of(self, record: dict[str, Any]) -> Iterator[str]:
        """Fields and custom properties of which a record says that they have no value, or empty text."""
        for name, value in record.items():
            if is_nothing(value):
                yield from self._of_name(name)
            elif type(value) is dict and self._plan.spreads(name):
                yield from self._plan.inside(name, [name_of(key) for key, item in value.items() if is_nothing(item)])
        for source, path in self._deep:
            if _leads_to_nothing(record, source, path):
                yield from self._of_name(source)

    def _of_name(self, name: str) -> tuple[str, ...]:
        found = self._targets.get(name)
        if found is None:
            found = tuple(self._plan.targets(name_of(name)))
            if len(self._targets) < _LEARNED_MAX:
                self._targets[name] = found
        return found


def _read(record: Record) -> dict[str, Any]:
    """A record; one that no compiled decoder takes says nothing of nulls."""
    for read in (_decode_record, _read_apart):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return read(record)
    return {}


def _read_apart(record: Record) -> dict[str, Any]:
    """Each value by itself; one that cannot be read (an integer of 5,000 digits, say) is no null."""
    return {name: _value(value) for name, value in _decode_object(record).items()}


def _value(value: msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def _leads_to_nothing(record: dict[str, Any], source: str, path: Sequence[str]) -> bool:
    """Whether a null is on a dotted path, or at its end; the property of that very name comes first."""
    value: object = record
    for part in () if source in record else path:
        if value is None:
            return True
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return is_nothing(value)
