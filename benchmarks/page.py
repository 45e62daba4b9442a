"""What the page of a report costs: processor time to make the HTML of a run of many streams, and its size.

`python benchmarks/page.py --streams 100`. The best of several, for the machine is shared; importing htpy is apart.
"""

from __future__ import annotations

import argparse
import random
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from target_klaviyo_segments.report.document import RunReport, StreamReport
from target_klaviyo_segments.report.tally import Tally

BEGAN = datetime(2026, 11, 24, 9, tzinfo=timezone.utc)
SOME = (0, 0, 0, 1, 20, 500)


def report(streams: int, warnings: int) -> dict[str, Any]:
    """A run with rejects, two exports a stream, fields, mirrors, warnings and 29 runs before it."""
    source = random.Random(7)
    made = RunReport("20261124T090000Z-1a2b3c", "klaviyo", "0", "bench", BEGAN, status="successful", seconds=600.0)
    made.account_id, made.account_name, made.rejects_file = "SANDBX", "Sandbox Ltd", "rejects/x.jsonl"
    made.streams = [stream(place, warnings // streams, source) for place in range(streams)]
    quota = [{"jobs": 10, "seconds": 1}, {"jobs": 150, "seconds": 60}]
    steps = [source.choice(SOME[:5]) for _ in range(120)]
    made.pace = {"began_at": BEGAN.isoformat(), "step_seconds": 5.0, "submitted": steps, "ended": steps, "quota": quota}
    counts = made.totals.as_dict()
    made.earlier = [
        {"run_id": f"run-{day}", "status": "successful", "seconds": 600.0, **counts}
        | {"began_at": (BEGAN - timedelta(days=day)).isoformat()}
        for day in range(1, 30)
    ]
    return made.as_dict()


def stream(place: int, warnings: int, source: random.Random) -> StreamReport:
    """One of them."""
    counts = {fate: source.choice(SOME) for fate in ("rejected", "unchanged", "merged", "removed", "failed")}
    tally = Tally(delivered=source.randint(0, 200_000), **counts)
    tally.read = tally.settled
    tally.reasons.update({"email_missing": tally.rejected})
    tally.dropped.update({"phone_number": 15})
    tally.cleared.update({"title": 3} if place % 3 == 0 else {})
    name = f"segment_{place:03d}"
    return StreamReport(
        name,
        tally,
        f"L{place:05d}",
        f"Segment {place}",
        [export(place, number, tally.delivered // 2) for number in (1, 2)],
        [f"stream `{name}`: property `p{number}` of `field_map` is not in its schema" for number in range(warnings)],
        {"members_before": 9, "leavers": 2, "removed": 2, "not_found": 0, "stayed": 0, "kept": 0, "refused": None}
        if place % 4 == 0
        else None,
    )


def export(place: int, number: int, rows: int) -> dict[str, Any]:
    """One of its exports."""
    began = BEGAN + timedelta(seconds=5 * place + number)
    return {
        "number": number,
        "status": "successful",
        "profiles": rows,
        "delivered": rows,
        "rejected": 0,
        "failed": 0,
    } | {
        "jobs": rows // 10_000 + 1,
        "began_at": began.isoformat(),
        "ended_at": (began + timedelta(seconds=4)).isoformat(),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--warnings", type=int, default=0)
    parser.add_argument("--turns", type=int, default=20)
    options = parser.parse_args()
    document = report(options.streams, options.warnings)
    began = time.process_time()
    from target_klaviyo_segments.report.html.page import render  # noqa: PLC0415  # its import is measured

    imported = time.process_time() - began
    turns = []
    for _ in range(options.turns):
        began = time.process_time()
        page = render(document)
        turns.append(time.process_time() - began)
    size = len(page.encode()) / 1000
    print(
        f"{options.streams} streams, {options.warnings} warnings: import {imported * 1000:.1f} ms, first page ", end=""
    )
    print(f"{turns[0] * 1000:.1f} ms, best {min(turns) * 1000:.1f} ms; {size:.0f} kB")


if __name__ == "__main__":
    main()
