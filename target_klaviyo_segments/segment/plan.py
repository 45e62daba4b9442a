"""Decides once a stream where each property of its records goes in a profile. Pure.

Who wins a field or a custom property that several properties want: the settings, then the property of that very
name, then what lies inside an object `location`, then `properties`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from target_klaviyo_segments.segment import placing
from target_klaviyo_segments.segment.fields import CUSTOM, STANDARD_FIELDS
from target_klaviyo_segments.segment.identity import normalise_phone, normalise_phones
from target_klaviyo_segments.segment.patching import patched_property, patching
from target_klaviyo_segments.segment.phone import all_plainly_good, plainly_good
from target_klaviyo_segments.segment.values import coordinate_of, name_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from target_klaviyo_segments.segment.placing import Put

HIDDEN = ("_sdc_", "_smart_")  # columns about the row, not the person, which taps and warehouses add


class Way(Enum):
    """The two commonest ways of a property; any other is a `Put`."""

    OWN_NAME = "to the custom property of its own name"
    NOWHERE = "not sent"


OWN_NAME: Final = Way.OWN_NAME  # a look-up in an Enum for each value of each record would cost half of the mapping
NOWHERE: Final = Way.NOWHERE


class Deep(NamedTuple):
    """A source inside an object of the record, such as `contact.city`."""

    name: str
    parts: tuple[str, ...]
    put: Put

    def apply(self, record: Mapping[str, Any], attributes: dict[str, Any], dropped: list[str]) -> None:
        """Read the source and put what is there."""
        value = placing.read_deep(record, self.name, self.parts)
        if value is not None:
            self.put(value, attributes, dropped)


class Plan:
    """`ways`: property name to where its value goes. `deep`: what is read besides, from inside objects."""

    def __init__(
        self,
        *,
        properties: Iterable[str],
        email_field: str,
        field_map: Mapping[str, str],
        send_unmapped: bool,
        default_country: str | None,
        patches: Mapping[str, str],
    ) -> None:
        self.patches = bool(patches)
        self._field_map = field_map
        self._email_field = email_field
        self._sources = {**field_map, **patches}
        self._patched = set(map(patched_property, patches))
        self._send_unmapped = send_unmapped
        self._default_country = default_country
        self._in_location = {
            field: self._put_of_field(field)
            for field in STANDARD_FIELDS
            if field.startswith("location.") and field not in field_map
        }
        self._own_fields = STANDARD_FIELDS.keys() - field_map.keys() - {"email"}
        known = set(properties)
        self.ways: dict[str, Way | Put] = {name: self.way_of(name) for name in (*known, *STANDARD_FIELDS)}
        self.deep: list[Deep] = []
        self._take_sources(dict.fromkeys([email_field, *self._sources.values()]), known)

    def _take_sources(self, sources: Iterable[str], known: set[str]) -> None:
        """Give the properties that settings name their ways; they go nowhere else."""
        leaves: dict[str, list[tuple[str, ...]]] = {}
        for source in sources:
            put = self._put_of_source(source)
            self.ways[source] = put or NOWHERE
            head, *rest = source.split(".")
            if rest and source not in known:
                self.ways[source] = NOWHERE  # read with the deep ones, from wherever it is
                leaves.setdefault(head, []).append(tuple(rest))
                if put:
                    self.deep.append(Deep(source, (head, *rest), put))
        for head in leaves.keys() - set(sources):
            way = self.way_of(head)
            if way is not NOWHERE:
                inner = placing.custom(head) if way is OWN_NAME else way
                self.ways[head] = placing.trimmed(leaves[head], inner)

    def way_of(self, name: str) -> Way | Put:
        """Where a property goes that no setting names."""
        if name.startswith(HIDDEN):
            return NOWHERE
        if name == "properties":
            return self._spread_properties
        if name == "location":
            return self._spread_location
        if name in self._own_fields:
            return self._put_of_field(name)
        return OWN_NAME if self._may_send(name) else NOWHERE

    @property
    def sources(self) -> list[str]:
        """Properties, and dotted paths to them, that settings name; each once."""
        return list(dict.fromkeys(self._sources.values()))

    def targets(self, name: str) -> list[str]:
        """Fields, and custom properties as `properties.<name>`, that a property or a dotted path gives a value."""
        fields = [field for field, source in self._field_map.items() if source == name]
        if name in {self._email_field, *self._sources.values()} or name.startswith(HIDDEN):
            return fields
        if name == "location":
            return list(self._in_location)
        if name in self._own_fields:
            return [name]
        return [CUSTOM + name] if name != "properties" and self._may_send(name) else []

    def spreads(self, name: str) -> bool:
        """Whether an object of this name is taken apart."""
        return name in {"properties", "location"} and name not in self._sources.values()

    def inside(self, name: str, keys: Iterable[str]) -> Iterator[str]:
        """The same as `targets` for keys of an object that is taken apart."""
        for key in keys:
            if name == "properties" and self._is_free(key):
                yield CUSTOM + key
            elif f"location.{key}" in self._in_location:
                yield f"location.{key}"
            elif name == "location" and f"location.{key}" not in STANDARD_FIELDS and self._may_send(f"location_{key}"):
                yield f"{CUSTOM}location_{key}"

    def _may_send(self, name: str) -> bool:
        return self._send_unmapped and self._is_free(name)

    def _is_free(self, name: str) -> bool:
        """Whether no setting says where a custom property comes from."""
        return CUSTOM + name not in self._field_map and name not in self._patched

    def _put_of_source(self, source: str) -> Put | None:
        """Where a property goes that a setting names, be it to several fields; None for nothing but the e-mail."""
        puts = [self._put_of_field(field) for field, each in self._sources.items() if each == source]
        return placing.each(puts) if len(puts) > 1 else next(iter(puts), None)

    def _put_of_field(self, field: str) -> Put:
        if patched_property(field) is not None:
            return patching(field)
        if field.startswith(CUSTOM):
            return placing.custom(field.removeprefix(CUSTOM))
        convert = self._conversion(field)
        if field.startswith("location."):
            return placing.in_location(field, convert)
        if STANDARD_FIELDS[field] == "phone":
            country = self._default_country
            return placing.TopLevel(
                field, convert, plainly_good, all_plainly_good, lambda numbers: normalise_phones(numbers, country)
            )
        return placing.TopLevel(field, convert)

    def _conversion(self, field: str) -> Callable[[object], object]:
        kind = STANDARD_FIELDS[field]
        country = self._default_country
        if kind == "phone":
            return lambda value: normalise_phone(value, country)
        if kind == "latitude":
            return lambda value: coordinate_of(value, 90)
        return (lambda value: coordinate_of(value, 180)) if kind == "longitude" else text_of

    def _spread_properties(self, value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        """An object `properties` holds custom properties, as it does at Klaviyo; with `drop` too."""
        if not isinstance(value, dict):
            self._leave_over("properties", value, attributes, dropped)
            return
        for key, item in value.items():
            name = name_of(key)
            if self._is_free(name):
                _give_way(name, item, attributes, dropped)

    def _spread_location(self, value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        """An object `location` is Klaviyo's; what Klaviyo has no place for becomes the property `location_<key>`."""
        if not isinstance(value, dict):
            self._leave_over("location", value, attributes, dropped)
            return
        found: dict[str, Any] = {}
        for key, item in value.items():
            name = name_of(key)
            put = self._in_location.get(f"location.{name}")
            if put and item is not None:
                put(item, found, dropped)
            elif f"location.{name}" not in STANDARD_FIELDS:
                self._leave_over(f"location_{name}", item, attributes, dropped)
        if found:
            attributes["location"] = found["location"] | attributes.get("location", {})

    def _leave_over(self, name: str, value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        if self._may_send(name):
            _give_way(name, value, attributes, dropped)


def _give_way(name: str, value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
    """A custom property from inside an object, unless the record has a property of that very name."""
    if value is not None and name not in attributes["properties"]:
        placing.put_custom(name, value, attributes, dropped)
