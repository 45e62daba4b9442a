"""How much is kept, so that neither memory nor the bookkeeping grows with the length of the input or the years."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Rows that wait in the journal until they are posted, and the past that is kept.

    Waiting rows cost disk, 60 bytes each. Once `unchanged` is asked their hashes are in memory too, 70 bytes each, so
    that fewer may wait. Members are never forgotten.
    """

    waiting: int = 250_000
    waiting_watched: int = 250_000
    waiting_idle: int = 50_000
    runs: int = 1_000
    jobs: int = 10_000
