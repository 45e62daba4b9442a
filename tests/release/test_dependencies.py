"""What pyproject.toml asks for: all that is imported, and what constraints.txt says was tested."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import distribution

import pytest
from checkout import ROOT, pyproject, pythons
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "target_klaviyo_segments"


@cache
def imported(folder):
    """Top-level names that the files of a folder import, at any depth."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
    return names - set(sys.stdlib_module_names) - {PACKAGE}


@cache
def modules(name):
    """Top-level names that a package brings."""
    files = distribution(name).files
    return {path.parts[0].removesuffix(".py").partition(".")[0] for path in files if path.suffix in {".py", ".so"}}


def asked(*extras):
    """Requirements of the package and of some of its extras, by name."""
    project = pyproject()["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): each for each in found if each.name != project["name"]}


def test_whatever_the_package_imports_it_asks_for():
    """Nothing is there only because something else happens to bring it; nothing is asked for in vain."""
    names = imported(ROOT / PACKAGE)
    brought = {name: modules(name) for name in asked("parquet")}
    assert names - set().union(*brought.values()) == set()
    assert [name for name, its in brought.items() if not its & names] == []


def test_whatever_the_tests_import_they_ask_for():
    """The same for who runs the tests with the lowest or the newest of everything."""
    own = {path.stem for path in (ROOT / "tests").rglob("*.py")} | {"tests"}
    brought = set().union(*(modules(name) for name in asked("parquet", "test")))
    # Python has the one from 3.11 on; pytest brings the other before that.
    assert imported(ROOT / "tests") - own - brought <= {"tomli", "tomllib"}


@pytest.mark.parametrize("python", pythons())
def test_what_was_tested_is_what_is_asked_for(python):
    """constraints.txt has one version for each requirement and each Python, and it is within bounds: `make lock`."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate(environment):
                name = canonicalize_name(pin.name)
                assert name not in pinned, line
                pinned[name] = re.fullmatch(r"==(\S+)", str(pin.specifier))[1]
    for name, requirement in asked("parquet", "test", "dev").items():
        assert requirement.specifier.contains(pinned[name]), (name, str(requirement.specifier), pinned[name])


def test_pythons_are_told_alike():
    """Classifiers and the lower bound."""
    assert pyproject()["project"]["requires-python"] == f">={pythons()[0]}"
