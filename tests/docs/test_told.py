"""Flags, variables, settings and configurations that the documents tell of are those that there are."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone

import pytest
import yaml
from checkout import ROOT
from documents import blocks, pages, spans

from target_klaviyo_segments.alerts.body import body_of
from target_klaviyo_segments.alerts.memory import Trouble
from target_klaviyo_segments.command import Command
from target_klaviyo_segments.forgetting import forget
from target_klaviyo_segments.report.document import RunReport
from target_klaviyo_segments.sandbox.options import parser as sandbox_parser
from target_klaviyo_segments.segment.fields import STANDARD_FIELDS
from target_klaviyo_segments.segment.mapping import mapping_problems
from target_klaviyo_segments.settings import Settings
from target_klaviyo_segments.settings.table import SDK_SETTINGS, SETTINGS
from target_klaviyo_segments.showing import _parser as report_parser

# Of other programs: theirs, and where their documentation is.
OF_OTHERS = {
    "--constraint": "https://pip.pypa.io/en/stable/user_guide/#constraints-files",
    "--env": "https://docs.docker.com/reference/cli/docker/container/run/",
    "--from-ref": "https://docs.meltano.com/reference/command-line-interface#add",
    "--interactive": "https://docs.docker.com/reference/cli/docker/container/run/",
    "--log-format": "https://docs.meltano.com/reference/command-line-interface#log-format",
    "--plugin-type": "https://docs.meltano.com/reference/command-line-interface#add",
    "--rm": "https://docs.docker.com/reference/cli/docker/container/run/",
    "--state": "https://hub.meltano.com/singer/spec",
    "--tag": "https://docs.docker.com/reference/cli/docker/buildx/build/",
    "--upgrade": "https://docs.astral.sh/uv/reference/cli/#uv-pip-compile",
    "--volume": "https://docs.docker.com/reference/cli/docker/container/run/",
}
# What looks like `name: value` and tells of a record, a catalog or a report.
NO_SETTINGS = {"crm", "data_privacy", "last_replication_method", "location"}
GIVEN = {"api_key": "pk_sandbox_0123456789abcdef", "accept_data_privacy": True, "list_id": "Y6nRLr"}


def flags():
    """Every long option of our commands and of the benchmarks."""
    found = {name for command in (Command.cli, forget) for each in command.params for name in each.opts}
    for parser in (report_parser(), sandbox_parser()):
        found |= set(parser._option_string_actions)
    for script in (ROOT / "benchmarks").glob("*.py"):
        found |= set(re.findall(r'add_argument\("(--[a-z-]+)"', script.read_text()))
    return found | {"--help"}


def test_every_flag_is_one():
    """Of one of our commands, or of a program that is named with its documentation."""
    ours, told = flags(), set()
    for page, text in pages().items():
        for flag in re.findall(r"(?<![\w<!/.-])--[a-z][a-z-]+", text):
            told.add(flag)
            assert flag in ours or flag in OF_OTHERS, f"{page}: no command has {flag}"
    assert set(OF_OTHERS) <= told


def test_every_variable_is_a_setting():
    """`TARGET_KLAVIYO_SEGMENTS_` and the name of one."""
    for page, text in pages().items():
        for name in re.findall(r"TARGET_KLAVIYO_SEGMENTS_([A-Z][A-Z_]*)", text):
            assert name.lower() in {*SETTINGS, *SDK_SETTINGS}, f"{page}: {name}"


def test_every_value_of_a_setting_is_one_that_it_takes():
    """`name: value` between backticks, wherever it stands."""
    told = 0
    for page, text in spans():
        name, _, value = text.partition(": ")
        if value and re.fullmatch(r"[a-z_]+", name) and name not in NO_SETTINGS:
            assert name in {*SETTINGS, *SDK_SETTINGS}, f"{page}: there is no setting {name}"
            told += 1
            if name in SETTINGS:
                assert SETTINGS[name].problem(yaml.safe_load(value)) is None, f"{page}: {text}"
    assert told >= 30


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.page)
def test_every_json_is_a_configuration_or_a_message(block):
    """With a key, a list and the notice it is accepted; a message, or what a webhook is told, has what it must have.

    What a person is at Klaviyo is compared by the test of its page.
    """
    value = json.loads(block.text)
    if "event" in value:
        report = RunReport("r1", "shop", "1", "ada", datetime.now(timezone.utc))
        assert value.keys() == body_of("failed", "", Trouble("", 1), "shop", report).keys()
    elif "type" in value:
        assert value["type"] == "BATCH"
        assert value.keys() >= {"stream", "encoding", "manifest"}
    elif "email" in value:
        assert value.keys() <= {*STANDARD_FIELDS, "email", "properties"}
    else:
        accepted(value)


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.page)
def test_every_yaml_is_a_loader_that_runs(block):
    """Its configuration is accepted, once Meltano has put the variables in."""
    (loader,) = yaml.safe_load(block.text)["plugins"]["loaders"]
    assert loader["name"] == loader["pip_url"] == "target-klaviyo-segments"
    accepted(loader["config"])


def test_every_object_between_backticks_is_json_that_is_accepted():
    """Those that are configurations: their first key is a setting. What they do is shown elsewhere."""
    objects = [(page, json.loads(text)) for page, text in spans() if re.match(r'\{"[a-z_]+":', text)]
    configurations = [(page, value) for page, value in objects if next(iter(value)) in SETTINGS]
    for _, value in configurations:
        accepted(value)
    assert len(configurations) >= 10


def accepted(config):
    """A configuration with what it leaves out.

    Raises:
        SettingsError: It is none.
    """
    whole = {name: value for name, value in GIVEN.items() if name != "list_id" or "list_name" not in config}
    values = {name: "pk_x" if str(value).startswith("$") else value for name, value in config.items()}
    Settings.from_config(whole | values, mapping_problems=mapping_problems)
