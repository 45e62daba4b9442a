"""The check of a stream's schema when it arrives, and of each record against it. Pure.

The value of the mapped e-mail property is judged where it is read, in mapping.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import ContractError, Rejection
from target_klaviyo_segments.segment.checker import compile_schema
from target_klaviyo_segments.segment.explain import CODE, Explainer
from target_klaviyo_segments.segment.schema import MISSING, find_property, may_be, properties_of
from target_klaviyo_segments.segment.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NAMES_MAX = 30
# What the compiled check raises at what it cannot read: lone surrogates, dates made by stream maps, endless nesting.
_UNREADABLE = (OverflowError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Contract:
    """What one stream promises; `properties` are its records', `warnings` say what of its schema is not checked."""

    properties: tuple[str, ...]
    warnings: tuple[str, ...]
    _keys: tuple[str, ...]
    _keys_of: Callable[[dict[str, Any]], object]
    _is_valid: Callable[[object], bool]
    _explainer: Explainer

    @classmethod
    def from_schema(
        cls,
        stream: str,
        schema: dict[str, Any],
        key_properties: Sequence[str],
        email_field: str,
        *,
        setting: str = "email_field",
        validate: bool = True,
    ) -> Contract:
        """The contract of a stream.

        Args:
            stream: Its name, for messages.
            schema: As its SCHEMA message gives it.
            key_properties: Which each record must have; null when the schema allows it.
            email_field: The mapped e-mail property, or a dotted path into objects when none has that name.
            setting: The setting in which it was named, for messages.
            validate: False: records need only be objects.

        Raises:
            ContractError: There is no such property, or it cannot hold text.
        """
        if problem := _email_problem(schema, sorted(properties_of(schema)), email_field):
            raise ContractError(f"stream `{stream}`: `{setting}` is `{email_field}`, {problem}")
        return cls.of_records(stream, schema, key_properties, validate=validate)

    @classmethod
    def of_records(
        cls, stream: str, schema: dict[str, Any], key_properties: Sequence[str], *, validate: bool = True
    ) -> Contract:
        """The contract of records, wherever their e-mail address comes from."""
        checker = compile_schema(schema if validate else {})
        warnings = [f"stream `{stream}`: {what} cannot be used, so it is not checked" for what in checker.left_out]
        return cls(
            tuple(sorted(properties_of(schema))),
            tuple(warnings),
            keys := tuple(key_properties) if validate else (),
            itemgetter(*keys or ("",)),
            checker.is_valid,
            Explainer.from_checker(checker),
        )

    def accept(self, records: Sequence[dict[str, Any]]) -> list[bool]:
        """Which records keep to the schema: `check` of many, without the reasons."""
        try:
            if self._keys:
                deque(map(self._keys_of, records), maxlen=0)
            return list(map(self._is_valid, records))
        except (KeyError, *_UNREADABLE):
            return [self.check(record) is None for record in records]

    def check(self, record: object) -> Rejection | None:
        """Why a record does not keep to its stream's schema; None when it does."""
        if not isinstance(record, dict):
            return Rejection("not_an_object", "the record is not an object")
        for key in self._keys:
            if key not in record:
                return Rejection(CODE, f"`{key}` is required, being a key property", key)
        refused = True
        try:
            if self._is_valid(record):
                return None
        except _UNREADABLE:
            refused = False
        return self._explainer.explain(record, refused=refused)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a record already, in the place of the contract that would find it out."""

    fault: Rejection | None

    def accept(self, records: Sequence[dict[str, Any]]) -> list[bool]:
        """Whether there is no fault."""
        return [self.fault is None for _ in records]

    def check(self, record: object) -> Rejection | None:  # noqa: ARG002  # a contract's signature
        """The fault."""
        return self.fault


def unknown_sources(stream: str, schema: dict[str, Any], sources: Mapping[str, str]) -> list[str]:
    """Properties that settings name and the schema does not, a sentence each: most often a typing error.

    `sources` are by the place where they are named: `field_map.title`.
    """
    names = sorted(properties_of(schema))
    return [
        f"stream `{stream}`: `{named}` is `{source}`, which is none of its properties{nearest(source, names) or '.'} "
        "Correct the name, or take it out"
        for named, source in sources.items()
        if find_property(schema, source) is MISSING
    ]


def no_such_property(schema: dict[str, Any], name: str) -> str | None:
    """What is wrong with a property that a setting names, as the rest of a sentence; None when records may have it."""
    properties = sorted(properties_of(schema))
    if find_property(schema, name) is not MISSING:
        return None
    return f"which is none of its properties{nearest(name, properties)}; they are: {_listed(properties)}"


def _email_problem(schema: dict[str, Any], properties: Sequence[str], email_field: str) -> str | None:
    if not properties:
        return "but its schema has no `properties`"
    if missing := no_such_property(schema, email_field):
        return missing + _only_the_taps_own(properties)
    if not may_be(schema, find_property(schema, email_field), "string"):
        return f"which by its schema is never text; its properties are: {_listed(properties)}"
    return None


def _only_the_taps_own(properties: Sequence[str]) -> str:
    """As a tap has them that reads files and found none, or none with a row."""
    own = all(name.startswith("_sdc_") for name in properties)
    return ". All of them are the tap's own: see whether it found its file or table, and a row there" if own else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_MAX} more" if len(names) > _NAMES_MAX else ""
    return ", ".join(names[:_NAMES_MAX]) + more
