"""What a run that has nothing to do costs: nobody waits for libraries that only odd rows need."""

from __future__ import annotations

import subprocess
import sys

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
