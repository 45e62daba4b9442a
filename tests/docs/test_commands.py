"""Every command of the documents is run: here, or by a test that is named; or it is said why not, and it is parsed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import forks
import pytest
import yaml
from checkout import ROOT, make_targets, pyproject
from documents import PROGRAMS, blocks, commands
from pipeline import KEY, LIST, record, schema, state, text

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.options import parser as sandbox_parser
from target_klaviyo_segments.sandbox.server import SandboxServer

OURS = "target-klaviyo-segments"
MELTANO = "tests/meltano/test_meltano_run.py::test_a_run_delivers_the_segment_and_keeps_the_state"
HUB = "tests/meltano/test_hub.py::test_added_by_its_definition_it_delivers_a_segment"
BLOCKS = "tests/docs/test_blocks.py::test_the_blocks_of_the_readme_deliver_a_segment"
# What needs Meltano, a tap, or a shell: the test of `make test-all` that runs it.
ELSEWHERE = {
    "meltano install": "tests/meltano/conftest.py::plugins",
    "meltano run tap-jsonl target-klaviyo-segments": MELTANO,
    "meltano run tap-x target-klaviyo-segments": MELTANO,
    "meltano add": HUB,
    "meltano config set target-klaviyo-segments": HUB,
    "meltano invoke target-klaviyo-segments:check": HUB,
    "meltano invoke target-klaviyo-segments:forget": HUB,
    "meltano invoke target-klaviyo-segments:report": HUB,
    "tap-jsonl": BLOCKS,
    "target-klaviyo-segments-sandbox --quiet": BLOCKS,
    "export": BLOCKS,
    "echo": BLOCKS,
    "kill %1": BLOCKS,
    "bash .ci/run": ".github/workflows/ci.yml",
}
# What no test runs, and why.
NOT_RUN = {
    "make soak": "an hour of three million records",
    "make bench": "twenty minutes on a machine of its own",
    "make settings": "rewrites the checkout; what it would write is compared with what is there",
    "make lock": "asks the package index; what it wrote is compared with pyproject.toml",
    "python benchmarks": "minutes on a machine of its own",
    "pip install": "asks the package index for a release; `make test-wheel` installs the wheel",
    "docker": "no image can be built by a test; CI builds it and runs it",
    "dagster dev": "a server that does not end; `make demo-dagster` runs the same definitions",
    "tap-x": "stands for any tap",
}
# Those that say by their exit status that something is left to do.
ENDS_WITH_1 = {"forget --config config.json", "forget"}
RUN_ID = re.compile(r"\b(\d{8}T\d{6}Z-[0-9a-f]+|RUN_ID)\b")
ROWS = text([schema(), record("ada@example.com"), record("bea@example.com"), record("nobody"), state({"done": 1})])
IN_CI = (ROOT / ".ci" / "run").read_text() + (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def calls_of(program):
    """Arguments of every call of a program, once each, in the order of the documents."""
    found = [part[1:] for command in commands() for part in command.parts if part[0] == program]
    return [list(each) for each in dict.fromkeys(map(tuple, found))]


@pytest.fixture(scope="module")
def server():
    sandbox = Sandbox(limits=False)
    sandbox.add_list(LIST, "People")
    with SandboxServer(sandbox) as running:
        yield running


@pytest.fixture(scope="module")
def used(tmp_path_factory, server):
    """A folder with the README's config.json for the sandbox, after a run with a rejected row; and that run's id."""
    folder = tmp_path_factory.mktemp("used")
    (shown,) = [block for block in blocks("json") if block.page == "README.md"]
    config = json.loads(shown.text) | {"api_url": server.url, "api_key": KEY}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "config.json").chmod(0o600)
    done = call(folder, ["--config", "config.json"])
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {"done": 1}
    return folder, json.loads((folder / f".{OURS}" / "report.json").read_text())["run_id"]


def call(folder, arguments, **environment):
    browser = {"BROWSER": "true"}  # a browser that opens everything and shows nothing
    return forks.run(arguments, input=ROWS.encode(), cwd=folder, env=os.environ | browser | environment)


def test_every_call_of_our_command_does_what_it_is_for(tmp_path, used, server):
    """In a folder with a configuration and a run; without `--config` the settings are variables, as the pages say."""
    template, run_id = used
    variables = {"API_URL": server.url, "API_KEY": KEY, "LIST_ID": LIST, "ACCEPT_DATA_PRIVACY": "true"}
    variables = {f"TARGET_KLAVIYO_SEGMENTS_{name}": value for name, value in variables.items()}
    shown = calls_of(OURS)
    for number, arguments in enumerate(shown):
        folder = tmp_path / str(number)
        shutil.copytree(template, folder)
        shutil.copy(template / "config.json", folder / "sample_config.json")
        given = {} if "--config" in arguments else variables
        done = call(folder, [RUN_ID.sub(run_id, each) for each in arguments], **given)
        told = " ".join(arguments)
        assert done.returncode == (told in ENDS_WITH_1), (told, done)
        assert b"Traceback" not in done.stderr, told
    assert len(shown) >= 12


def test_every_call_of_the_sandbox_is_understood():
    """Its options, by its own parser; one call is run in the README's block."""
    for arguments in calls_of(f"{OURS}-sandbox"):
        sandbox_parser().parse_args(arguments)


