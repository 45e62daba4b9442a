"""Leads each value of a record to its place among a profile's attributes; the hot loop of the mapping. Pure."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.segment import placing
from target_klaviyo_segments.segment.placing import TopLevel
from target_klaviyo_segments.segment.plan import NOWHERE, OWN_NAME
from target_klaviyo_segments.segment.values import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from target_klaviyo_segments.segment.placing import Put
    from target_klaviyo_segments.segment.plan import Plan, Way

_AS_IT_IS = frozenset({str, int, bool})
WHATEVER_IT_IS = _AS_IT_IS.issuperset
AS_DECODED = (_AS_IT_IS | {float}).issuperset  # a decoder gives finite numbers only
_LEARNED_MAX = 10_000  # a record whose keys are data must not fill the memory
_LED_MAX = 100  # names that go elsewhere are looked for in every record


class Router:
    """Most properties become custom ones of their own name, so these are what is left when the others are taken out."""

    __slots__ = ("_deep", "_elsewhere", "_own", "_plan", "_texts")

    def __init__(self, plan: Plan, properties: AbstractSet[str]) -> None:
        """Take a plan and the properties of the stream's schema, which a record most often has."""
        self._plan = plan
        self._own: set[str] = set()
        self._texts: tuple[tuple[str, str, Callable[[str], bool], Put], ...] = ()
        self._elsewhere: tuple[tuple[str, Way | Put], ...] = ()
        self._deep = tuple(plan.deep)
        for name in sorted(properties):
            self._learn(name)

    def attributes(
        self,
        record: dict[str, Any],
        email: str,
        dropped: list[str],
        as_it_is: Callable[[Iterable[type]], bool] = WHATEVER_IT_IS,
    ) -> dict[str, Any]:
        """The attributes of a profile, `properties` among them; what is unusable is named in `dropped`.

        `as_it_is` is `AS_DECODED` for a record as a JSON decoder gave it.
        """
        custom = record.copy()
        attributes: dict[str, Any] = {"email": email, "properties": custom}
        late: list[tuple[Put, object]] = []
        take = custom.pop
        for name, field, ready, put in self._texts:
            value = take(name, None)
            if type(value) is str and ready(value):
                attributes[field] = value
            elif value is not None:
                late.append((put, value))
        for name, way in self._elsewhere:
            value = take(name, None)
            if value is not None and way is not NOWHERE:
                late.append((way, value))  # type: ignore[arg-type]  # no Way: OWN_NAME is not elsewhere
        if not self._own.issuperset(custom):
            self._take_strangers(custom, late)
        if not as_it_is(map(type, custom.values())):
            _put_each(custom, attributes, dropped)
        if late or self._deep:
            self._put_late(record, late, attributes, dropped)
        return attributes

    def _take_strangers(self, custom: dict[Any, Any], late: list[tuple[Put, object]]) -> None:
        """Take out what is no custom property of its own name among the properties that the schema does not name."""
        for name in [name for name in custom if name not in self._own]:
            way = self._learn(name)
            if way is OWN_NAME:
                continue
            value = custom.pop(name)
            if value is not None and way is not NOWHERE:
                late.append((way, value))

    def _learn(self, name: str) -> Way | Put:
        """The way of a property, remembered so that the next record needs not ask."""
        text = name_of(name)
        way = self._plan.ways.get(text) or self._plan.way_of(text)
        if name != text:  # no text, or none that UTF-8 can hold
            return placing.custom(text) if way is OWN_NAME else way
        if way is OWN_NAME:
            if len(self._own) < _LEARNED_MAX:
                self._own.add(name)
        elif len(self._texts) + len(self._elsewhere) < _LED_MAX:
            if isinstance(way, TopLevel):
                self._texts = (*self._texts, (name, way.field, way.ready, way))
            else:
                self._elsewhere = (*self._elsewhere, (name, way))
        return way

    def _put_late(
        self, record: dict[str, Any], late: list[tuple[Put, object]], attributes: dict[str, Any], dropped: list[str]
    ) -> None:
        for put, value in late:
            put(value, attributes, dropped)
        for deep in self._deep:
            deep.apply(record, attributes, dropped)


def _put_each(custom: dict[str, Any], attributes: dict[str, Any], dropped: list[str]) -> None:
    """Custom properties one by one: null is ignored, a list or an object is looked into.

    https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
    """
    kept = attributes["properties"] = {}
    for name, value in custom.items():
        kind = type(value)
        if kind in _AS_IT_IS or (kind is float and isfinite(value)):
            kept[name] = value
        elif value is not None:
            placing.put_custom(name, value, attributes, dropped)
