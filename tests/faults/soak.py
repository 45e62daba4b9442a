"""Three million records of a hundred streams through the real process: memory must stay where it was.

`make soak` runs it; `python -m tests.faults.soak --records 300000` for less. Fails when the process holds more than
10 % more at the end than in the first 300,000 records (or the first third of fewer).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from target_klaviyo_segments.sandbox.app import DEFAULT_API_KEY

LIST = "Y6nRLr"
PEOPLE = 300_000  # who come again and again, so that the sandbox does not grow either
BLOCK = 500  # rows of one stream between those of others
GROWTH_MAX = 1.10
PROPERTIES = {
    "email": {"type": ["string", "null"]},
    "first_name": {"type": ["string", "null"]},
    "city": {"type": ["string", "null"]},
    "score": {"type": ["number", "null"]},
    "joined_at": {"type": ["string", "null"], "format": "date-time"},
}


def main():
    """Run, print, and judge; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3_000_000)
    parser.add_argument("--streams", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sandbox, url = start_sandbox()
        try:
            samples = soak(Path(folder), url, options.records, options.streams)
        finally:
            sandbox.terminate()
            sandbox.wait(10)
        totals = json.loads((Path(folder) / "work" / "report.json").read_text())["totals"]
    return judge(samples, totals, options.records)


def start_sandbox():
    """A Klaviyo without rate limits in a process of its own, and where it listens."""
    arguments = ["--port", "0", "--no-limits", "--quiet", "--list", f"{LIST}=Soak"]
    process = subprocess.Popen(
        [sys.executable, "-m", "target_klaviyo_segments.sandbox", *arguments], stdout=subprocess.PIPE, text=True
    )
    url = next(word for word in process.stdout.readline().split() if word.startswith("http"))
    return process, url


def soak(folder, url, records, streams):
    """Feed the target; pairs of records written and megabytes held."""
    process = start_target(folder, url)
    samples, began = [], time.monotonic()
    for number, lines in enumerate(blocks(records, streams), start=1):
        process.stdin.write(lines)
        if number % 40 == 0:
            samples.append((number * BLOCK, megabytes(process.pid)))
        if number % 200 == 0:
            show(f"{number * BLOCK:>9,} records  {samples[-1][1]:7.1f} MB  {time.monotonic() - began:6.1f} s")
    process.stdin.close()
    if process.wait(3600):
        raise SystemExit((folder / "errors.txt").read_text())
    show(f"{records:>9,} records delivered in {time.monotonic() - began:.1f} s")
    return samples


def start_target(folder, url):
    config = {"api_url": url, "api_key": DEFAULT_API_KEY, "list_id": LIST, "accept_data_privacy": True}
    path = folder / "config.json"
    path.write_text(json.dumps(config | {"work_dir": str(folder / "work"), "on_plan_limit": "ignore"}))
    return subprocess.Popen(
        [sys.executable, "-m", "target_klaviyo_segments", "--config", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors.txt").open("wb"),
    )


def blocks(records, streams):
    """Lines of one stream after another, again and again, the schemas first; a STATE behind each block."""
    schemas = [{"type": "SCHEMA", "stream": f"s{n}", "schema": {"properties": PROPERTIES}} for n in range(streams)]
    head = b"".join(line({**schema, "key_properties": []}) for schema in schemas)
    for first in range(0, records, BLOCK):
        stream = f"s{first // BLOCK % streams}"
        rows = [line({"type": "RECORD", "stream": stream, "record": person(n)}) for n in range(first, first + BLOCK)]
        yield head + b"".join(rows) + line({"type": "STATE", "value": {"read": first + BLOCK}})
        head = b""


def person(number):
    """One of `PEOPLE`, as that row has them."""
    return {
        "email": f"person.{number % PEOPLE}@example.com",
        "first_name": f"Name{number % 997}",
        "city": "Reykjavík",
        "score": number * 1.5,
        "joined_at": "2025-03-04T10:00:00.000000+00:00",
    }


def line(message):
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def megabytes(pid):
    """What a process holds now."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True, text=True)
    return int(done.stdout) / 1024


def judge(samples, totals, records):
    """0 when memory stayed flat and every row has its fate."""
    span = min(300_000, records // 3)
    first = max(held for written, held in samples if written <= span)
    last = max(held for written, held in samples if written > records - span)
    show(f"first {span:,}: {first:.1f} MB; last {span:,}: {last:.1f} MB; {last / first:.2f} times")
    show(f"rows: {totals}")
    settled = totals["read"] == records == totals["delivered"] + totals["merged"]
    return 0 if last <= first * GROWTH_MAX and settled else 1


def show(words):
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
