"""The rows of the table: each a piece of work, its quota floor, its goal, and how it is run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from records import Kind
from running import Measure, Workshop, hear, measure, sandbox, script

LEAVERS_EVERY = 100


@dataclass(frozen=True)
class Row:
    """One line of the table. `records` is a share of what the table is made for; `floors` the goal by the plain floor.

    `quota` is what Klaviyo's quota alone takes: full jobs of 10,000, ten at once and 150 a minute.
    """

    name: str
    run: Callable[[Workshop, int], Measure]
    floors: float | None = None
    share: float = 1.0
    quota: bool = False
    times: int | None = None  # measured so often and no more

    @staticmethod
    def quota_seconds(records: int) -> float:
        """When the last import job can be sent at the earliest, in seconds after the first."""
        jobs = -(-records // 10_000)
        return 60.0 * ((jobs - 1) // 150) + (jobs - 1) % 150 // 10


def _floor(shop: Workshop, count: int) -> Measure:
    return measure(script("floor.py"), shop.lines(count))


def _standard_floor(shop: Workshop, count: int) -> Measure:
    return measure(script("floor.py", "--standard"), shop.lines(count))


def _sdk(shop: Workshop, count: int, *, validate: bool) -> Measure:
    config = shop.folder / "sdk.json"
    config.write_text(json.dumps({"validate_records": validate}))
    return measure(script("sdk_path.py", "--config", config), shop.lines(count))


def _export(shop: Workshop, count: int) -> Measure:
    with sandbox("--limits") as (url, _):
        return shop.export(url, shop.lines(count))


def _unlimited(shop: Workshop, count: int) -> Measure:
    with sandbox() as (url, _):
        return shop.export(url, shop.lines(count))


def _slow_jobs(shop: Workshop, count: int, *, exports: int) -> Measure:
    with sandbox("--limits", "--job-seconds", 5) as (url, _):
        return shop.export(url, shop.lines(count), max_profiles_per_export=count // exports)


def _unchanged(shop: Workshop, count: int) -> Measure:
    with sandbox("--limits") as (url, _):
        filled = shop.folder / f"filled-{count}"
        if not filled.exists():
            with sandbox() as (other, _):
                shop.export(other, shop.lines(count))
            (shop.folder / "work").rename(filled)
        shutil.rmtree(shop.folder / "work", ignore_errors=True)
        shutil.copytree(filled, shop.folder / "work")
        done = shop.export(url, shop.lines(count), fresh=False, unchanged_profiles="skip")
    _expect(done, unchanged=count, jobs=0)
    return done


def _batches(shop: Workshop, count: int) -> Measure:
    with sandbox("--limits") as (url, _):
        return shop.export(url, shop.batches(count))


def _parquet(shop: Workshop, count: int) -> Measure:
    with sandbox("--limits") as (url, _):
        return shop.export(url, shop.parquet(count))


def _odd(shop: Workshop, count: int) -> Measure:
    with sandbox("--limits") as (url, _):
        return shop.export(url, shop.lines(count, Kind(odd=True)), default_country="US")


def _mirror(shop: Workshop, count: int) -> Measure:
    """The same segment again, without one in a hundred, whose ids the ledger has."""
    with sandbox() as (url, box):
        shop.export(url, shop.lines(count))
        config = shop.config(url, fresh=False)
        measure(script("learn_ids.py", config, count, LEAVERS_EVERY), shop.empty)
        box.send_signal(signal.SIGUSR1)
        if (told := hear(box)) != "limits":
            raise SystemExit(f"the sandbox was told to limit its callers, and says {told}")
        lines = shop.lines(count, Kind(without_every=LEAVERS_EVERY))
        mirror = {"sync_mode": "mirror", "mirror_on_end_of_input": True}
        done = shop.export(url, lines, fresh=False, **mirror)
    leavers = -(-count // LEAVERS_EVERY)
    _expect(done, delivered=count - leavers)
    removed = done.report["streams"]["people"]["mirror"]["removed"]
    if removed != leavers:
        raise SystemExit(f"{removed} of {leavers} leavers were removed")
    return done


def _ten_millions(shop: Workshop, count: int) -> Measure:
    """Ten times the people of the table through a pipe, on a clock that skips what everybody sleeps."""
    base, clock, told = shop.lines(count // 10), shop.folder / "time", shop.folder / "told"
    clock.unlink(missing_ok=True)
    with (
        sandbox("--limits", "--time", clock) as (url, _),
        subprocess.Popen(script("records.py", base, 10), stdout=subprocess.PIPE) as source,
    ):
        config = shop.config(url)
        pipe = os.dup(source.stdout.fileno())  # type: ignore[union-attr]  # it is a pipe
        source.stdout.close()  # type: ignore[union-attr]  # same
        done = measure(script("skipping_target.py", config, clock), pipe, errors=told)
    report = json.loads((shop.folder / "work" / "report.json").read_text())
    by_clock = json.loads(told.read_text().splitlines()[-1])
    done = replace(done, report=report | {"by_clock": by_clock})
    _expect(done, delivered=count)
    return done


def _start(shop: Workshop, _count: int) -> Measure:
    with sandbox("--limits") as (url, _):
        config = shop.config(url)
        return measure([sys.executable, "-m", "target_klaviyo_segments", "--config", str(config)], shop.empty)


def _version(shop: Workshop, _count: int) -> Measure:
    return measure([sys.executable, "-m", "target_klaviyo_segments", "--version"], shop.empty)


def _import_sdk(shop: Workshop, _count: int) -> Measure:
    return measure([sys.executable, "-c", "import singer_sdk"], shop.empty)


def _expect(done: Measure, **totals: int) -> None:
    found = {name: done.report["totals"][name] for name in totals}
    if found != totals:
        raise SystemExit(f"expected {totals}, and the report has {found}")


FLOOR = "plain floor, compiled decoder"
START = "start-up: an empty input"
IMPORT = "start-up: `import singer_sdk` alone"
VERSION = "start-up: `--version`"
ONE_EXPORT = "one export, jobs of 5 s"
TEN_EXPORTS = "ten exports, jobs of 5 s"
VIRTUAL = "ten times as many, sleep skipped"
TABLE = (
    Row(FLOOR, _floor),
    Row("plain floor, Python's own json", _standard_floor, times=1),
    Row("the SDK's defaults, empty sink", lambda shop, count: _sdk(shop, count, validate=True), share=0.02),
    Row("the same without validation", lambda shop, count: _sdk(shop, count, validate=False), share=0.1),
    Row("the target, no rate limits", _unlimited, 2.2),
    Row("the target", _export, 2.2, quota=True),
    Row("nothing changed, `unchanged_profiles: skip`", _unchanged, 1.5),
    Row("BATCH files, jsonl.gz", _batches, 1.5, quota=True),
    Row("BATCH files, Parquet", _parquet, 1.5, quota=True),
    Row("half of the phones national, a tenth of the e-mails odd", _odd, 2.5, quota=True),
    Row("mirror, 1 % leavers, ids known", _mirror, 2.5, quota=True),
    Row(ONE_EXPORT, lambda shop, count: _slow_jobs(shop, count, exports=1), quota=True),
    Row(TEN_EXPORTS, lambda shop, count: _slow_jobs(shop, count, exports=10), quota=True),
    Row(START, _start),
    Row(IMPORT, _import_sdk),
    Row(VERSION, _version),
    Row(VIRTUAL, _ten_millions, share=10.0, quota=True, times=1),
)
