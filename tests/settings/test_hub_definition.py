"""The definition for MeltanoHub: complete, valid there, and what `--about` says."""

from __future__ import annotations

import json
import struct

import jsonschema
import pytest
import yaml
from checkout import ROOT, script

from target_klaviyo_segments.command import Command
from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.segment.mapping import mapping_problems
from target_klaviyo_segments.settings import Settings
from target_klaviyo_segments.settings.table import SETTINGS

FILE = ROOT / "hub" / "target-klaviyo-segments.yml"
TEXT = {"type": "string", "minLength": 1}
# A value of each kind, as Meltano hands it over; of the others each setting says what it takes.
OF_KIND = {"string": "x", "boolean": True, "array": [], "object": {}}


def closed(required, **properties):
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def listed(items):
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": items}


# What the Hub takes from a loader (https://github.com/meltano/hub/tree/main/schemas/plugin_definitions), and what its
# page of a loader needs besides.
SETTING = closed(
    ["name", "kind", "label", "description"],
    name=TEXT,
    kind={"enum": ["oauth", "date_iso8601", "file", "email", "integer", "decimal", "options", *OF_KIND]},
    label=TEXT,
    description=TEXT,
    value={},
    sensitive={"type": "boolean"},
    options=listed(closed(["label", "value"], label=TEXT, value=TEXT)),
)
LOADER = closed(
    ["name", "namespace", "variant", "quality", "label", "description", "repo", "pip_url", "settings", "capabilities"],
    name=TEXT,
    namespace={"pattern": "^target_[a-z_]+$"},
    variant={"pattern": "^[a-z0-9-]+$"},
    quality={"enum": ["gold", "silver", "bronze", "unknown"]},
    maintenance_status={"enum": ["active", "beta", "development", "inactive", "unknown"]},
    label=TEXT,
    description=TEXT,
    repo={"pattern": "^https://"},
    docs={"pattern": "^https://"},
    domain_url={"pattern": "^https://"},
    logo_url={"pattern": "^/assets/logos/loaders/"},
    pip_url=TEXT,
    executable=TEXT,
    keywords=listed(TEXT),
    supported_python_versions=listed({"pattern": r"^3\.\d+$"}),
    log_parser={"const": "singer-sdk"},
    capabilities=listed(
        {
            "enum": [
                "about",
                "activate-version",
                "batch",
                "datatype-failsafe",
                "hard-delete",
                "schema-flattening",
                "soft-delete",
                "stream-maps",
                "structured-logging",
                "target-schema",
                "validate-records",
            ]
        }
    ),
    commands={"type": "object", "additionalProperties": closed(["args", "description"], args=TEXT, description=TEXT)},
    settings_group_validation=listed(listed(TEXT)),
    settings=listed(SETTING),
)
# The least that a setting needs to be accepted.
GIVEN = {
    "accept_data_privacy": True,
    "segments": {"people": {"list_id": "Y6nRLr"}},
    "segment_field": "tier",
}


@pytest.fixture(scope="module")
def definition():
    return yaml.safe_load(FILE.read_text())


@pytest.fixture
def about(capsys):
    Command.print_about("json")
    return json.loads(capsys.readouterr().out)


def test_the_file_is_what_the_table_and_meltano_yml_make_of_it():
    """`make settings` was run after the last change of a setting, a capability or a command."""
    assert FILE.read_text() == script("settings").hub_definition((ROOT / "meltano.yml").read_text())


def test_the_hub_takes_it(definition):
    """No field that it does not know, and none left out that it needs."""
    jsonschema.validate(definition, LOADER)


def test_its_logo_lies_beside_it(definition):
    """A square picture under the name that the Hub is to keep it by, and the drawing that it was made from."""
    logo = FILE.with_name(definition["logo_url"].rpartition("/")[2])
    assert (
        logo.with_suffix(".svg").read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512"')
    )
    picture = logo.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (512, 512)
    assert len(picture) < 50_000


def test_it_says_what_about_says(definition, about):
    """Description, capabilities, Pythons; each setting with its label, description, default, options and secrecy."""
    assert definition["description"] == about["description"]
    assert definition["supported_python_versions"] == about["supported_python_versions"]
    assert sorted(definition["capabilities"]) == sorted(about["capabilities"])
    told = about["settings"]["properties"]
    assert [setting["name"] for setting in definition["settings"]] == list(told)
    for setting in definition["settings"]:
        if setting["name"] in SETTINGS:
            row = told[setting["name"]]
            assert (setting["label"], setting["description"]) == (row["title"], row["description"])
            assert setting.get("value", {}) == row.get("default", {})
            assert [option["value"] for option in setting.get("options", ())] == row.get("enum", [])
            assert setting.get("sensitive", False) == row.get("writeOnly", False)


def test_what_meltano_hands_over_is_what_a_setting_takes(definition):
    """A setting that takes several options is no choice of one."""
    for setting in definition["settings"]:
        if setting["name"] in SETTINGS:
            row = SETTINGS[setting["name"]]
            given = {**OF_KIND, "integer": row.minimum, "options": next(iter(row.options), None)}
            assert row.problem(given[setting["kind"]]) is None, setting["name"]


def test_each_group_of_required_settings_is_enough_and_none_too_much(definition):
    """Who fills in one group has a configuration; without any one of it there is none."""

    def problems(names):
        config = {name: GIVEN.get(name, "Y6nRLr") for name in names}
        try:
            Settings.from_config(config, mapping_problems=mapping_problems)
        except SettingsError as error:
            return error.problems
        return ()

    for group in definition["settings_group_validation"]:
        assert not problems(group), group
        for name in group:
            assert problems(set(group) - {name}), (group, name)
