"""Whatever ends a mirrored run before its segment came whole: nobody is taken off."""

from __future__ import annotations

import fcntl
import random
import select
import signal
import termios
from array import array

import forks
import pytest
from pipeline import LIST, configure, record, schema, state, text

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
        mirror = {"sync_mode": "mirror", "mirror_on_end_of_input": True, "max_removal_percent": 100}
        arguments = configure(server.url, folder, batch_size_rows=100, **mirror)
        first = forks.run(arguments, input=segment(PEOPLE))
        assert first.returncode == 0, first.stderr.decode()
        yield arguments, sandbox


def assert_nobody_left(sandbox, process, more=None):
    _, errors = process.communicate(more, timeout=60)
    assert process.returncode
    assert b"Traceback" not in errors
    assert len(sandbox.members(LIST)) == PEOPLE


def wait_until_read(pipe):
    """Until nothing is left in it."""
    unread = array("i", [1])
    while unread[0]:
        select.select([], [], [], 0.002)
        fcntl.ioctl(pipe, termios.FIONREAD, unread)


@pytest.mark.parametrize("number", range(8))
def test_mirror_stopped(filled, number):
    """SIGTERM after any number of bytes was read, also after all of them, while the tap has not ended."""
    arguments, sandbox = filled
    lines = segment(PEOPLE // 2)
    process = forks.Command(arguments)
    process.stdin.write(lines[: random.Random(number).randrange(len(lines))] if number else lines)
    process.stdin.flush()
    wait_until_read(process.stdin)
    process.send_signal(signal.SIGTERM)
    assert_nobody_left(sandbox, process)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.95, 0.99])
def test_mirror_of_a_truncated_tap(filled, share):
    """`tap | head -c`: the pipe closes as that of a good tap does."""
    arguments, sandbox = filled
    lines = segment(PEOPLE // 2)
    process = forks.Command(arguments)
    assert_nobody_left(sandbox, process, lines[: int(len(lines) * share)])
