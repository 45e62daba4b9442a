"""Settings of all tests, and what some of them need besides Python."""

from __future__ import annotations

import gc
import shutil
import sqlite3
from collections import Counter
from functools import cache
from typing import NamedTuple

import forks
import pytest
from browser import chromium
from checkout import ROOT
from hypothesis import HealthCheck, settings
from meltano_project import meltano
from postgres import programs

# A shared machine is slow at times; what is slow is measured in benchmarks, not here.
# Fixtures that property tests use are factories: each example makes its own sandbox with them.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("shared")

gc.disable()  # until all tests are known: what is imported stays, and looking through it takes a third of the time


class Need(NamedTuple):
    """What tests with a marker need."""

    what: str
    there: bool
    remedy: str


@cache
def needs():
    """Marker: what its tests need, whether it is there, and how to get it."""
    browser = bool(shutil.which("chromium") and shutil.which("chromedriver"))
    return {
        "browser": Need("Chromium", browser, "apt-get install chromium chromium-driver"),
        "meltano": Need("Meltano", bool(meltano()), "make .venv-meltano/.ready, or Meltano on the PATH"),
        "postgres": Need(
            "PostgreSQL with wal2json", programs() is not None, "apt-get install postgresql postgresql-15-wal2json"
        ),
        "tap": Need("tap-jsonl", (ROOT / ".venv-tap" / "bin" / "tap-jsonl").exists(), "make demo"),
    }


LEFT_OUT = pytest.StashKey[Counter]()


def pytest_addoption(parser):
    """`--all`: the tests that need more than Python, too."""
    parser.addoption("--all", action="store_true", help="run the tests that need a browser, Meltano or PostgreSQL too")


def pytest_configure(config):
    """Make the markers known."""
    config.stash[LEFT_OUT] = Counter()
    config.addinivalue_line("markers", "thorough: tries a few examples; hundreds under `make test-runs`")
    for marker, need in needs().items():
        config.addinivalue_line("markers", f"{marker}: needs {need.what}; runs under `make test-all`")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leave out what needs more than Python, unless `--all` or a `-m` asks for it; then everything must be there.

    Raises:
        pytest.UsageError: Something that was asked for needs what is not on this machine.
    """
    wanting = {item: [marker for marker in needs() if item.get_closest_marker(marker)] for item in items}
    asked = Counter(marker for markers in wanting.values() for marker in markers)
    if config.option.all or config.option.markexpr:
        missing = [need for marker, need in needs().items() if asked[marker] and not need.there]
        if missing:
            raise pytest.UsageError("; ".join(f"{need.what} is missing: {need.remedy}" for need in missing))
        return
    config.stash[LEFT_OUT] += asked
    items[:] = [item for item in items if not wanting[item]]
    config.hook.pytest_deselected(items=[item for item, markers in wanting.items() if markers])


def pytest_collection_finish():
    """What there is by now is there to the end: it is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def _no_database_is_left_open():
    """Python 3.13 warns of one whenever it happens to throw it away, which may be in any test of another file."""
    yield
    left = [each for each in gc.get_objects() if type(each) is sqlite3.Connection and is_open(each)]
    for each in left:  # so that the next file does not find them
        each.close()
    assert not left, f"tests of this file left {len(left)} databases open"


def is_open(connection):
    """Whether nobody has closed it."""
    try:
        connection.total_changes  # noqa: B018  # it raises
    except sqlite3.ProgrammingError:
        return False
    return True


def pytest_sessionfinish(session):
    """A worker tells what it left out."""
    forks.end()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(session.config.stash[LEFT_OUT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Workers collect the same tests: one of them is enough."""
    node.config.stash[LEFT_OUT] = Counter(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter, config):
    """Say what was left out, and why."""
    for marker, count in config.stash[LEFT_OUT].items():
        need = needs()[marker]
        there = "is here" if need.there else f"is not here ({need.remedy})"
        terminalreporter.write_line(f"left out: {count} {marker} tests; `make test-all` runs them; {need.what} {there}")


@pytest.fixture(scope="session")
def browser():
    """A Chromium for all tests of this session."""
    with chromium() as running:
        yield running
