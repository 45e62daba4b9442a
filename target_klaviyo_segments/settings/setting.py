"""One row of the settings table, and what it says about a value."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "object": dict,
    "array": list,
}
_ARTICLES = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "an object",
    "array": "a list",
}
_ABBREVIATIONS = {"api": "API", "id": "ID", "oauth": "OAuth", "url": "URL"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. `limit` says which limit a number outside its bounds would break."""

    name: str
    kind: str
    description: str
    default: Any = None
    secret: bool = False
    options: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    limit: str = ""

    def problem(self, value: object) -> str | None:
        """What is wrong with a value, as the rest of a sentence that begins with the setting's name."""
        if not isinstance(value, _TYPES[self.kind]) or (self.kind == "integer" and isinstance(value, bool)):
            return f"must be {_ARTICLES[self.kind]}"
        if self.options and any(each not in self.options for each in (value if isinstance(value, list) else [value])):
            return f"must be one of {', '.join(self.options)}"
        if isinstance(value, int) and self.kind == "integer":
            return self._out_of_bounds(value)
        if self.kind == "string" and not str(value).strip():
            return "is empty"
        if self.kind == "array" and not all(isinstance(item, str) for item in value):  # type: ignore[attr-defined]  # a list, by the first check
            return "must be a list of texts"
        return None

    def _out_of_bounds(self, value: int) -> str | None:
        if self.minimum is not None and value < self.minimum:
            return f"is {value}, below {self.minimum}: {self.limit}"
        if self.maximum is not None and value > self.maximum:
            return f"is {value}, above {self.maximum}: {self.limit}"
        return None

    def json_schema(self) -> dict[str, Any]:
        """The row as JSON schema, for `--about` and everything that reads it."""
        schema: dict[str, Any] = {"type": [self.kind, "null"], "title": self.title, "description": self.description}
        if self.default is not None:
            schema["default"] = self.default
        if self.kind == "array":
            schema["items"] = {"type": "string"} | ({"enum": list(self.options)} if self.options else {})
        elif self.options:
            schema["enum"] = list(self.options)
        if self.secret:
            schema |= {"secret": True, "writeOnly": True}
        schema |= {
            key: bound for key, bound in (("minimum", self.minimum), ("maximum", self.maximum)) if bound is not None
        }
        return schema

    @property
    def title(self) -> str:
        """The label that Meltano shows."""
        first, *rest = (_ABBREVIATIONS.get(word, word) for word in self.name.split("_"))
        return " ".join([first[:1].upper() + first[1:], *rest])


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` when a known name is spelled nearly so, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""
