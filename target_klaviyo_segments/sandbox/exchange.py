"""What goes in and out of the sandbox: one request, one response, one line of its log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; `query` is the raw query string, and header names have any case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class Entry(NamedTuple):
    """A request that was answered, as the log keeps it."""

    method: str
    path: str
    status: int
    at: float = 0.0
    size: int = 0  # bytes of the request's body, as it came
    words: str = ""  # why it was refused


def at_loopback(host: str) -> bool:
    """Whether a Host header names this machine's loopback, with or without a port."""
    return host in _LOOPBACK or host.rpartition(":")[0] in _LOOPBACK
