"""Fixtures of the whole target."""

from __future__ import annotations

import pytest
from pipeline import LIST, Pipeline

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer


@pytest.fixture
def pipeline(tmp_path):
    """A target on a sandbox, in this process."""
    return Pipeline(tmp_path)


@pytest.fixture
def server():
    """A sandbox behind a socket, for the command in its own process; in real time, so it limits nobody."""
    sandbox = Sandbox(limits=False)
    sandbox.add_list(LIST, "People")
    with SandboxServer(sandbox) as running:
        yield running
