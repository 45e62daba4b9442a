"""What this checkout says about itself: pyproject.toml, the Makefile, scripts of .ci."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it there

ROOT = Path(__file__).parent.parent.parent


def pyproject():
    """The file as values."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pythons():
    """The versions that the classifiers name."""
    classifiers = pyproject()["project"]["classifiers"]
    return [name.rpartition(" ")[2] for name in classifiers if re.search(r":: 3\.\d+$", name)]


def make_targets():
    """Names of what `make` can do, from the lines that `make help` shows."""
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


def script(name):
    """A script of .ci, imported."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
