"""Whatever ends a mirrored run before its segment came whole: nobody is taken off."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys

import pytest
from pipeline import KEY, LIST, record, schema, state, text

from target_klaviyo_segments.sandbox.server import SandboxServer
from tests.faults.runs import new_sandbox

VERSION = 1_790_000_000_000
PEOPLE = 600


def segment(count):
    """A stream that is closed by its version and followed by a STATE."""
    closing = {"type": "ACTIVATE_VERSION", "stream": "people", "version": VERSION}
    rows = [{**record(f"p{number}@x.io"), "version": VERSION} for number in range(count)]
    return text([schema(), *rows, closing, state(1)]).encode()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A list that a first run filled; the second run, of half of the people, must take nobody off."""
    folder = tmp_path_factory.mktemp("mirror")
    sandbox = new_sandbox(limits=False)
    with SandboxServer(sandbox) as server:
        config = {"api_url": server.url, "api_key": KEY, "list_id": LIST, "accept_data_privacy": True}
        config |= {"work_dir": str(folder / "work"), "sync_mode": "mirror", "mirror_on_end_of_input": True}
        config |= {"batch_size_rows": 100, "max_removal_percent": 100}
        (folder / "config.json").write_text(json.dumps(config))
        first = start(folder, stdin=subprocess.PIPE)
        first.communicate(segment(PEOPLE), timeout=60)
        assert first.returncode == 0
        yield folder, sandbox


def start(folder, **popen):
    return subprocess.Popen(
        [sys.executable, "-m", "target_klaviyo_segments", "--config", str(folder / "config.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **popen,
    )


def assert_nobody_left(sandbox, process, more=None):
    _, errors = process.communicate(more, timeout=60)
    assert process.returncode
    assert b"Traceback" not in errors
    assert len(sandbox.members(LIST)) == PEOPLE


@pytest.mark.parametrize("number", range(20))
def test_mirror_stopped(filled, number):
    """SIGTERM after any number of bytes, also after all of them, while the tap has not ended."""
    folder, sandbox = filled
    lines = segment(PEOPLE // 2)
    process = start(folder, stdin=subprocess.PIPE)
    process.stdin.write(lines[: random.Random(number).randrange(len(lines))] if number else lines)
    process.stdin.flush()
    process.send_signal(signal.SIGTERM)
    assert_nobody_left(sandbox, process)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.95, 0.99])
def test_mirror_of_a_truncated_tap(filled, share):
    """`tap | head -c`: the pipe closes as that of a good tap does."""
    folder, sandbox = filled
    lines = segment(PEOPLE // 2)
    process = start(folder, stdin=subprocess.PIPE)
    assert_nobody_left(sandbox, process, lines[: int(len(lines) * share)])
