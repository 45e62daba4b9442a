"""Typed records become profiles: what `mapping` does, for a stream whose records have a compiled type. Pure.

Values are read and led to their fields a column at a time; what stays in a record is its custom properties.
"""

from __future__ import annotations

from collections import deque
from itertools import compress, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.segment.fields import PROFILE_BYTES_MAX
from target_klaviyo_segments.segment.identity import normalise_emails
from target_klaviyo_segments.segment.mapping import Profiles
from target_klaviyo_segments.segment.placing import TopLevel
from target_klaviyo_segments.segment.plan import NOWHERE, OWN_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_klaviyo_segments.segment.plan import Plan
    from target_klaviyo_segments.segment.record_type import RecordType

_PROPERTIES = "properties"
_NO_PROPERTIES = b',"properties":{}'  # cannot be inside a text, whose quotes are escaped
_encode_lines = msgspec.json.Encoder().encode_lines

Column = list[Any]


class TypedMapper:
    """Maps the records of one type."""

    __slots__ = ("_attributes", "_before", "_columns", "_email", "_profile", "_taken", "type")

    def __init__(
        self, record_type: RecordType, email_field: str, fields: Mapping[str, TopLevel], taken: set[str]
    ) -> None:
        """Take the standard fields by property, and all the properties that are not to be custom ones."""
        names = record_type.attributes
        self.type = record_type
        self._email = attrgetter(names[email_field])
        by_field = sorted(fields.items(), key=lambda item: item[1].field)
        self._columns = [
            (attrgetter(names[name]), _way(field, is_text=name in record_type.texts)) for name, field in by_field
        ]
        self._taken = [names[name] for name in taken]
        # All by name, as an encoder sorts the keys of a dictionary.
        self._before = sum(field.field < _PROPERTIES for _, field in by_field)
        order = sorted([_PROPERTIES, *(field.field for _, field in by_field)])
        self._attributes = msgspec.defstruct(
            "Attributes", [("email", str), *((name, Any, None) for name in order)], omit_defaults=True, gc=False
        )
        self._profile = msgspec.defstruct("Profile", [("attributes", Any), ("type", str, "profile")], gc=False)

    @classmethod
    def compile(cls, record_type: RecordType | None, plan: Plan | None, email_field: str) -> TypedMapper | None:
        """What maps records of a type as a plan says; None when that is not led by columns alone."""
        if (
            record_type is None
            or plan is None
            or plan.deep
            or plan.patches
            or email_field not in record_type.attributes
        ):
            return None
        ways = {name: plan.ways[name] for name in record_type.attributes}
        fields = {name: way for name, way in ways.items() if isinstance(way, TopLevel)}
        others = {name: way for name, way in ways.items() if name not in fields}
        if not all(way is OWN_NAME or way is NOWHERE for way in others.values()):
            return None
        return cls(record_type, email_field, fields, {name for name, way in ways.items() if way is not OWN_NAME})

    def map_many(self, records: list[Any]) -> Profiles | None:
        """The profiles of records, which are changed; None when one has more bytes than Klaviyo takes.

        `left` are the places of those without a good address.
        """
        answers = normalise_emails(list(map(self._email, records)))
        emails = [email for email in answers if isinstance(email, str)]
        left: list[int] = []
        if len(emails) < len(answers):
            fit = [isinstance(email, str) for email in answers]
            left = [place for place, fits in enumerate(fit) if not fits]
            records = list(compress(records, fit))
        dropped: list[str] = []
        columns = [way(list(map(read, records)), dropped) for read, way in self._columns]
        for name in self._taken:
            deque(map(setattr, records, repeat(name), repeat(None)), maxlen=0)
        columns.insert(self._before, records)
        lines = _encode_lines(list(map(self._profile, map(self._attributes, emails, *columns))))
        payloads = lines.replace(_NO_PROPERTIES, b"").split(b"\n")
        payloads.pop()
        if max(map(len, payloads), default=0) > PROFILE_BYTES_MAX:
            return None
        return Profiles(emails, payloads, dropped, left)


def _way(field: TopLevel, *, is_text: bool) -> Callable[[Column, list[str]], Column]:
    """What makes a standard field's values of a column."""
    return _texts if is_text and field.ready is bool else field.column


def _texts(column: Column, _dropped: list[str]) -> Column:
    """Text is what it is; none at all is skipped."""
    return [text or None for text in column] if "" in column else column
