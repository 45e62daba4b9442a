"""The Dockerfile: pinned, small, without root, with what was tested. CI builds it and asks it for its user."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from checkout import ROOT, pyproject, pythons

TEXT = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
LINES = [line for line in TEXT.splitlines() if line and not line.startswith("#")]


def arguments(instruction):
    return [line.partition(" ")[2] for line in LINES if line.startswith(instruction + " ")]


def let_in(path):
    """Whether .dockerignore lets a path into the build: the last line that is about it decides."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    verdicts = [rule.startswith("!") for rule in rules if fnmatch(path, rule.lstrip("!"))]
    return verdicts[-1]


def test_the_base_is_pinned():
    """To a patch of a Python that is tested, the same in both stages: a virtual environment is of one Python."""
    bases = {base.split()[0] for base in arguments("FROM")}
    assert len(bases) == 1
    version = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-[a-z]+", bases.pop())
    assert version[1] in pythons()


def test_it_runs_as_nobody_who_is_somebody_on_the_host():
    """By number, so that a cluster can see that it is not root; nothing comes after that needs root."""
    assert arguments("USER") == ["10001"]
    assert not any(line.startswith(("RUN", "COPY")) for line in LINES[LINES.index("USER 10001") :])


def test_it_has_the_tested_versions_and_our_command():
    """What constraints.txt says, and a script of pyproject.toml."""
    assert "--constraint constraints.txt" in " ".join(arguments("RUN"))
    (entry,) = arguments("ENTRYPOINT")
    assert re.fullmatch(r'\["([a-z-]+)"\]', entry)[1] in pyproject()["project"]["scripts"]


def test_what_is_copied_is_let_in_and_nothing_else():
    """The build needs it and the checkout has it; a configuration with a key never gets into an image."""
    copied = [path for line in arguments("COPY") if "--from" not in line for path in line.split()[:-1]]
    assert all(let_in(path) and (ROOT / path).exists() for path in copied)
    for path in (
        "config.json",
        ".env",
        ".git",
        "state.json",
        ".target-klaviyo-segments",
        "tests",
        "sample_config.json",
    ):
        assert not let_in(path)
