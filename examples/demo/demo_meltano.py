"""The main job through Meltano: `meltano install`, then `meltano run tap-jsonl target-klaviyo-segments`.

Run by `make demo-meltano`, with the meltano.yml of this repository and a sandbox Klaviyo.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer

ROOT = Path(__file__).resolve().parent.parent.parent
LIST_ID = "Y6nRLr"
EXPECTED_MEMBERS = 5


def main() -> int:
    """Non-zero when a command fails or the list does not hold the people of the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meltano", required=True, help="path of meltano")
    meltano = Path(parser.parse_args().meltano).absolute()  # it is started in another folder
    sandbox = Sandbox()
    sandbox.add_list(LIST_ID, "Newsletter segment")
    with SandboxServer(sandbox) as server, tempfile.TemporaryDirectory() as folder:
        settings = {
            "TARGET_KLAVIYO_SEGMENTS_API_URL": server.url,
            "TARGET_KLAVIYO_SEGMENTS_API_KEY": "pk_sandbox_0123456789abcdef",
            "TARGET_KLAVIYO_SEGMENTS_LIST_ID": LIST_ID,
            "TARGET_KLAVIYO_SEGMENTS_ACCEPT_DATA_PRIVACY": "true",
            "TARGET_KLAVIYO_SEGMENTS_WORK_DIR": folder,
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            # A state of its own: each demo is a first run.
            "MELTANO_DATABASE_URI": f"sqlite:///{folder}/meltano.db",
        }
        for command in (["install"], ["run", "tap-jsonl", "target-klaviyo-segments"]):
            print(f"$ meltano {' '.join(command)}", flush=True)
            done = subprocess.run([meltano, *command], cwd=ROOT, env=os.environ | settings, check=False)
            if done.returncode:
                return done.returncode
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
        members = sandbox.members(LIST_ID)
        print(f"\nreport: {json.dumps(report['totals'])}\nmembers of the list, read back: {len(members)}")
        return 0 if len(members) == EXPECTED_MEMBERS else 1


if __name__ == "__main__":
    sys.exit(main())
