"""Says why a record fails its stream's schema, without saying a value of the record. Pure.

The compiled check gives the verdict and this only its words, except for what that check cannot read: there, a
record in which nothing is found wrong is good.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jsonschema_rs
from jsonschema import ValidationError, validators

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment.schema import subschemas
from target_klaviyo_segments.segment.values import DEPTH_MAX, name_of, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from target_klaviyo_segments.segment.checker import Checker

CODE = "schema_mismatch"
_EXPECTED_CHARACTERS_MAX = 60
# What jsonschema raises where Python's numbers and regular expressions are not JSON schema's.
_BEYOND_WORDS = (ArithmeticError, RecursionError, TypeError, ValueError, re.error)

_WORDS = {
    "maxLength": "is longer than maxLength {}",
    "minLength": "is shorter than minLength {}",
    "maximum": "is above the maximum {}",
    "minimum": "is below the minimum {}",
    "exclusiveMaximum": "is not below exclusiveMaximum {}",
    "exclusiveMinimum": "is not above exclusiveMinimum {}",
    "multipleOf": "is not a multiple of {}",
    "pattern": "does not match the pattern {}",
    "maxItems": "has more than {} items",
    "minItems": "has fewer than {} items",
    "enum": "is none of the values of its enum",
    "const": "is not the value of its const",
    "additionalProperties": "has a property that its schema does not allow",
}


@dataclass(frozen=True, slots=True)
class Explainer:
    """A schema that explains itself; `names` are the property names it mentions, the only ones a reason may say."""

    validator: Any
    names: frozenset[str]

    @classmethod
    def from_checker(cls, checker: Checker) -> Explainer:
        """The same schema and draft as the compiled check."""
        return cls(_explaining(checker.draft.explaining)(checker.schema), frozenset(_names(checker.schema)))

    def explain(self, record: dict[str, Any], *, refused: bool) -> Rejection | None:
        """The first thing that is wrong; None when nothing is.

        Args:
            record: Which the compiled check refused, or could not read.
            refused: It was refused: a record about which nothing can be said stays so.
        """
        try:
            for error in self.validator.iter_errors(_plain(record)):
                if not _is_no_number(error.instance):  # mapping leaves NaN and infinity out: no reason to lose a person
                    return self._rejection(error)
        except _BEYOND_WORDS:
            return Rejection(CODE, "the record does not match the stream's schema") if refused else None
        return None

    def _rejection(self, error: ValidationError) -> Rejection:
        path = [*error.absolute_path, *_missing(error)]
        spelled = ".".join(self._spelled(step) for step in path)
        field = path[0] if path and path[0] in self.names else None
        return Rejection(CODE, f"{f'`{spelled}`' if path else 'the record'} {_fault(error)}", field)

    def _spelled(self, step: object) -> str:
        """A name that the schema mentions, or `*`: the keys of an open object are the record's, and may be personal."""
        return str(step) if isinstance(step, int) or step in self.names else "*"


def _missing(error: Any) -> list[str]:  # noqa: ANN401  # jsonschema types what it is about too widely
    """The property that is required and not there, if that is the error."""
    required = error.validator_value if error.validator == "required" else []
    return [name for name in required if name not in error.instance][:1]


def _fault(error: ValidationError) -> str:
    keyword, expected = error.validator, error.validator_value
    if keyword == "type":
        return f"is not of type {' or '.join(expected) if isinstance(expected, list) else expected}"
    if keyword == "required":
        return "is required"
    if keyword in {"anyOf", "oneOf"}:
        return f"does not fit {keyword} of its schema"
    if keyword in _WORDS:
        return _WORDS[keyword].format(str(expected)[:_EXPECTED_CHARACTERS_MAX])
    return f"does not meet `{keyword}` of its schema" if keyword else "is not allowed by its schema"


def _names(schema: dict[str, Any]) -> Iterator[str]:
    for path, each in subschemas(schema):
        yield from (str(step) for step in path)
        yield from _texts(each.get("required"))


def _texts(value: object) -> Iterable[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _asking_compiled(keyword: str, kind: str) -> Callable[..., Iterator[ValidationError]]:
    """A keyword in which Python's floats and regular expressions would judge otherwise than the compiled check."""

    def judge(validator: Any, expected: object, instance: object, _schema: object) -> Iterator[ValidationError]:  # noqa: ANN401  # untyped by jsonschema
        applies = validator.is_type(instance, kind) and not _is_no_number(instance)
        if applies and not jsonschema_rs.is_valid({keyword: expected}, instance):
            yield ValidationError(keyword)

    return judge


_OWN_KEYWORDS = {
    keyword: _asking_compiled(keyword, kind) for keyword, kind in (("multipleOf", "number"), ("pattern", "string"))
}


@cache
def _explaining(draft: Any) -> Any:  # noqa: ANN401  # untyped by jsonschema
    """A class of validators, made once: that takes as long as all else that a stream's schema needs."""
    return validators.extend(draft, _OWN_KEYWORDS)  # type: ignore[no-untyped-call]  # its own


def _is_no_number(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _plain(value: object, depth: int = 0) -> object:
    """The value as a tap would have written it: stream maps may have made dates of texts, say."""
    if isinstance(value, str):
        return readable(value)
    if depth <= DEPTH_MAX and isinstance(value, dict):
        return {name_of(key): _plain(item, depth + 1) for key, item in value.items()}
    if depth <= DEPTH_MAX and isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal) and not value.is_finite():
        return math.nan  # a Decimal that is none cannot be compared
    return str(value) if isinstance(value, UUID) else value
