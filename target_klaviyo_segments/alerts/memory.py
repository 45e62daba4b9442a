"""Since when a connection fails: noted in the work directory, so that the run that mends it can tell."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FILE = "alerts.json"


@dataclass(frozen=True, slots=True)
class Trouble:
    """`since` is when the first of the runs began that went wrong one after the other, as ISO 8601 has it."""

    since: str
    runs: int


def trouble_of(work_dir: Path, connection: str) -> Trouble | None:
    """What was noted of a connection; None when its last run went well, or the file is not ours any more."""
    with suppress(KeyError, TypeError, ValueError):
        found = _read(work_dir)[connection]
        return Trouble(str(found["since"]), int(found["runs"]))
    return None


def note(work_dir: Path, connection: str, trouble: Trouble | None) -> None:
    """Replace what is noted of a connection, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    others = {name: each for name, each in _read(work_dir).items() if name != connection}
    path = work_dir / FILE
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(others | ({connection: asdict(trouble)} if trouble else {}), indent=2) + "\n")
    draft.chmod(0o600)
    os.replace(draft, path)  # noqa: PTH105  # Path.replace is the same call


def _read(work_dir: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads((work_dir / FILE).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}
