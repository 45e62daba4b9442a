"""What the ledger costs a row: batches written down, sent and delivered, and people asked about.

`python benchmarks/ledger.py --records 1000000`. Passes over the same people: into an empty ledger, again in the same
order, again shuffled. Wall time has the disk's share in it, fsync included; processor time is steadier.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from target_klaviyo_segments.ledger import Ledger, fingerprints

BATCH = 10_000


def people(count: int) -> tuple[list[str], list[str]]:
    """E-mails in no order, and record keys."""
    source = random.Random(1)
    numbers = source.sample(range(10**9), count)
    emails = [f"{source.choice('abcdefgh')}person.{n}@example{n % 50}.com" for n in numbers]
    return emails, [f"[{n}]" for n in range(count)]


def clocks() -> tuple[float, float]:
    """Wall and processor time, in seconds."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> tuple[float, float]:
    """What has passed of both."""
    wall, cpu = clocks()
    return wall - began[0], cpu - began[1]


def deliver(ledger: Ledger, run_id: str, emails: list[str], keys: list[str]) -> tuple[float, float]:
    """One run that delivers everybody; to its seconds."""
    marks = [hash((run_id, n)) for n in range(len(emails))]
    began = clocks()
    ledger.begin_run(run_id, connection="bench", version="0")
    for first in range(0, len(emails), BATCH):
        part = slice(first, min(first + BATCH, len(emails)))
        rows = range(part.stop - first)
        intent = ledger.intend(
            run_id, stream="people", list_id="Y6nRLr", emails=emails[part], numbers=range(first, part.stop),
            fingerprints=marks[part], keys=keys[part],
        )  # fmt: skip  # one column a word
        ledger.submitted(intent, f"job-{first}", rows)
        ledger.settle(intent, delivered=rows)
    ledger.end_run(run_id, "ok", {})
    return since(began)


def ask(ledger: Ledger, run_id: str, emails: list[str]) -> tuple[float, float]:
    """Whether each is unchanged; to its seconds.

    Raises:
        SystemExit: Somebody is not.
    """
    marks = [hash((run_id, n)) for n in range(len(emails))]
    began, same = clocks(), 0
    for first in range(0, len(emails), BATCH):
        part = slice(first, first + BATCH)
        same += len(ledger.unchanged("Y6nRLr", emails[part], marks[part], stream="people", delivered_since=0))
    if same != len(emails):
        raise SystemExit(f"{same} of {len(emails)} are unchanged")
    return since(began)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    count = parser.parse_args().records
    emails, keys = people(count)
    order = random.Random(2).sample(range(count), count)
    print(f"{count:,} people; Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}; microseconds a row")
    print(f"{'':<28}{'wall':>8}{'cpu':>8}")
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "ledger.sqlite3", now=time.time, warn=print)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        _print("deliver, empty ledger", deliver(ledger, "1", emails, keys), count)
        _print("deliver, same order", deliver(ledger, "2", emails, keys), count)
        emails, keys = [emails[n] for n in order], [keys[n] for n in order]
        _print("deliver, shuffled", deliver(ledger, "3", emails, keys), count)
        _print("unchanged", ask(ledger, "3", emails), count)
        _print("deliver, when asked between", deliver(ledger, "4", emails, keys), count)
        _print_rest(ledger, keys, payload=b"x" * 300)
        ledger.close()
        print(f"file {(Path(folder) / 'ledger.sqlite3').stat().st_size / 1e6:.0f} MB", end="; ")
    print(
        f"memory grew by {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024:.0f} MB with its input"
    )


def _print(name: str, seconds: tuple[float, float], count: int) -> None:
    print(f"{name:<28}{seconds[0] / count * 1e6:>8.2f}{seconds[1] / count * 1e6:>8.2f}")


def _print_rest(ledger: Ledger, keys: list[str], payload: bytes) -> None:
    for name, count, act in (
        ("fingerprint", BATCH, lambda: fingerprints([payload] * BATCH)),
        ("members", len(keys), lambda: sum(1 for _ in ledger.members("Y6nRLr"))),
        ("the first key ever", len(keys), lambda: ledger.emails_of_keys("Y6nRLr", "people", keys[:1])),
        ("keys", BATCH, lambda: ledger.emails_of_keys("Y6nRLr", "people", keys[:BATCH])),
    ):
        began = clocks()
        act()
        _print(name, since(began), count)


if __name__ == "__main__":
    main()
