"""Leads the values of records to their places among profiles' attributes, column by column. Pure.

Column by column because the interpreter's own loops are ten times as fast as a loop over each record's properties.
"""

from __future__ import annotations

from itertools import chain, repeat
from math import isfinite
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.segment import placing
from target_klaviyo_segments.segment.placing import TopLevel
from target_klaviyo_segments.segment.plan import NOWHERE, OWN_NAME, Way
from target_klaviyo_segments.segment.values import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from target_klaviyo_segments.segment.nulls import Nulls
    from target_klaviyo_segments.segment.placing import Put
    from target_klaviyo_segments.segment.plan import Plan

    Attributes = dict[str, Any]

_AS_IT_IS = frozenset({str, int, bool})
WHATEVER_IT_IS = _AS_IT_IS.issuperset
AS_DECODED = (_AS_IT_IS | {float}).issuperset  # a decoder gives finite numbers only
_LEARNED_MAX = 10_000  # a record whose keys are data must not fill the memory
_TAKEN_APART = ("location", "properties")  # in this order: the first wins a property that both give
_LED_MAX = 100  # names that go elsewhere are looked for in every record


class Router:
    """Most properties become custom ones of their own name, so these are what is left when the others are taken out."""

    __slots__ = ("_deep", "_elsewhere", "_nulls", "_own", "_plan", "_texts", "patches")

    def __init__(self, plan: Plan, properties: AbstractSet[str], nulls: Nulls | None) -> None:
        """Take a plan, the properties of the stream's schema, which a record most often has, and who reads nulls."""
        self._plan = plan
        self._nulls = nulls
        self.patches = plan.patches or nulls is not None  # profiles may have more than attributes
        self._own: set[str] = set()
        self._texts: dict[str, TopLevel] = {}
        self._elsewhere: dict[str, Way | Put] = {}
        self._deep = tuple(plan.deep)
        for name in sorted(properties):
            self._learn(name)

    def attributes(
        self,
        records: Sequence[dict[str, Any]],
        emails: Iterable[str],
        dropped: list[str],
        as_it_is: Callable[[Iterable[type]], bool] = WHATEVER_IT_IS,
    ) -> list[Attributes]:
        """The attributes of each record's profile; what is unusable is named in `dropped`.

        `as_it_is` is `AS_DECODED` for records as a JSON decoder gave them.
        """
        customs = list(map(dict.copy, records))
        profiles: list[Attributes] = [
            {"email": email, "properties": custom} for email, custom in zip(emails, customs, strict=True)
        ]
        for name, field in self._texts.items():
            field.put_column(_column(customs, name), profiles, dropped)
        late = [(way, _column(customs, name)) for name, way in self._elsewhere.items()]
        strangers: list[tuple[Put, object, Attributes]] = []
        if not self._own.issuperset(chain.from_iterable(customs)):
            for attributes in profiles:
                self._take_strangers(attributes, strangers)
        if not as_it_is(map(type, chain.from_iterable(map(dict.values, customs)))):
            for attributes in profiles:
                _look_into_custom(attributes, dropped)
        for way, column in late:
            _put_column(way, column, profiles, dropped)
        for put, value, attributes in strangers:
            put(value, attributes, dropped)
        self._put_deep(records, profiles, dropped)
        if self._nulls is not None:
            self._nulls.unset(records, profiles)
        return profiles

    def _put_deep(self, records: Iterable[dict[str, Any]], profiles: list[Attributes], dropped: list[str]) -> None:
        """Put what comes from inside objects; an empty `properties` goes."""
        for deep in self._deep:
            for record, attributes in zip(records, profiles, strict=True):
                deep.apply(record, attributes, dropped)
        for attributes in profiles:
            if not attributes["properties"]:
                del attributes["properties"]

    def _take_strangers(self, attributes: Attributes, strangers: list[tuple[Put, object, Attributes]]) -> None:
        """Take out what is no custom property of its own name among the properties that the schema does not name."""
        custom = attributes["properties"]
        for name in sorted([name for name in custom if name not in self._own], key=lambda name: name != "location"):
            way = self._learn(name)
            if way is OWN_NAME:
                continue
            value = custom.pop(name)
            if value is not None and way is not NOWHERE:
                strangers.append((way, value, attributes))

    def _learn(self, name: str) -> Way | Put:
        """The way of a property, remembered so that the next records need not ask."""
        text = name_of(name)
        way = self._way_of(text)
        if name != text:  # no text, or none that UTF-8 can hold
            return placing.custom(text) if way is OWN_NAME else way
        if way is OWN_NAME:
            if len(self._own) < _LEARNED_MAX:
                self._own.add(name)
        elif isinstance(way, TopLevel):
            self._texts[name] = way
        elif len(self._elsewhere) < _LED_MAX:
            for each in _TAKEN_APART if name in _TAKEN_APART else (name,):
                self._elsewhere.setdefault(each, self._way_of(each))
        return way

    def _way_of(self, name: str) -> Way | Put:
        return self._plan.ways.get(name) or self._plan.way_of(name)


class AddressRouter:
    """Leads the e-mail address to its place, and nothing else anywhere."""

    __slots__ = ()
    patches = False

    def attributes(
        self,
        records: Sequence[dict[str, Any]],  # noqa: ARG002  # a router's signature
        emails: Iterable[str],
        dropped: list[str],  # noqa: ARG002  # a router's signature
        as_it_is: Callable[[Iterable[type]], bool] = WHATEVER_IT_IS,  # noqa: ARG002  # a router's signature
    ) -> list[Attributes]:
        """The attributes of each record's profile, which are one."""
        return [{"email": email} for email in emails]


def _column(customs: Iterable[dict[str, Any]], name: str) -> list[object]:
    """The values of a property, taken out; None where there is none."""
    return list(map(dict.pop, customs, repeat(name), repeat(None)))


def _put_column(way: Way | Put, column: Iterable[object], profiles: Iterable[Attributes], dropped: list[str]) -> None:
    if isinstance(way, Way):  # which is NOWHERE: a custom property of its own name stays where it is
        return
    for value, attributes in zip(column, profiles, strict=True):
        if value is not None:
            way(value, attributes, dropped)


def _look_into_custom(attributes: Attributes, dropped: list[str]) -> None:
    """Custom properties one by one: null is ignored, a list or an object is looked into.

    https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
    """
    custom: dict[str, Any] = attributes["properties"]
    kept: dict[str, Any] = {}
    attributes["properties"] = kept
    for name, value in custom.items():
        kind = type(value)
        if kind in _AS_IT_IS or (kind is float and isfinite(value)):
            kept[name] = value
        elif value is not None:
            placing.put_custom(name, value, attributes, dropped)
