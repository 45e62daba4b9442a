"""What an endpoint is, and which one a request is for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from target_klaviyo_segments.sandbox.envelope import refuse
from target_klaviyo_segments.sandbox.query import Parameters
from target_klaviyo_segments.sandbox.windows import XS, M, Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.query import Query
    from target_klaviyo_segments.sandbox.scenario import Scenario


# https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling : shared by all endpoints that take them.
_COSTLY = {("list", "profile_count"): XS, ("profile", "predictive_analytics"): M}


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `read` is given the body before anything is locked; None: the operation has no body."""

    method: str
    path: str
    handler: Callable[[Account, Ask], Response]
    tier: Tier
    scopes: frozenset[str]
    parameters: Parameters = field(default_factory=Parameters)
    read: Callable[[bytes, Scenario], Any] | None = None

    def budgets(self, query: Query) -> dict[str, Tier]:
        """The windows that a request counts against: its own, and those of its costly parameters."""
        costly = {
            f"additional-fields[{kind}]={name}": tier
            for (kind, name), tier in _COSTLY.items()
            if query.adds(kind, name)
        }
        return {f"{self.method} {self.path}": self.tier, **costly}


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """The operation of a path, and the ids in it. A slash at the end changes nothing.

    Raises:
        Refusal: There is none.
    """
    segments = path.removesuffix("/").split("/")[1:]
    allowed: list[str] = []
    for route in routes:
        params = _match(route.path.split("/")[1:], segments)
        if params is None:
            continue
        if route.method == method:
            return route, params
        allowed.append(route.method)
    if allowed:
        refusal = refuse(405, f'Method "{method}" not allowed.')
        refusal.headers["allow"] = ", ".join(allowed)
        raise refusal
    raise refuse(404, "The requested resource was not found.")


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    params = {}
    for expected, found in zip(pattern, segments, strict=True):
        if expected == "{id}" and found:
            params["id"] = unquote(found)
        elif expected != found:
            return None
    return params
