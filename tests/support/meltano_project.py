"""The Meltano project of this repository, with a sandbox Klaviyo and a state of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from pipeline import LIST

from target_klaviyo_segments.sandbox.app import Sandbox

ROOT = Path(__file__).parent.parent.parent
MELTANO = ROOT / ".venv-meltano" / "bin" / "meltano"
# The tap wants a psycopg2-binary that has no build for Python 3.13.
OVERRIDES = ROOT / "tests" / "data" / "uv-overrides.txt"


def meltano():
    """The command: that of `make`, else one on the PATH, else None."""
    return str(MELTANO) if MELTANO.exists() else shutil.which("meltano")


def copy_project(folder, installed=None):
    """The project of this checkout in a folder of its own, with the plugins that are installed in another such.

    Meltano keeps the catalog of a tap below the project, in one file for all of its runs: of two at once each may read
    what the other has written by half.
    """
    for path in ROOT.iterdir():
        if path.name == "meltano.yml":
            shutil.copy(path, folder)
        elif not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    (folder / ".meltano").mkdir()
    for kind in ("extractors", "loaders") if installed else ():
        (folder / ".meltano" / kind).symlink_to(installed / ".meltano" / kind)
    return folder


class MeltanoProject:
    """Runs of `meltano` in the project of a folder; what else they leave is in another."""

    def __init__(self, folder, server, cwd, **environment):
        self.folder, self.cwd = folder, cwd
        self.sandbox = server.sandbox
        self.environment = {
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "MELTANO_DATABASE_URI": f"sqlite:///{folder}/meltano.db",
            "UV_OVERRIDE": str(OVERRIDES),
            "TARGET_KLAVIYO_SEGMENTS_API_URL": server.url,
            "TARGET_KLAVIYO_SEGMENTS_WORK_DIR": str(folder / "work"),
            **environment,
        }

    def meltano(self, *arguments, **settings):
        """`meltano ARGUMENTS`, with settings of the target in the environment."""
        given = {f"TARGET_KLAVIYO_SEGMENTS_{name.upper()}": str(value) for name, value in settings.items()}
        done = subprocess.run(
            [meltano(), *arguments],
            cwd=self.cwd,
            env=os.environ | self.environment | given,
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.said = done.stdout + done.stderr
        return done.returncode

    def run(self, *blocks, **settings):
        """`meltano run BLOCKS`; True when Meltano says that it went well."""
        return self.meltano("run", *blocks, **settings) == 0

    @property
    def report(self):
        return json.loads((self.folder / "work" / "report.json").read_text())

    @property
    def totals(self):
        return self.report["totals"]

    def members(self):
        """Who is on the list."""
        return {member["email"]: member for member in self.sandbox.members(LIST)}

    def state(self, pair):
        """What Meltano keeps of a pair of plugins, `tap-x-to-target-y`."""
        assert self.meltano("state", "get", f"sandbox:{pair}") == 0, self.said
        return json.loads(next(line for line in self.said.splitlines() if line.startswith("{")))


def new_sandbox():
    """A sandbox with the list of meltano.yml."""
    sandbox = Sandbox()
    sandbox.add_list(LIST, "People")
    return sandbox
