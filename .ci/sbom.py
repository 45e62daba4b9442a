"""The bill of materials of a release: what is installed with it, by the versions that were tested; CycloneDX JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from target_klaviyo_segments import __version__

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Install it alone, and list what came with it into `dist/`; the argument is the Python that has the lister."""
    target = ROOT / "dist" / f"target-klaviyo-segments-{__version__}.cdx.json"
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--constraint", ROOT / "constraints.txt", f"{ROOT}[parquet]"], check=True)
        subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools"], check=True)
        lister = [sys.argv[1], "-m", "cyclonedx_py", "environment", "--output-reproducible"]
        about = ["--pyproject", ROOT / "pyproject.toml", "--mc-type", "application"]
        subprocess.run([*lister, *about, "--output-file", target, python], check=True)
    bill = json.loads(target.read_text())
    bill["metadata"]["component"]["version"] = __version__  # pyproject.toml has it from the package
    target.write_text(json.dumps(bill, indent=2) + "\n")
    print(f"{target.relative_to(ROOT)}: written")


if __name__ == "__main__":
    main()
