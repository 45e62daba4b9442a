"""What runs on GitHub: each step is something that this checkout has, and nothing moves under us."""

from __future__ import annotations

import re

import pytest
import yaml
from checkout import ROOT, make_targets, pythons

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def jobs(name):
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())["jobs"]


def steps(workflow):
    return [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", FILES, ids=lambda path: path.stem)
def test_actions_are_whole_versions(workflow):
    """Of GitHub's own a full version; of anybody else's the very commit, with its version beside it."""
    lines = [line for line in workflow.read_text().splitlines() if "uses:" in line]
    for line in lines:
        assert re.search(r"uses: (actions/[a-z-]+@v\d+\.\d+\.\d+|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$", line), line


@pytest.mark.parametrize("workflow", FILES, ids=lambda path: path.stem)
def test_each_step_is_something_that_is_there(workflow):
    """Targets of the Makefile and files of the checkout."""
    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    assert set(re.findall(r"^make ([a-z-]+)", commands, re.MULTILINE)) <= make_targets()
    for path in re.findall(r"\.ci/\S+", commands):
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("workflow", FILES, ids=lambda path: path.stem)
def test_rights_are_given_where_they_are_used(workflow):
    """A job may read, and nothing else unless it says what for."""
    text = workflow.read_text()
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    assert all("#" in line for line in text.splitlines() if line.strip().endswith("write"))


def test_every_python_is_tested_with_the_newest_and_with_the_tested_versions():
    """Those of the classifiers; the lowest versions with the lowest Python."""
    found = jobs("ci")
    matrix = found["tests"]["strategy"]["matrix"]
    assert matrix["python"] == pythons()
    assert matrix["versions"] == ["newest", "tested"]
    assert "constraints.txt" in found["tests"]["env"]["PIP_CONSTRAINT"]
    assert found["lowest"]["steps"][1]["with"]["python-version"] == pythons()[0]


def test_a_release_is_a_tag_that_was_tested():
    """Nothing else starts it, and only what was built and tested before is uploaded, without a token."""
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    assert release[True] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}  # YAML takes `on` for a yes
    build, publish = release["jobs"]["build"], release["jobs"]["publish"]
    commands = [step.get("run", "") for step in build["steps"]]
    assert any(".ci/notes.py" in command for command in commands)
    assert any(command.startswith("make test ") for command in commands)
    assert "make test-wheel" in commands
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text()
