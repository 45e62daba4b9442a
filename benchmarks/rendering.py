"""Figures to tables: on the screen, and between two marks of docs/performance.md when run by itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "performance.md"
_FLOOR = "plain floor, compiled decoder"
# No export ends before its quota lets it: that, and so much for start, last jobs and report.
SECONDS_BESIDE_QUOTA = 3
BEGIN, END = "<!-- figures: made by benchmarks/rendering.py -->", "<!-- end of figures -->"


def tables(result: dict[str, Any]) -> str:
    """Both tables, as Markdown, with where they were measured."""
    machine = result["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    head = (
        f"{machine['records']:,} records, {machine['date']}; {machine['processor']}, {machine['cores']} cores, shared; "
        f"{machine['system']}, Python {machine['python']}, SQLite {machine['sqlite']}; {libraries}. "
        f"Load at the end {machine['load_at_the_end']}."
    )
    return "\n".join([head, "", *_table(result["table"]), *_growth(result["growth"]), *_by_clock(result["table"])])


def put(document: str, made: str) -> str:
    """The document with the tables between its marks."""
    before, rest = document.split(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.split(END)[1]}"


def newest() -> dict[str, Any]:
    """The figures that were kept last."""
    found: dict[str, Any] = json.loads(max((HERE / "results").glob("*.json")).read_text())
    return found


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Where fewer records were measured than in the floor, both are taken without what starting costs."""
    named = {row["name"]: row for row in rows}
    lines = [
        "| | records | quota s | wall s | cpu s | peak MB | floors, wall | floors, cpu | goal |",
        "|---|" + "---|" * 8,
    ]
    for row in rows:
        start = row["name"].startswith("start-up")
        floors = ["", ""] if start else [f"{_floors(row, named, key):.1f}" for key in ("wall", "cpu")]
        quota = f"{row['quota_seconds']:g}" if "quota_seconds" in row else ""
        cells = ["" if start else f"{row['records']:,}", quota, f"{row['wall']:.2f}", f"{row['cpu']:.2f}"]
        lines.append(_line(row["name"], *cells, f"{row['megabytes']:.0f}", *floors, _goal(row)))
    return lines


def _goal(row: dict[str, Any]) -> str:
    """In floors; where Klaviyo's quota takes longer, three seconds more than that."""
    if not row["goal_floors"]:
        return ""
    quota = f", or {row['quota_seconds'] + SECONDS_BESIDE_QUOTA:g} s" if "quota_seconds" in row else ""
    return f"{row['goal_floors']:g}{quota}"


def _floors(row: dict[str, Any], named: dict[str, dict[str, Any]], key: str) -> float:
    start = named.get("start-up: `import singer_sdk` alone")
    if start is None or row["records"] >= named[_FLOOR]["records"]:
        return float(row[f"{key}_floors"])
    each = (row[key] - start[key]) / row["records"]
    return float(each / (named[_FLOOR][key] / named[_FLOOR]["records"]))


def _growth(cases: list[dict[str, Any]]) -> list[str]:
    if not cases:
        return []
    lines = ["", "| growth | records | jobs | cpu s | us a record | peak MB |", "|---|" + "---|" * 5]
    for case in cases:
        cells = [f"{case['records']:,}", f"{case['jobs']:,}", f"{case['cpu']:.2f}", f"{case['microseconds']:.1f}"]
        lines.append(_line(case["name"], *cells, f"{case['megabytes']:.0f}"))
    return lines


def _by_clock(rows: list[dict[str, Any]]) -> list[str]:
    for row in rows:
        if "by_clock" in row:
            seconds, skipped = row["by_clock"]["seconds"], row["by_clock"]["skipped"]
            more = (seconds / max(row["quota_seconds"], 1) - 1) * 100
            words = f"{row['records']:,} records took {seconds:.0f} s by the clock that skips sleep, of which "
            words += f"{skipped:.0f} s were skipped; the quota's floor is {row['quota_seconds']:.0f} s: {more:+.1f} %."
            return ["", words]
    return []


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    text = put(DOCUMENT.read_text(encoding="utf-8"), tables(newest()))
    if "--check" in sys.argv:
        sys.exit(text != DOCUMENT.read_text(encoding="utf-8"))
    DOCUMENT.write_text(text, encoding="utf-8")
