"""Faults: the quick tests run with all others, those marked `slow` under `make test-faults` (or any `-m`)."""

from __future__ import annotations

import pytest

from tests.faults.network import Network
from tests.faults.runs import HastyClock, new_sandbox


def pytest_configure(config):
    """Make the marker known."""
    config.addinivalue_line("markers", "slow: takes seconds; runs under `make test-faults`")


def pytest_collection_modifyitems(config, items):
    """Leave slow tests out, unless a `-m` says otherwise."""
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = [item for item in items if item not in slow]
    config.hook.pytest_deselected(items=slow)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """The machine's own proxy settings are not under test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def sandbox():
    """A Klaviyo of this test's own, in real time."""
    return new_sandbox()


@pytest.fixture
def hasty():
    """The same on a clock that runs as fast as that of `run_inside`."""
    return new_sandbox(now=HastyClock().now)


@pytest.fixture
def open_network():
    """Networks in front of a sandbox that end with the test."""
    opened = []

    def begin(sandbox, *troubles, **changes):
        opened.append(Network(sandbox, *troubles, **changes).__enter__())
        return opened[-1]

    yield begin
    for network in opened:
        network.__exit__(None, None, None)
