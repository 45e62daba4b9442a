"""Run the table and the growth of cost side by side, print them, and keep the figures in `benchmarks/results/`.

`make bench` runs it: a million records, at most twenty minutes. `--quick` is a look at fifty thousand, in a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import growth
import rendering
from running import HERE, Measure, Workshop
from table import FLOOR, START, TABLE, Row

LIBRARIES = ("singer-sdk", "msgspec", "jsonschema-rs", "zstandard", "phonenumbers")
Figures = dict[str, list[Measure]]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fifty thousand records, once, nothing kept")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--only", default="", help="rows that have this in their name")
    parser.add_argument("--no-growth", action="store_true")
    options = parser.parse_args()
    records, turns = (50_000, 1) if options.quick else (options.records, options.turns)
    rows = [row for row in TABLE if options.only in row.name or row.name in {FLOOR, START}]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        table = _in_turns(shop, rows, records, turns)
        cases = [] if options.quick or options.no_growth else growth.CASES
        grown = {case.name: _told(case.name, growth.run(shop, case, records)) for case in cases}
    result = {
        "machine": _machine(records),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "table": [_row(row, table, records) for row in rows],
        "growth": [_case(case, grown[case.name], records, table) for case in cases],
    }
    print("\n" + rendering.tables(result))
    if not options.quick and not options.only:
        path = HERE / "results" / f"{time.strftime('%Y-%m-%d')}.json"
        path.write_text(json.dumps(result, indent=1) + "\n")
        print(f"kept in {path}; `python benchmarks/rendering.py` puts it into docs/performance.md")


def _in_turns(shop: Workshop, rows: list[Row], records: int, turns: int) -> Figures:
    """Every row once in each turn, so that what else the machine does falls on all of them."""
    table: Figures = {row.name: [] for row in rows}
    for turn in range(turns):
        for row in rows:
            if turn < (row.times or turns):
                table[row.name].append(_told(row.name, row.run(shop, round(records * row.share))))
    return table


def _told(name: str, done: Measure) -> Measure:
    print(f"{name:<58}{done.wall:8.2f} s{done.cpu:8.2f} s cpu{done.megabytes:6.0f} MB", flush=True)
    return done


def _machine(records: int) -> dict[str, object]:
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "records": records,
        "date": time.strftime("%Y-%m-%d"),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load_at_the_end": round(os.getloadavg()[2], 2),
        "system": platform.system(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _row(row: Row, table: Figures, records: int) -> dict[str, object]:
    figures, floors = table[row.name], table[FLOOR]
    count = round(records * row.share)
    shown: dict[str, object] = {"name": row.name, "records": count, "goal_floors": row.floors, "turns": len(figures)}
    shown |= {"quota_seconds": row.quota_seconds(count)} if row.quota else {}
    shown |= {key: _median(getattr(each, key) for each in figures) for key in ("wall", "cpu", "megabytes")}
    for key in ("wall", "cpu"):
        pairs = zip(figures, floors, strict=False)
        shown[f"{key}_floors"] = _median(
            getattr(each, key) / (getattr(floor, key) * row.share) for each, floor in pairs
        )
    by_clock = figures[0].report.get("by_clock") if figures else None
    return shown | ({"by_clock": by_clock} if by_clock else {})


def _case(case: growth.Case, done: Measure, records: int, table: Figures) -> dict[str, object]:
    """`microseconds` of processor time a record, without the start-up."""
    count = round(records * case.share)
    start = _median(each.cpu for each in table[START])
    shown = {"name": case.name, "records": count, "wall": done.wall, "cpu": done.cpu, "megabytes": done.megabytes}
    return shown | {"microseconds": (done.cpu - start) / count * 1e6, "jobs": done.report["totals"]["jobs"]}


def _median(values: object) -> float:
    return round(statistics.median(values), 3)  # type: ignore[call-overload]  # numbers


if __name__ == "__main__":
    main()
