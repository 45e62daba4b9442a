"""List arithmetic of custom properties: what a row adds to an array that Klaviyo has, or takes out of it. Pure.

https://developers.klaviyo.com/en/docs/update_profile_properties_via_api
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.segment.fields import CUSTOM, PROFILE_BYTES_MAX, STANDARD_FIELDS, field_map_problems
from target_klaviyo_segments.segment.values import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_klaviyo_segments.segment.placing import Put

    Patch = dict[str, Any]

PATCH = "patch_properties"  # among the attributes of a profile under way; its place at Klaviyo is beside them
ACTIONS: Mapping[str, str] = MappingProxyType({"append_fields": "append", "unappend_fields": "unappend"})


class _Encoded(msgspec.Struct):
    """A profile of ours; its attributes stay the bytes that they are."""

    attributes: msgspec.Raw
    meta: dict[str, Any] = {}


_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_decode = msgspec.json.Decoder(_Encoded, float_hook=Decimal).decode  # every digit stays


def mapping_problems(own: Mapping[str, Any], whole: Mapping[str, Any]) -> list[str]:
    """What is wrong with `field_map`, `append_fields` and `unappend_fields`, a sentence each.

    Args:
        own: What a segment, or the whole configuration, says itself.
        whole: The same with what it inherits.
    """
    problems = field_map_problems(_given(own, "field_map"))
    for setting in ACTIONS:
        for name, source in _given(own, setting).items():
            if problem := _name_problem(setting, name):
                problems.append(problem)
            if not isinstance(source, str) or not source.strip():
                problems.append(f"`{setting}.{name}` must name a property of the records")
    return [*problems, *_contradictions(own, whole)]


def patch_sources(append_fields: Mapping[str, str], unappend_fields: Mapping[str, str]) -> dict[str, str]:
    """Both settings in one: `append_fields.segments` to the record property."""
    settings = zip(ACTIONS, (append_fields, unappend_fields), strict=True)
    return {f"{setting}.{name}": source for setting, fields in settings for name, source in fields.items()}


def patched_property(field: str) -> str | None:
    """The custom property of `append_fields.segments`; None when it is another field."""
    setting, _, name = field.partition(".")
    return name if setting in ACTIONS else None


def patching(field: str) -> Put:
    """A put that adds to a custom property, or takes from it; null and empty text are no values."""
    setting, _, name = field.partition(".")
    action = ACTIONS[setting]

    def put(value: object, attributes: dict[str, Any], dropped: list[str]) -> None:
        given = [item for item in _several(value) if item is not None and item != ""]
        values = [simple for item in given if (simple := _simple(item)) is not None]
        if len(values) < len(given):
            dropped.append(CUSTOM + name)
        if values:
            attributes.setdefault(PATCH, {}).setdefault(action, {})[name] = _unique(values)

    return put


def profile_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """The profile resource: https://developers.klaviyo.com/en/reference/bulk_import_profiles ."""
    patch = attributes.pop(PATCH, None)
    if patch is None:
        return {"type": "profile", "attributes": attributes}
    return {"type": "profile", "attributes": attributes, "meta": {PATCH: _agreeing(patch)}}


def joined(earlier: bytes, later: bytes) -> bytes | None:
    """The later profile of a person, with what the earlier adds to arrays and takes from them; None beyond 100 KB."""
    old = _decode(earlier).meta.get(PATCH, {})
    if old.keys().isdisjoint(ACTIONS.values()):
        return later
    profile = _decode(later)
    new = profile.meta.get(PATCH, {})
    (adds, takes), (now_adds, now_takes) = (
        [each.get(action, {}) for action in ACTIONS.values()] for each in (old, new)
    )
    patch = {**new, "append": _over(adds, now_takes, now_adds), "unappend": _over(takes, now_adds, now_takes)}
    meta = {PATCH: {action: values for action, values in patch.items() if values}}
    payload = _encode({"type": "profile", "attributes": profile.attributes, "meta": meta})
    return payload if len(payload) <= PROFILE_BYTES_MAX else None


def _over(earlier: Patch, undone: Patch, later: Patch) -> Patch:
    """Values by property: the earlier but for those undone, then the later."""
    kept = {
        name: _unique([*_without(earlier.get(name, ()), undone.get(name, ())), *later.get(name, ())])
        for name in {**earlier, **later}
    }
    return {name: values for name, values in kept.items() if values}


def _agreeing(patch: Patch) -> Patch:
    """The patch without values to be taken away that it adds: which of the two Klaviyo does first is not told."""
    adds, takes = (patch.get(action, {}) for action in ACTIONS.values())
    if adds.keys().isdisjoint(takes):
        return patch
    rest = _over(takes, adds, {})
    return {action: values for action, values in {**patch, "unappend": rest}.items() if values}


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]


def _simple(value: object) -> object:
    """Text, a number or a boolean, as JSON can hold it; None for all else."""
    return None if isinstance(value, (dict, list, tuple)) else clean(value)


def _unique(values: Iterable[object]) -> list[object]:
    """Each once, in the order in which it first comes; true is not 1."""
    return list({(type(value), value): value for value in values}.values())


def _without(values: Iterable[object], others: Iterable[object]) -> list[object]:
    gone = {(type(value), value) for value in others}
    return [value for value in values if (type(value), value) not in gone]


def _given(part: Mapping[str, Any], setting: str) -> dict[str, Any]:
    """A setting, when it is what it should be; what is wrong with it otherwise is told elsewhere."""
    value = part.get(setting)
    return value if isinstance(value, dict) else {}


def _name_problem(setting: str, name: str) -> str | None:
    plain = name.removeprefix(CUSTOM)
    if not plain.strip():
        return f"`{setting}` has an entry without the name of a custom property"
    if plain != name:
        return f"`{setting}` names custom properties alone, so `{name}` is written `{plain}`"
    return (
        f"`{setting}` names `{name}`, a profile field of Klaviyo's that holds one value"
        if name in STANDARD_FIELDS
        else None
    )


def _contradictions(own: Mapping[str, Any], whole: Mapping[str, Any]) -> list[str]:
    """A property that is set and patched at once; told where one of the two is said."""
    if own.keys().isdisjoint({"field_map", *ACTIONS}):
        return []
    set_as_whole = _given(whole, "field_map")
    return [
        f"`{setting}.{name}` and `field_map.{CUSTOM}{name}` contradict each other: one changes the values of a "
        "property, the other replaces them. Keep one of the two"
        for setting in ACTIONS
        for name in _given(whole, setting)
        if CUSTOM + name in set_as_whole
    ]
