"""Who accepted the data-privacy notice for a connection, and since when: noted at the first run."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import WorkDirError

if TYPE_CHECKING:
    from pathlib import Path

    from target_klaviyo_segments.report.document import RunReport

FILE = "data_privacy.json"


def acceptance(work_dir: Path, report: RunReport) -> dict[str, Any]:
    """For the report: `accepted`, `by` and `since`, as they were first seen with this connection.

    Raises:
        WorkDirError: It cannot be noted.
    """
    path = work_dir / FILE
    known = _known(path)
    if report.connection not in known:
        known[report.connection] = {"by": report.user, "since": report.started_at.isoformat()}
        _write(path, known)
    return {"accepted": True, **known[report.connection]}


def _known(path: Path) -> dict[str, dict[str, str]]:
    """What was noted; a file that is not ours any more begins anew."""
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {name: at for name, at in found.items() if isinstance(at, dict) and at.keys() >= {"by", "since"}}
    return {}


def _write(path: Path, known: dict[str, dict[str, str]]) -> None:
    draft = path.with_suffix(".draft")
    try:
        draft.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        draft.chmod(0o600)
        os.replace(draft, path)  # noqa: PTH105  # Path.replace is the same call
    except OSError as error:
        raise WorkDirError(
            f"{path} cannot be written: {error.strerror}. Nothing was read or sent; make room, or make it writable"
        ) from None