def test_every_target_of_make_can_be_made():
    """It is in the Makefile, its recipe can be read, and CI runs it unless it is said why not."""
    calls = {tuple(re.sub("ONLY=.*", "ONLY=x", word) for word in arguments) for arguments in calls_of("make")}
    for target, *variables in calls:
        assert target in make_targets(), target
        made = re.search(rf"make {target}$", IN_CI, re.MULTILINE) or re.search(rf"make {target}\s", IN_CI)
        assert made or f"make {target}" in NOT_RUN, f"make {target} is run by nothing: CI, or NOT_RUN with a reason"
        asked = ["make", "--dry-run", "UV=", target, *variables]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_every_other_command_is_accounted_for():
    """Run by a named test that is there, or named with the reason why it is not run."""
    here = (OURS, "make")
    for command in commands():
        for part in command.parts:
            told, where = " ".join(part), f"{command.page}: what runs `{command.text}`?"
            assert part[0] in PROGRAMS, where
            assert told.startswith((*here, *ELSEWHERE, *NOT_RUN)), where


def test_whatever_is_named_as_running_a_command_is_there():
    """Tests by their names, others by their files; and no entry is left of a command that is no longer told."""
    for place in ELSEWHERE.values():
        path, _, name = place.partition("::")
        assert not name or f"def {name}(" in (ROOT / path).read_text(), place
        assert (ROOT / path).is_file(), place
    told = {" ".join(part) for command in commands() for part in command.parts}
    for known in [*ELSEWHERE, *NOT_RUN]:
        assert any(each.startswith(known) for each in told), known


def test_what_meltano_is_asked_for_is_in_the_project():
    """Plugins, the loader's commands and its settings, by the order of words that Meltano 4 wants."""
    (loader,) = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]["loaders"]
    settings = {setting["name"] for setting in loader["settings"]}
    for verb, *words in calls_of("meltano"):
        if verb == "add":
            assert words[:3] == ["--plugin-type", "loader", "--from-ref"], words
            assert words[4:] == [OURS]
            assert (ROOT / "hub" / words[3].rpartition("/")[2]).is_file()
        elif verb == "config":
            assert words[:2] == ["set", OURS], words
            assert words[2] in settings, words
        elif verb == "invoke":
            plugin, _, command = words[0].partition(":")
            assert plugin == OURS, words
            assert command in {"", *loader["commands"]}, words
        else:
            assert verb in {"install", "run"}, verb


def test_what_is_installed_or_built_is_what_there_is():
    """Packages and extras of pyproject.toml, files of the checkout."""
    project = pyproject()["project"]
    tap = re.search(r"^TAP := ([a-z-]+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    dagster = re.search(r"'dagster~=.*", (ROOT / "Makefile").read_text())[0]
    for verb, *words in calls_of("pip"):
        assert verb == "install"
        if "--constraint" in words:
            assert (ROOT / words[1]).is_file()
        for word in words[2 * ("--constraint" in words) :]:
            name, _, extra = word.rstrip("]").partition("[")
            assert name in {project["name"], tap, "."} or name in dagster, word
            assert not extra or extra in project["optional-dependencies"], word
    for path, *_ in [*calls_of("bash"), *calls_of("python")]:
        assert (ROOT / path).is_file(), path
    for verb, *words in calls_of("dagster"):
        assert (verb, (ROOT / "examples" / "dagster" / words[1]).is_file()) == ("dev", True)
    for verb, *words in calls_of("docker"):
        assert (ROOT / "Dockerfile").is_file()
        assert OURS in words, (verb, words)
