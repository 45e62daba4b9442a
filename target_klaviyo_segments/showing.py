"""`target-klaviyo-segments report`: makes the page of a run from its report, says where it is, opens it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import webbrowser
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.config import read_config
from target_klaviyo_segments.errors import TargetError, WorkDirError
from target_klaviyo_segments.report.page_file import PAGE, write_page
from target_klaviyo_segments.settings import folder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a page has room for, and what says that there are more.
_ROWS_READ = 100_000
_RECORD_CHARACTERS = 300


def show(arguments: Sequence[str]) -> int:
    """The command; to its exit status: 1 when there is no report, or the page cannot be written."""
    options = _parser().parse_args(arguments)
    try:
        path = _make(_work_dir(options), options.run_id, rows=options.rows)
    except TargetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    if options.open and not webbrowser.open(path.absolute().as_uri()):
        sys.stderr.write(f"no browser can be opened here; the page is {path}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="target-klaviyo-segments report",
        description="Make the page of a run from its report and print where it is. Asks Klaviyo nothing.",
    )
    parser.add_argument("run_id", nargs="?", metavar="RUN_ID", help="of an earlier run; the last one unless given")
    parser.add_argument("--config", action="append", default=[], help="config file, for its `work_dir`; repeatable")
    parser.add_argument("--work-dir", help="the folder itself, instead of the one of the settings")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.add_argument(
        "--rows",
        action="store_true",
        help="put the rejected rows into it, personal data and all, and the page beside the rejects file",
    )
    return parser


def _work_dir(options: argparse.Namespace) -> Path:
    if options.work_dir:
        return Path(options.work_dir)
    return Path(folder_of(read_config(options.config, os.environ)))


def _make(work_dir: Path, run_id: str | None, *, rows: bool) -> Path:
    document = _read(work_dir / "report.json" if run_id is None else work_dir / "reports" / f"{run_id}.json")
    path = work_dir / PAGE if run_id is None else work_dir / "reports" / f"{run_id}.html"
    kept = None
    if rows:
        path = work_dir / "rejects" / f"{document['run_id']}.html"
        kept = _kept(path.with_suffix(".jsonl"))
    trouble = write_page(document, path, kept)
    if trouble is not None:
        raise WorkDirError(trouble)
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkDirError(
            f"there is no report to show: {path} cannot be read: {error.strerror}. Name the folder by --config or "
            "--work-dir, or another run by its id"
        ) from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or "run_id" not in found:
        raise WorkDirError(f"{path} is not a report of this program, or was damaged. Name another run by its id")
    return found


def _kept(path: Path) -> list[dict[str, Any]]:
    """Rows of the rejects file, their records cut to a length that can be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [_row(json.loads(line)) for line in islice(file, _ROWS_READ)]
    except OSError as error:
        raise WorkDirError(f"{path} has no rejected rows to show: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise WorkDirError(
            f"{path} is not a rejects file of this program, or was damaged. Leave --rows out to have the page without "
            "it"
        ) from None


def _row(line: dict[str, Any]) -> dict[str, Any]:
    record = json.dumps(line["record"], ensure_ascii=False)
    cut = record if len(record) <= _RECORD_CHARACTERS else record[:_RECORD_CHARACTERS] + " ..."
    return {"stream": line["stream"], "row": line["row"], "reason": line["reason"], "record": cut}
