"""How the command starts: nobody waits for libraries that only odd rows need, and the tests' way is the user's."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from pipeline import LIST, cold, command, record, schema, state

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer

_ASKED = """
import gc, sys
from target_klaviyo_segments import cli
assert cli.main(["--about", "--format=json"]) == 0
odd = {"email_validator", "phonenumbers", "pyarrow", "tqdm"}
print(gc.isenabled(), *sorted(odd & sys.modules.keys()), file=sys.stderr)
"""


def test_libraries_for_odd_rows_are_not_imported_at_the_start():
    """They take 50 ms, a tenth of an empty run; and the garbage collector, off during imports, is on again."""
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.split("\n")[-2] == "True"


def told(done, folder):
    """What came of a run, without what differs from run to run: times, ids, places, the order of metrics."""
    report = json.loads((folder / "work" / "report.json").read_text())
    log = done.stderr.decode().replace(report["run_id"], "RUN").replace(str(folder), "FOLDER")
    log = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+|\d+\.\d+|(?<= in )\d+(?= s)|(?<=pid)\W+\d+", "N", log)
    return done.returncode, done.stdout, sorted(log.splitlines()), report["message"], report["totals"]


def test_what_tests_start_is_the_command_that_a_user_starts(tmp_path):
    """Status, STATE, each line of the log and the report's sums: of one that has its imports done, and of that one."""
    lines = [schema(), record("a@x.io"), record("bad"), state(1), {"type": "DATA"}]
    found = []
    for start in (cold, command):
        (folder := tmp_path / start.__name__).mkdir()
        sandbox = Sandbox(limits=False)
        sandbox.add_list(LIST, "People")
        with SandboxServer(sandbox) as server:
            found.append(told(start(lines, server.url, folder), folder))
    assert found[0] == found[1]
    assert found[0][:2] == (1, b"1\n")
