"""The body of an import: encoded profiles that are joined, never encoded again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_PAYLOADS_A_PIECE = 500


@dataclass(frozen=True, slots=True)
class ImportBody:
    """The body of an import, in pieces: whole it would be there twice, for each of the requests under way."""

    head: bytes
    payloads: Sequence[bytes] = field(repr=False)
    tail: bytes

    def __len__(self) -> int:
        return len(self.head) + sum(map(len, self.payloads)) + max(len(self.payloads) - 1, 0) + len(self.tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self.head
        for first in range(0, len(self.payloads), _PAYLOADS_A_PIECE):
            yield (b"," if first else b"") + b",".join(self.payloads[first : first + _PAYLOADS_A_PIECE])
        yield self.tail


class _Profile(msgspec.Struct):
    attributes: dict[str, Any]


def emails_of(payloads: Iterable[bytes]) -> set[str]:
    """The e-mails in encoded profiles."""
    return {msgspec.json.decode(payload, type=_Profile).attributes["email"] for payload in payloads}
