"""What a handler is given: the values of one request, the state of the account, and the pages of its answer."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from target_klaviyo_segments.sandbox.envelope import refuse_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_klaviyo_segments.sandbox.consents import Consents
    from target_klaviyo_segments.sandbox.query import Query

T = TypeVar("T")

_CURSOR = re.compile(r"next::position::([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, read. `origin` starts every link; `body` is what the route's reader made of the body."""

    origin: str
    path: str
    raw_query: str
    params: Mapping[str, str]
    query: Query
    now: float
    consents: Consents
    body: Any = None

    def links(self, following: int | None = None) -> dict[str, str | None]:
        """The links of a collection. `next` and `prev` are null where there is no page, as recorded.

        Pages go forward only: `prev` is always null, which no caller may build on anyway.
        """
        here = self._url(self.raw_query)
        if following is None:
            return {"self": here, "next": None, "prev": None}
        others = [pair for pair in parse_qsl(self.raw_query, keep_blank_values=True) if pair[0] != "page[cursor]"]
        return {
            "self": here,
            "next": self._url(urlencode([*others, ("page[cursor]", _cursor(following))])),
            "prev": None,
        }

    def url(self, *segments: str) -> str:
        """The address of a resource, with the slash at its end that Klaviyo's own links have."""
        return f"{self.origin}/api/{'/'.join(segments)}/"

    def page(self, pick: Callable[[int], T | None], length: int) -> tuple[list[T], dict[str, str | None]]:
        """One page of what `pick` gives at the positions below `length`, and the links beside it.

        A cursor is a position. As nothing ever changes its position, each item is seen exactly once, whatever is
        added or removed between two pages.
        """
        backwards = (self.query.sort or "").startswith("-")
        start = self._start(length - 1 if backwards else 0)
        positions = range(min(start, length - 1), -1, -1) if backwards else range(start, length)
        items: list[T] = []
        for position in positions:
            item = pick(position)
            if item is None:
                continue
            if len(items) == self.query.size:
                return items, self.links(position)
            items.append(item)
        return items, self.links()

    def _start(self, default: int) -> int:
        if self.query.cursor is None:
            return default
        try:
            text = base64.urlsafe_b64decode(self.query.cursor.encode()).decode()
        except (binascii.Error, ValueError) as error:
            raise refuse_parameter("page[cursor]", "Invalid cursor.") from error
        found = _CURSOR.fullmatch(text)
        if not found:
            raise refuse_parameter("page[cursor]", "Invalid cursor.")
        return int(found[1])

    def _url(self, query: str) -> str:
        return f"{self.origin}{self.path}" + (f"?{query}" if query else "")


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"next::position::{position}".encode()).decode()
