"""The report for people as a file. A page is worth no run: what goes wrong with it is told, never raised."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PAGE = "report.html"
PLAN_PAGE = "plan.html"


def write_page(document: dict[str, Any], path: Path, kept: Sequence[dict[str, Any]] | None = None) -> str | None:
    """Replace the page at once, readable by its owner only; `kept` are rows of the rejects file, if they are wanted.

    Returns:
        Why there is no page now; None when there is one.
    """
    draft = path.with_suffix(".html.draft")
    try:
        from target_klaviyo_segments.report.html.page import render  # noqa: PLC0415  # at the end, not at the start

        _write(draft, render(document, kept))
        os.replace(draft, path)  # noqa: PTH105  # Path.replace is the same call
    except Exception as error:  # noqa: BLE001  # people were delivered: no mistake of the page may fail such a run
        for left in (draft, path):  # an old page would be taken for this run's
            with suppress(OSError):
                left.unlink(missing_ok=True)
        what = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        return f"the page {path} cannot be written: {what}. The run and its report are not concerned"
    return None


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))  # half a character: as JSON spells it
