"""Compiles a stream's schema into a fast check, without what cannot be compiled: an odd keyword stops no run. Pure."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import jsonschema_rs
from jsonschema import Draft4Validator, Draft6Validator, Draft7Validator, Draft201909Validator, Draft202012Validator

from target_klaviyo_segments.segment.schema import LISTED, MISSING, NAMED, SINGLE, follow, subschemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Path = tuple[str | int, ...]

_ROUNDS_MAX = 200  # keywords left out of one schema, each found by compiling again

_NUMBER = re.compile(r"\+?[0-9]{1,40}")

_TURNING = ("not", "if", "oneOf")  # a schema inside that allows more makes the one outside allow less


class Draft(NamedTuple):
    """One draft of JSON schema, twice: compiled, and explaining itself."""

    compiled: Callable[..., Any]
    explaining: Any  # a class of validators, untyped by jsonschema


_DRAFTS = {
    "draft-04": Draft(jsonschema_rs.Draft4Validator, Draft4Validator),
    "draft-06": Draft(jsonschema_rs.Draft6Validator, Draft6Validator),
    "draft-07": Draft(jsonschema_rs.Draft7Validator, Draft7Validator),
    "2019-09": Draft(jsonschema_rs.Draft201909Validator, Draft201909Validator),
    "2020-12": Draft(jsonschema_rs.Draft202012Validator, Draft202012Validator),
}


@dataclass(frozen=True, slots=True)
class Checker:
    """A compiled schema: the check, what is left of the schema, its draft, and what had to be left out."""

    is_valid: Callable[[object], bool]
    schema: dict[str, Any]
    draft: Draft
    left_out: tuple[str, ...]


def compile_schema(schema: dict[str, Any]) -> Checker:
    """Compile a schema; formats are not checked, and nothing is fetched."""
    try:
        usable = copy.deepcopy(schema)
        draft = _draft_of(usable)
        left_out = _without_references(usable)
        return _compile(usable, draft, left_out)
    except (ValueError, RecursionError):  # a lone surrogate in a name, nesting without end: nothing that names a place
        draft = _DRAFTS["draft-07"]
        return Checker(draft.compiled({}).is_valid, {}, draft, ("the whole schema",))


def _draft_of(schema: dict[str, Any]) -> Draft:
    """The draft that the schema names, else 4 when it has that draft's booleans, else 7. Takes the name away."""
    declared = str(schema.pop("$schema", ""))
    for name, draft in _DRAFTS.items():
        if name in declared:
            return draft
    booleans = any(
        isinstance(each.get(keyword), bool)
        for _, each in subschemas(schema)
        for keyword in ("exclusiveMaximum", "exclusiveMinimum")
    )
    return _DRAFTS["draft-04" if booleans else "draft-07"]


def _without_references(schema: dict[str, Any]) -> list[str]:
    """Take away references that lead out of the document or nowhere."""
    left_out = []
    while path := _lost_reference(schema):
        left_out.append(_spelled(_drop(schema, path)))
    return left_out


def _lost_reference(schema: dict[str, Any]) -> Path:
    for path, each in subschemas(schema):
        if "$ref" in each and follow(schema, each["$ref"]) is MISSING:
            return (*path, "$ref")
    return ()


def _compile(schema: dict[str, Any], draft: Draft, left_out: list[str]) -> Checker:
    for _ in range(_ROUNDS_MAX):
        compiled = _attempt(schema, draft)
        if not isinstance(compiled, jsonschema_rs.ValidationError):
            return Checker(compiled.is_valid, schema, draft, tuple(left_out))
        left_out.append(_spelled(_drop(schema, _place(schema, compiled))))
    raise ValueError("too many keywords cannot be used")


def _attempt(schema: dict[str, Any], draft: Draft) -> Any:  # noqa: ANN401  # five classes without a common one, or an error
    try:
        return draft.compiled(schema, validate_formats=False, retriever=_fetch_nothing)
    except jsonschema_rs.ValidationError as error:
        return error


def _place(schema: dict[str, Any], error: jsonschema_rs.ValidationError) -> Path:
    """Where in the schema an error is: the first place that its path may mean with the value that it found there."""
    found: list[Path] = []
    for place, value in _places(schema, error.instance_path):
        if value == error.instance:
            return place
        found.append(place)
    return found[0] if found else ()  # a value that equals nothing: NaN


def _places(node: Any, path: Sequence[str | int]) -> Iterator[tuple[Path, object]]:  # noqa: ANN401  # anything in a schema
    """Each place that a reported path may mean: it has a name made of digits as a number, and no empty name."""
    if not path:
        yield (), node
    for key, rest in _steps(node, path):
        for place, value in _places(node[key], rest):
            yield (key, *place), value


def _steps(node: object, path: Sequence[str | int]) -> Iterator[tuple[str | int, Sequence[str | int]]]:
    """The keys that the first step of a path may mean, and the path from there."""
    step = path[0] if path else None
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        yield step, path[1:]
    if isinstance(node, dict):
        for name in node:
            if name == step or (isinstance(step, int) and _NUMBER.fullmatch(name) and int(name) == step):
                yield name, path[1:]
        if "" in node:
            yield "", path


def _drop(node: dict[str, Any], path: Sequence[str | int]) -> Path:
    """Take away the keyword that a path leads into; what should be a schema and is none becomes `{}`.

    Returns:
        As much of the path as was taken away.
    """
    if not path:
        raise ValueError("the schema cannot be used, and no place in it is named")
    keyword = path[0]
    if keyword in _TURNING:
        return _delete(node, keyword)
    value = node[keyword]  # type: ignore[index]  # a schema's keys are text; the path has places of lists elsewhere
    if (keyword in NAMED and isinstance(value, dict)) or (keyword in LISTED and isinstance(value, list)):
        return (keyword, *_drop_inside(value, path[1:])) if len(path) > 1 else _delete(node, keyword)
    return _drop_inside(node, path) if keyword in SINGLE else _delete(node, keyword)


def _drop_inside(holder: Any, path: Sequence[str | int]) -> Path:  # noqa: ANN401  # an object or a list
    key, *rest = path
    if rest and isinstance(holder[key], dict):
        return (key, *_drop(holder[key], rest))
    holder[key] = {}
    return (key,)


def _delete(node: dict[str, Any], keyword: str | int) -> Path:
    del node[keyword]  # type: ignore[arg-type]  # as above
    return (keyword,)


def _spelled(path: Sequence[str | int]) -> str:
    return f"`{'.'.join(map(str, path))}`"


def _fetch_nothing(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is not fetched: checking a record makes no request")
