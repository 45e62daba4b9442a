"""Build into `dist/`, install the wheel alone into a fresh venv, and use it as a user would: what is tested ships."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES = """\
{"type":"SCHEMA","stream":"people","schema":{"properties":{"email":{"type":"string"}}},"key_properties":[]}
{"type":"RECORD","stream":"people","record":{"email":"ada@example.com"}}
{"type":"STATE","value":{"done":true}}
"""
JOB = """
import json, os, subprocess, sys
from target_klaviyo_segments.sandbox.server import SandboxServer
from target_klaviyo_segments.sandbox.app import Sandbox
box = Sandbox()
box.add_list("Y6nRLr", "People")
with SandboxServer(box) as server:
    settings = {"API_URL": server.url, "API_KEY": "pk_sandbox_0123456789abcdef", "LIST_ID": "Y6nRLr",
                "ACCEPT_DATA_PRIVACY": "true"}
    environment = os.environ | {"TARGET_KLAVIYO_SEGMENTS_" + name: value for name, value in settings.items()}
    command = os.path.join(os.path.dirname(sys.executable), "target-klaviyo-segments")
    done = subprocess.run([command], input=sys.stdin.read(), env=environment, text=True, capture_output=True)
    sys.stderr.write(done.stderr)
    members = [member["email"] for member in box.members("Y6nRLr")]
    assert done.returncode == 0, done.returncode
    assert json.loads(done.stdout) == {"done": True}, done.stdout
    assert members == ["ada@example.com"], members
"""


def main() -> None:
    """Exit non-zero when the wheel is not whole, or does not do the main job once it is installed."""
    dist = ROOT / "dist"
    for old in [*dist.glob("*.whl"), *dist.glob("*.tar.gz")]:
        old.unlink()
    build = [sys.executable, "-m", "build", "--outdir", str(dist), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = dist.glob("*.whl")
    looked_at(wheel)
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        venv.create(here / "venv", with_pip=True)
        python = here / "venv" / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
        subprocess.run(install, check=True)
        subprocess.run([python, "-I", "-c", JOB], input=LINES, text=True, check=True, cwd=here)
        print(f"{wheel.name}: installed alone, one segment delivered")


def looked_at(wheel: Path) -> None:
    """The package with its marker of types, and nothing else.

    Raises:
        SystemExit: The wheel has less or more.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    package = "target_klaviyo_segments/"
    missing = {f"{package}{name}" for name in ("py.typed", "cli.py", "sandbox/server.py")} - set(names)
    strange = [name for name in names if not name.startswith((package, "target_klaviyo_segments-")) or ".pyc" in name]
    if missing or strange:
        raise SystemExit(f"{wheel.name}: missing {sorted(missing)}, not ours {strange}")


if __name__ == "__main__":
    main()
