"""The main job in one go: a sandbox Klaviyo, a real tap, the target, and what came of it.

Run by `make demo`. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / ".demo"  # stays, so that the page of the report can be opened; each demo is a first run all the same
LIST_ID = "Y6nRLr"


def main() -> int:
    """Export the sample segment and print the report; non-zero when something did not work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tap", required=True, help="path of tap-jsonl")
    tap = parser.parse_args().tap
    sandbox = Sandbox()
    sandbox.add_list(LIST_ID, "Newsletter segment")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with SandboxServer(sandbox) as server:
        print(f"a sandbox Klaviyo listens at {server.url}")
        status = export(tap, server.url, FOLDER)
        report = json.loads((FOLDER / "work" / "report.json").read_text(encoding="utf-8"))
        show(report, sandbox.members(LIST_ID))
    print(f"\nThe report as a page, for a browser: {FOLDER / 'work' / 'report.html'}")
    print("To see an export arrive: start this, open the address that it prints in a browser, and export (README.md)")
    print(f"$ {shlex.quote(str(Path(sys.executable).with_name('target-klaviyo-segments-sandbox')))}")
    return status


def export(tap: str, url: str, folder: Path) -> int:
    """`tap-jsonl --config tap.json | target-klaviyo-segments --config target.json`."""
    tap_config = {
        "path": str(ROOT / "examples/demo/data/newsletter.jsonl"),
        "stream_name": "newsletter",
        "primary_keys": ["customer_id"],
    }
    sample = json.loads((ROOT / "sample_config.json").read_text(encoding="utf-8"))
    target_config = sample | {"api_url": url, "work_dir": str(folder / "work")}
    for name, content in (("tap", tap_config), ("target", target_config)):
        path = folder / f"{name}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(content), encoding="utf-8")
    print("$ tap-jsonl --config tap.json | target-klaviyo-segments --config target.json\n")
    target = [sys.executable, "-m", "target_klaviyo_segments", "--config", str(folder / "target.json")]
    with subprocess.Popen(
        [tap, "--config", str(folder / "tap.json")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        done = subprocess.run(target, stdin=running.stdout, stdout=subprocess.PIPE, text=True, check=False)
    print(f"\nSTATE on stdout: {len(done.stdout.splitlines())} line(s); exit status {done.returncode}")
    return done.returncode


def show(report: dict[str, object], members: list[dict[str, object]]) -> None:
    """The report of the run, and the list as the sandbox has it."""
    totals = report["totals"]
    print("\n-- report.json, totals")
    print(json.dumps(totals, indent=2))
    print(f"\n-- members of the list {LIST_ID}, read back from the sandbox: {len(members)}")
    for member in members:
        name = f"{member.get('first_name', '')} {member.get('last_name', '')}".strip()
        print(f"   {member['email']:<30} {name:<24} {member.get('phone_number') or 'no phone'}")


if __name__ == "__main__":
    sys.exit(main())
