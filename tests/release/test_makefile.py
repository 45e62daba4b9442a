"""`make` for somebody who has just cloned: wherever the clone lies, whatever Python there is; each stop leads on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from checkout import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
# A Python that says it is another version, and makes a venv or fails to.
PYTHON = """\
#!/bin/sh
if [ "$1" = -m ]; then echo "no venv here" >&2; exit 1; fi
exec {real} -c 'import sys; sys.version_info, sys.version = {version}, "{shown} (main)"; exec(sys.argv[1])' "$2"
"""


@pytest.fixture
def clone(tmp_path):
    """What make looks at, in a folder whose name make would split."""
    folder = tmp_path / "ann's né place"
    (folder / "target_klaviyo_segments").mkdir(parents=True)
    (folder / "target_klaviyo_segments" / "cli.py").touch()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def python(tmp_path):
    """To a command that calls itself the given version of Python."""

    def made(version):
        path = tmp_path / f"python{version}"
        shown = f"{version}.18"
        path.write_text(PYTHON.format(real=sys.executable, shown=shown, version=(*map(int, shown.split(".")),)))
        path.chmod(0o755)
        return path

    return made


def make(folder, *arguments):
    """As from a shell, and not as a part of the make that runs these tests."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "UV=", *arguments]
    return subprocess.run(command, cwd=folder, env=outside, capture_output=True, check=False, text=True, timeout=60)


def test_a_clone_may_lie_in_a_folder_with_a_space(clone):
    """No path is taken for two; every target finds its way from the folder that it is in."""
    done = make(clone, "--dry-run", "demo", "demo-meltano", "demo-dagster", "test", "lint")
    assert (done.returncode, done.stderr) == (0, "")
    assert "place" not in done.stdout
    assert make(clone.parent, "-C", clone.name, "help").stdout.count("\n") >= 20


def test_from_another_folder_make_says_how(clone):
    """`make -f PATH` would have every path wrong: it ends before it does anything."""
    done = make(clone.parent, "-f", f"{clone.name}/Makefile", "demo")
    assert done.returncode == 2
    assert "make -C FOLDER demo" in done.stderr
    assert not (clone.parent / ".venv").exists()


def test_without_such_a_python_it_says_how_to_name_one(clone):
    """A command that is not there is named, with the versions that do and how to give another."""
    done = make(clone, "demo", "PYTHON=python0.0")
    assert done.returncode == 2
    assert "There is no command python0.0. Name a Python 3.10 to 3.13: make PYTHON=python3.12 demo" in done.stderr


def test_a_python_that_is_too_old_is_told_its_version(clone, python):
    """Before anything is made."""
    old = python("3.9")
    done = make(clone, "test", f"PYTHON={old}")
    assert done.returncode == 2
    assert f"{old} is Python 3.9.18, and 3.10 or newer is needed: make PYTHON=python3.12 test" in done.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(("version", "warned"), [("3.13", False), ("3.14", True)])
def test_a_newer_python_is_tried_with_a_word_of_warning(clone, python, version, warned):
    """And when a venv cannot be set up, the last line says that it is tried again from there."""
    done = make(clone, "demo", f"PYTHON={python(version)}")
    assert done.returncode == 2
    assert ("3.14.18 is newer than what this was tried with" in done.stdout) == warned
    assert ".venv could not be set up; the lines above say why." in done.stderr
    assert "start make again: it goes on here." in done.stderr
    assert not (clone / ".venv" / ".ready").exists()
