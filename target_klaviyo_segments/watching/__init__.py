"""What a person sees of a run while it is under way: a line on a terminal, else a few lines in the log."""

from __future__ import annotations

from target_klaviyo_segments.watching.numbers import Numbers, numbers_of
from target_klaviyo_segments.watching.watch import Show, Watch

__all__ = ["Numbers", "Show", "Watch", "numbers_of"]
