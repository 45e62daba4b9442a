"""Proposes the name that somebody probably meant. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` when a known name is spelled nearly so, in whatever case; else nothing."""
    close = several_nearest(name, known, most=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def several_nearest(name: str, known: Iterable[str], *, most: int) -> list[str]:
    """Known names that are spelled nearly so, in whatever case, the nearest first."""
    folded = {each.casefold(): each for each in known}
    return [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=most, cutoff=0.6)]
