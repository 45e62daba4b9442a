"""Processes of a benchmark: each measured by the operating system, on a sandbox of its own."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from records import PLAIN, Kind, write, write_batches

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
LIST_ID = "Y6nRLr"
API_KEY = "pk_sandbox_0123456789abcdef"
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Measure:
    """One process to its end: seconds, processor seconds, peak memory; and what the target's report says."""

    wall: float
    cpu: float
    megabytes: float
    report: dict[str, Any] = field(default_factory=dict, repr=False)


def measure(command: list[str], stdin: Path | int, *, errors: Path | None = None) -> Measure:
    """Run a command.

    Raises:
        SystemExit: It failed.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile() as told:
        source = stdin if isinstance(stdin, int) else os.open(stdin, os.O_RDONLY)
        process = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=told)
        os.close(source)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        told.seek(0)
        words = told.read()
        if status:
            raise SystemExit(f"{command}\n{words.decode()}")
        if errors is not None:
            errors.write_bytes(words)
    return Measure(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def script(name: str, *arguments: object) -> list[str]:
    """The command that runs a file of this folder."""
    return [sys.executable, str(HERE / name), *map(str, arguments)]


@contextmanager
def sandbox(*arguments: object) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A sandbox in a process of its own: its URL, and the process."""
    with subprocess.Popen(script("box.py", *arguments), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield hear(process), process
        finally:
            process.send_signal(signal.SIGTERM)


def hear(process: subprocess.Popen[str]) -> str:
    """The next line of a sandbox.

    Raises:
        SystemExit: It has ended instead, or says nothing for a minute.
    """
    if not select.select([process.stdout], [], [], _PATIENCE_SECONDS)[0]:
        raise SystemExit(f"the sandbox says nothing for {_PATIENCE_SECONDS} s: {process.args}")
    if not (line := process.stdout.readline()):  # type: ignore[union-attr]  # it is a pipe
        raise SystemExit(f"the sandbox has ended with status {process.wait()}: {process.args}")
    return line.strip()


class Workshop:
    """A folder with inputs, made once each, and the target's work directories."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[tuple[object, ...], Path] = {}

    @property
    def empty(self) -> Path:
        """No input at all."""
        path = self.folder / "empty"
        path.touch()
        return path

    def lines(self, count: int, kind: Kind = PLAIN) -> Path:
        """Messages of so many people."""
        key = (count, kind)
        if key not in self._made:
            self._made[key] = write(self.folder / f"{len(self._made)}.jsonl", count, kind)
        return self._made[key]

    def batches(self, count: int) -> Path:
        """The same in batch files."""
        key = ("batches", count)
        if key not in self._made:
            self._made[key] = write_batches(self.folder / f"batches-{count}.jsonl", count)
        return self._made[key]

    def parquet(self, count: int) -> Path:
        """The same in Parquet files, made by another process: this one must stay small."""
        key = ("parquet", count)
        if key not in self._made:
            path = self.folder / f"parquet-{count}.jsonl"
            subprocess.run(script("records.py", "--parquet", path, count), check=True)
            self._made[key] = path
        return self._made[key]

    def config(self, url: str, *, fresh: bool = True, **settings: object) -> Path:
        """A config file; a fresh one has no ledger yet."""
        work_dir = self.folder / "work"
        if fresh:
            shutil.rmtree(work_dir, ignore_errors=True)
        path = self.folder / "config.json"
        config = {"api_url": url, "api_key": API_KEY, "list_id": LIST_ID, "accept_data_privacy": True}
        config |= {"work_dir": str(work_dir), "max_profiles_per_export": 1_000_000} | settings
        path.write_text(json.dumps(config))
        return path

    def export(self, url: str, stdin: Path | int, *, fresh: bool = True, **settings: object) -> Measure:
        """Run the target."""
        config = self.config(url, fresh=fresh, **settings)
        done = measure([sys.executable, "-m", "target_klaviyo_segments", "--config", str(config)], stdin)
        report = json.loads((self.folder / "work" / "report.json").read_text())
        return Measure(done.wall, done.cpu, done.megabytes, report)
