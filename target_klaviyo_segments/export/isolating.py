"""A request that is taken whole or not at all: who is refused is found, and the others go."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

from target_klaviyo_segments.errors import BodyRefused, KlaviyoError, RowsRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.errors import Rejection

T = TypeVar("T")

# When so many, each sent alone, are refused and nobody was taken, it is not they whom Klaviyo refuses.
HOPELESS_AFTER = 20


def send_all(items: Sequence[T], send: Callable[[Sequence[T]], None]) -> list[tuple[T, Rejection]]:
    """Send what can be sent: without those whom a refusal names, or in halves where it names nobody.

    Returns:
        Who was refused, each with Klaviyo's words.

    Raises:
        KlaviyoError: It is not about single ones.
    """
    refused: list[tuple[T, Rejection]] = []
    waiting, taken, alone = deque([items] if items else []), False, 0
    last: BodyRefused | None = None
    while waiting:
        part = waiting.popleft()
        try:
            send(part)
            taken = True
        except RowsRefused as refusal:
            named = {at: why for at, why in refusal.rows.items() if 0 <= at < len(part)}
            if not named:
                raise KlaviyoError(f"{refusal}; those whom it names were not in the request") from None
            refused += [(part[at], why) for at, why in named.items()]
            rest = [item for at, item in enumerate(part) if at not in named]
            waiting.extend([rest] if rest else [])
        except BodyRefused as refusal:
            alone, last = alone + (len(part) == 1), refusal
            if not taken and alone >= HOPELESS_AFTER:
                raise
            if len(part) == 1:
                refused.append((part[0], refusal.rejection))
            else:
                waiting.extend((part[: len(part) // 2], part[len(part) // 2 :]))
    if last is not None and not taken and alone > 1:
        raise last
    return refused
