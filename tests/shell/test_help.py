"""What the command says of itself."""

from __future__ import annotations

import subprocess
import sys

_ASKED = """
from target_klaviyo_segments import cli
assert cli.main(["--help"]) == 0
assert cli.main(["forget", "--help"]) == 0
assert cli.main(["forget", "--hlep"]) == 2
"""


def test_every_command_is_found_by_help():
    """The help of the target names the other commands, and theirs how they are called."""
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, check=True, timeout=60)
    target, _, forget = done.stdout.partition("Usage: target-klaviyo-segments forget [OPTIONS]")
    assert "report, the page of a run; forget" in " ".join(target.split())
    assert "--and-empty-list" in forget
    assert "Try 'target-klaviyo-segments forget --help' for help." in done.stderr
