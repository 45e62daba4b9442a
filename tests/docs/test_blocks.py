"""The README's blocks as a shell runs them, with the real tap: `make test-all`."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest
from checkout import ROOT
from documents import blocks

pytestmark = pytest.mark.tap


def block(*words):
    """The one block of the README that has these words."""
    (found,) = [
        each.text for each in blocks("console") if each.page == "README.md" and all(w in each.text for w in words)
    ]
    return found


def shell(folder, script):
    """Run it in a session of its own, and end whatever it leaves."""
    running = subprocess.Popen(
        ["bash", "-m", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = running.communicate(timeout=120)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    return running.returncode, said


def test_the_blocks_of_the_readme_deliver_a_segment(tmp_path):
    """The sandbox's, then that of the first segment, in what looks like a clone after `make demo`."""
    for name in (".venv", ".venv-tap", "examples", "sample_config.json"):
        (tmp_path / name).symlink_to(ROOT / name)
    (config,) = [json.loads(each.text) for each in blocks("json") if each.page == "README.md"]
    sample = json.loads((ROOT / "sample_config.json").read_text())
    own = config | {"api_key": sample["api_key"], "api_url": sample["api_url"]}
    (tmp_path / "config.json").write_text(json.dumps(own))
    script = block("-sandbox --quiet &") + block("> state.json") + block("--check") + "kill %1\nwait %1 || true\n"
    status, said = shell(tmp_path, script)
    assert status == 0, said
    report = json.loads((tmp_path / ".target-klaviyo-segments" / "report.json").read_text())
    assert report["totals"]["delivered"] == 1, said
    runs = [json.loads(path.read_text()) for path in (tmp_path / ".target-klaviyo-segments" / "reports").glob("*.json")]
    assert sorted(run["totals"]["delivered"] for run in runs) == [1, 5], said
    assert "newsletter" in (tmp_path / "state.json").read_text()
    assert (tmp_path / "tap.json").is_file()
