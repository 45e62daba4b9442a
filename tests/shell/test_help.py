"""What the command says of itself."""

from __future__ import annotations

import signal
import subprocess
import sys

_ASKED = """
from target_klaviyo_segments import cli
assert cli.main(["--help"]) == 0
assert cli.main(["forget", "--help"]) == 0
assert cli.main(["forget", "--hlep"]) == 2
assert cli.main(["--json"]) == 2
"""
_INTERRUPTED = """
import os, signal, sys

class Impatient:
    def find_spec(self, name, *_):
        if name == "singer_sdk":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
from target_klaviyo_segments import cli
cli.main(["--about"])
"""


def test_every_command_is_found_by_help():
    """The help of the target names the other commands, and theirs how they are called."""
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, check=True, timeout=60)
    target, _, forget = done.stdout.partition("Usage: target-klaviyo-segments forget [OPTIONS]")
    assert "report, the page of a run; forget" in " ".join(target.split())
    assert "--and-empty-list" in forget
    assert "--json goes with --check" in done.stderr
    assert "Try 'target-klaviyo-segments forget --help' for help." in done.stderr


def test_ctrl_c_before_anything_was_read():
    """It ends the command without a word, as by the signal; no library's traceback."""
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
