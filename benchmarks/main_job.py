"""Time the main job beside its floor, in turns, and print medians and ratios.

`make bench` runs it; `python benchmarks/main_job.py --records 1000000 --runs 3` for more. The sandbox is a second
process without rate limits: what is measured is the program.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import records

HERE = Path(__file__).resolve().parent
LIST_ID = "Y6nRLr"


@dataclass(frozen=True)
class Measure:
    """One process, by the operating system's own accounting."""

    wall: float
    cpu: float
    megabytes: float


def measure(command: list[str], stdin: Path) -> Measure:
    """Run a command to its end.

    Raises:
        SystemExit: It failed.
    """
    began = time.perf_counter()
    with stdin.open("rb") as source, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        if status:
            errors.seek(0)
            raise SystemExit(errors.read().decode())
    return Measure(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "people.jsonl"
        records.write(lines, options.records)
        box = ["-m", "target_klaviyo_segments.sandbox", "--port", "0", "--no-limits", "--quiet", "--list", LIST_ID]
        with subprocess.Popen([sys.executable, *box], stdout=subprocess.PIPE, text=True) as sandbox:
            try:
                url = next(word for word in sandbox.stdout.readline().split() if word.startswith("http"))
                config = _config(Path(folder), url)
                target = [sys.executable, "-m", "target_klaviyo_segments", "--config", str(config)]
                floor = [sys.executable, str(HERE / "floor.py")]
                empty = Path(folder) / "empty.jsonl"
                empty.touch()
                commands = {
                    "floor": (floor, lines),
                    "target": (target, lines),
                    "floor, empty input": (floor, empty),
                    "target, empty input": (target, empty),
                    "import singer_sdk": ([sys.executable, "-c", "import singer_sdk"], empty),
                }
                table = _in_turns(commands, options.runs)
            finally:
                sandbox.terminate()
        reports = [json.loads(path.read_text()) for path in (Path(folder) / "work" / "reports").iterdir()]
    _print(table, options.records, max(reports, key=lambda report: report["totals"]["read"]))


def _config(folder: Path, url: str) -> Path:
    config = {
        "api_url": url,
        "api_key": "pk_sandbox_0123456789abcdef",
        "list_id": LIST_ID,
        "accept_data_privacy": True,
        "max_profiles_per_export": 1_000_000,
        "work_dir": str(folder / "work"),
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def _in_turns(commands: dict[str, tuple[list[str], Path]], runs: int) -> dict[str, list[Measure]]:
    table: dict[str, list[Measure]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, (command, stdin) in commands.items():
            figure = measure(command, stdin)
            if turn:  # the first of each is a warm-up
                table[name].append(figure)
    return table


def _print(table: dict[str, list[Measure]], count: int, report: dict[str, dict[str, int]]) -> None:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("singer-sdk", "msgspec", "jsonschema-rs"))
    print(f"{count:,} records; Python {platform.python_version()}, {os.cpu_count()} cores; {libraries}")
    print(f"delivered {report['totals']['delivered']:,} in {report['totals']['jobs']} jobs")
    print(f"{'':<22}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}   medians of {len(table['floor'])}")
    for name, figures in table.items():
        columns = [statistics.median(getattr(f, key) for f in figures) for key in ("wall", "cpu", "megabytes")]
        print(f"{name:<22}{columns[0]:>9.2f}{columns[1]:>9.2f}{columns[2]:>9.0f}")
    for key in ("wall", "cpu"):
        _print_ratio(f"{key} ratio target/floor", *([getattr(f, key) for f in table[n]] for n in ("target", "floor")))
        net = [_net(table, name, key) for name in ("target", "floor")]
        _print_ratio(f"{key} ratio target/floor, each less its start-up", *net)
    walls = [[f.wall for f in table[name]] for name in ("target, empty input", "import singer_sdk")]
    _print_ratio("wall ratio empty input/import singer_sdk", *walls)


def _net(table: dict[str, list[Measure]], name: str, key: str) -> list[float]:
    start_up = statistics.median(getattr(f, key) for f in table[f"{name}, empty input"])
    return [getattr(f, key) - start_up for f in table[name]]


def _print_ratio(title: str, dividends: list[float], divisors: list[float]) -> None:
    ratios = [dividend / divisor for dividend, divisor in zip(dividends, divisors, strict=True)]
    print(f"{title}, pair by pair: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
