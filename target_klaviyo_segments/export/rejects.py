"""The rejects file: one JSON line a refused row, for the person who will mend it. It holds personal data."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.errors import Rejection, WorkDirError
from target_klaviyo_segments.segment.values import custom_of, readable

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from target_klaviyo_segments.export.lane import Lane

KEPT_IN = ("rejects", "failed")
_encode = msgspec.json.Encoder(decimal_format="number").encode


def record_json(record: object) -> bytes:
    """A record as one line of JSON that whoever reads it can read, whatever is in it.

    Half a character is U+FFFD, as in its profile; no number is null; what JSON has no form for is text. Nesting that
    only a stack deeper than ours could write is null.
    """
    try:
        return _encode(record)
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        pass
    try:
        return _spelled_out(record)
    except (ValueError, RecursionError):
        shallow = {name: custom_of(value) for name, value in record.items()} if isinstance(record, dict) else None
        return _spelled_out(shallow)


def _spelled_out(record: object) -> bytes:
    text = json.dumps(record, default=str, skipkeys=True, ensure_ascii=False)
    return _encode(json.loads(readable(text)))


def kept_files(work_dir: Path, run_id: str) -> tuple[Path, Path]:
    """Where a run keeps rows that were rejected, and rows that failed."""
    rejected, failed = (work_dir / folder / f"{run_id}.jsonl" for folder in KEPT_IN)
    return rejected, failed


class Rejects:
    """Writes `rejects/{run_id}.jsonl`, mode 0600, from the first refused row on; no row, no file."""

    def __init__(self, path: Path, what: str = "rejected rows") -> None:
        self.path = path
        self._what = what
        self._file: BinaryIO | None = None
        self._lost = False  # the disk took no more, and that was told

    @property
    def written(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def write(self, lane: Lane, number: int, rejection: Rejection, record: bytes) -> None:
        """Add one row; `record` is JSON already.

        Raises:
            WorkDirError: The file cannot be written.
        """
        head: dict[str, Any] = {"stream": lane.stream, "row": number, "code": rejection.code}
        head |= {"reason": rejection.reason, "field": rejection.field, "key_properties": lane.key_properties}
        line = record_json(head)[:-1] + b',"record":' + record + b"}\n"
        try:
            self._opened().write(line)
        except OSError as error:
            raise self._trouble(error) from None

    def flush(self) -> None:
        """Put all rows on the disk: a STATE that covers them follows.

        Raises:
            WorkDirError: The disk is full or gone.
        """
        if self._file is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._trouble(error) from None

    def close(self) -> None:
        """Flush and close.

        Raises:
            WorkDirError: The disk is full or gone.
        """
        if self._file is None or self._file.closed:
            return
        try:
            self._file.close()
        except OSError as error:
            if not self._lost:
                raise self._trouble(error) from None

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file = os.fdopen(descriptor, "ab")
        return self._file

    def _trouble(self, error: OSError) -> WorkDirError:
        self._lost = True
        return WorkDirError(
            f"{self._what} cannot be written to {self.path}: {error.strerror}. "
            "No STATE passes them; make room or change `work_dir` and run again"
        )
