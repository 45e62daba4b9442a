"""The work directory: where reports are written, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import WorkDirError

if TYPE_CHECKING:
    from target_klaviyo_segments.report.document import RunReport

# The last dry run's. It never takes the place of the last run's report.
PLAN = "plan.json"


def prepare(work_dir: str) -> Path:
    """Make the directory and prove that it can be written.

    Raises:
        WorkDirError: It cannot; nothing has been read or sent by then.
    """
    path = Path(work_dir)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
    except OSError as error:
        raise WorkDirError(
            f"the folder {path} cannot be written: {error.strerror}. Nothing was read or sent; "
            "make it writable or set `work_dir` to another folder"
        ) from None
    return path


def write_report(report: RunReport, work_dir: Path) -> Path:
    """Write `report.json`, or `plan.json` after a dry run, and `reports/{run_id}.json`.

    Raises:
        WorkDirError: They cannot be written.
    """
    paths = [_write(report, path) for path in _paths(report, work_dir)]
    return paths[-1]


def remove_report(report: RunReport, work_dir: Path) -> None:
    """Take back what was written: it is not so."""
    for path in _paths(report, work_dir):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def write_past_report(report: RunReport, work_dir: Path) -> Path:
    """Write `reports/{run_id}.json` alone: the report of a run that is not the last one.

    Raises:
        WorkDirError: It cannot be written.
    """
    return _write(report, past_report(report.run_id, work_dir))


def past_report(run_id: str, work_dir: Path) -> Path:
    """Where the report of a run is, whichever came after it."""
    return work_dir / "reports" / f"{run_id}.json"


def _paths(report: RunReport, work_dir: Path) -> tuple[Path, Path]:
    return past_report(report.run_id, work_dir), work_dir / (PLAN if report.dry_run else "report.json")


def _write(report: RunReport, path: Path) -> Path:
    """Replace a file at once: whoever reads it sees the old one or the new one."""
    text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False) + "\n"
    draft = path.with_suffix(".draft")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")  # half a character: as JSON spells it
        os.replace(draft, path)  # noqa: PTH105  # Path.replace is the same call
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise WorkDirError(
            f"the report cannot be written to {path}: {error.strerror}. Make room, or make the folder writable; what "
            "was "
            "delivered stands"
        ) from None
    return path
