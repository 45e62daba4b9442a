"""What a mirror asks of Klaviyo: a list read side by side, and people taken off whose ids are known.

`python benchmarks/mirror.py --members 100000`. On a sandbox with Klaviyo's rate windows and a clock that passes when
everybody waits, so that seconds are those of Klaviyo's answers and windows, and not of this machine. An answer takes
`--answer-seconds`. A busy machine makes the figures a little larger, never smaller.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from doubles import SharedClock
from pipeline import Pipeline
from shop import LIST, Shop

from target_klaviyo_segments.export.roll import READERS, call_the_roll
from target_klaviyo_segments.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = 100
SHAPES = {  # how many joined at once, and the seconds until the next
    "50 every hour": (50, 3600.0),
    "imports of 10,000, 50 a second": (50, 1.0),
    "imports of 10,000 in one second": (10_000, 86_400.0),
    "all in one second": (10_000, 0.0),
}


def fill(shop: Shop, members: int, part: int, seconds: float) -> None:
    """People join as a shape says; a day lies between two imports of 10,000."""
    for first in range(0, members, part):
        shop.join(*(f"p{number}@x.io" for number in range(first, min(first + part, members))))
        shop.clock.sleep(86_400.0 if seconds == 1.0 and (first + part) % 10_000 == 0 else seconds)


def read(shop: Shop, pages: Callable[[], Iterator[tuple[object, ...]]]) -> tuple[float, int, int]:
    """Virtual seconds, requests, and people."""
    began, before = shop.clock.now(), len(shop.box.requests)
    people = {person.id for page in pages() for person in page}
    return shop.clock.now() - began, len(shop.box.requests) - before, len(people)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--answer-seconds", type=float, default=0.3)
    options = parser.parse_args()
    sys.setswitchinterval(0.0002)  # two dozen threads, each of which must get its turn before time passes
    pages = -(-options.members // PAGE)
    floor = pages / 75 if pages <= 750 else 60 * ((pages - 1) // 750) + ((pages - 1) % 750 + 1) / 75  # noqa: PLR2004  # 75/s, 750/m
    print(f"{options.members:,} members, {pages:,} pages; {READERS} readers, {options.answer_seconds} s an answer")
    print(f"floor of 75 pages a second, 750 a minute: {floor:.0f} s")
    print(f"one reader: {pages * max(options.answer_seconds, 0.08):.0f} s, {pages:,} requests\n")
    print(f"{'the list grew by':<36}{'seconds':>9}{'requests':>10}{'refused':>9}{'real s':>8}")
    for name, (part, seconds) in SHAPES.items():
        shop = Shop(clock=SharedClock(1_790_000_000.0, quiet=0.05, grace=0.004), answer_seconds=options.answer_seconds)
        fill(shop, options.members, part, seconds)
        shop.clock.sleep(3600.0)
        real = time.perf_counter()
        took, requests, people = read(shop, lambda shop=shop: call_the_roll(shop.client, LIST, lambda: None))
        if people != options.members:
            raise SystemExit(f"{people} of {options.members} were read")
        refused = sum(entry.status == 429 for entry in shop.box.requests)  # noqa: PLR2004  # too many requests
        print(f"{name:<36}{took:>9.1f}{requests:>10,}{refused:>9}{time.perf_counter() - real:>8.1f}", flush=True)
    print()
    removal(options.members)


def removal(members: int) -> None:
    """A mirror of which one in ten has left, and whose ids the ledger knows.

    Raises:
        SystemExit: They are not off the list.
    """
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder))
        settings = {"sync_mode": "mirror", "mirror_on_end_of_input": True}
        pipeline.run(lines(range(members)), **settings)
        ledger = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
        ledger.learn_ids(LIST, {email: member["id"] for email, member in pipeline.members().items()})
        ledger.close()
        before, began, real = len(pipeline.sandbox.requests), pipeline.clock.now(), time.perf_counter()
        pipeline.run(lines(range(members // 10, members)), **settings)
        requests = pipeline.sandbox.requests[before:]
        left = pipeline.report["streams"]["people"]["mirror"]["removed"]
        if left != members // 10 or len(pipeline.members()) != members - left:
            raise SystemExit(f"{left} were taken off: {pipeline.error}")
        kinds = {method: sum(entry.method == method for entry in requests) for method in ("POST", "DELETE", "GET")}
        reads = sum(entry.method == "GET" and "/profiles" in entry.path for entry in requests)
        print(
            f"{members:,} members, {left:,} leave, ids known: {json.dumps(kinds)}, profiles read: {reads}; the "
            f"whole run {pipeline.clock.now() - began:.1f} s of Klaviyo's windows, {time.perf_counter() - real:.1f} s"
        )


def lines(numbers: range) -> str:
    """A segment that ends with a STATE."""
    head = '{"type":"SCHEMA","stream":"people","schema":{"properties":{"email":{}}},"key_properties":[]}\n'
    row = '{{"type":"RECORD","stream":"people","record":{{"email":"p{}@x.io"}}}}\n'
    return head + "".join(map(row.format, numbers)) + '{"type":"STATE","value":1}\n'


if __name__ == "__main__":
    main()
