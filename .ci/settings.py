"""Rewrite what lists the settings, from the settings table: `make settings`.

That is the loader in `meltano.yml`, `hub/target-klaviyo-segments.yml`, the README's table and `docs/settings.md`. What
a loader has besides settings (capabilities, commands) is written in `meltano.yml` by hand and goes into the Hub's
definition from there.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from target_klaviyo_segments.settings.table import GROUPS, PER_SEGMENT, SETTINGS
from target_klaviyo_segments.target import TargetKlaviyoSegments

ROOT = Path(__file__).resolve().parent.parent
NAME = "target-klaviyo-segments"
REPOSITORY = f"https://github.com/{NAME}/{NAME}"
HUB = ROOT / "hub" / f"{NAME}.yml"
# What singer-sdk adds: kind, label, description.
OF_THE_SDK = {
    "stream_maps": (
        "object",
        "Stream maps",
        "Transformations of the records on their way, see https://sdk.meltano.com/en/latest/stream_maps.html.",
    ),
    "stream_map_config": ("object", "Stream map config", "Values that stream map expressions may use."),
    "faker_config": ("object", "Faker config", "Seed and locale of fake values in stream maps."),
    "flattening_enabled": ("boolean", "Flattening enabled", "Flatten nested properties into columns."),
    "flattening_max_depth": ("integer", "Flattening max depth", "How deep to flatten. Needed with flattening_enabled."),
    "flattening_max_key_length": ("integer", "Flattening max key length", "Longest name of a flattened column."),
    "flattening_separator": ("string", "Flattening separator", "What joins the names of a flattened column."),
}
# What a configuration cannot be without: one way to be known to Klaviyo, one way to name lists, and the consent.
WAYS = (("api_key",), ("api_key_file",), ("oauth_client_id", "oauth_client_secret", "oauth_refresh_token"))
LISTS = ("list_id", "list_name", "segments", "segment_field")
REQUIRED_TOGETHER = [[*way, each, "accept_data_privacy"] for each in LISTS for way in WAYS]
PAGE_HEAD = """# Settings

Each is given in a `--config` file, in Meltano, or as a variable: `TARGET_KLAVIYO_SEGMENTS_` and its name in capitals,
objects and lists as JSON. Variables outrank files. `target-klaviyo-segments --about` prints the same.
"""
HUB_HEAD = """\
# The definition for MeltanoHub; `make settings` makes it from the settings table and meltano.yml.
# meltano add --plugin-type loader --from-ref hub/target-klaviyo-segments.yml target-klaviyo-segments
"""


def main() -> None:
    """Rewrite the four files."""
    meltano, readme = ROOT / "meltano.yml", ROOT / "README.md"
    meltano.write_text(_with_settings(meltano.read_text()))
    HUB.write_text(hub_definition(meltano.read_text()))
    rows = "".join(map(_readme_row, SETTINGS))
    readme.write_text(re.sub(r"(?<=\|---\|---\|---\|\n)(?:\| `[^\n]*\n)+", lambda _: rows, readme.read_text(), count=1))
    (ROOT / "docs" / "settings.md").write_text(settings_page())


def settings_page() -> str:
    """All settings by the groups of the table: how to give each, what it takes, where it may be set for one segment."""
    parts = [PAGE_HEAD]
    for group in GROUPS:
        title = (group.__doc__ or "").partition(": ")[2].rstrip(".")
        parts.append(f"## {title[:1].upper()}{title[1:]}\n")
        parts += [_page_entry(setting.name) for setting in group.ROWS]
    return "\n".join(parts)


def hub_definition(meltano: str) -> str:
    """The loader of a `meltano.yml` as the Hub wants it: with what people look for it by, and no configuration."""
    (loader,) = yaml.safe_load(meltano)["plugins"]["loaders"]
    definition = {
        "name": loader["name"],
        "namespace": loader["namespace"],
        "variant": NAME,
        "label": "Klaviyo segments",
        "description": TargetKlaviyoSegments.__doc__,
        "repo": REPOSITORY,
        "docs": f"{REPOSITORY}#readme",
        "domain_url": "https://www.klaviyo.com/",
        "logo_url": f"/assets/logos/loaders/{NAME}.png",
        "pip_url": NAME,
        "executable": loader["executable"],
        "maintenance_status": "beta",
        "quality": "silver",
        "keywords": ["api", "audiences", "klaviyo", "meltano_sdk", "reverse-etl", "segments"],
        "supported_python_versions": ["3.10", "3.11", "3.12", "3.13"],
        "log_parser": "singer-sdk",
        **{name: loader[name] for name in ("capabilities", "commands", "settings_group_validation", "settings")},
    }
    return HUB_HEAD + yaml.safe_dump(definition, sort_keys=False, width=100, allow_unicode=True)


def _with_settings(meltano: str) -> str:
    groups = "".join("    - - " + "\n      - ".join(group) + "\n" for group in REQUIRED_TOGETHER)
    entries = "".join(map(_meltano_entry, SETTINGS))
    entries += "".join(_entry(name, kind, label, text, []) for name, (kind, label, text) in OF_THE_SDK.items())
    made = f"    settings_group_validation:\n{groups}    settings:\n{entries}    config:\n"
    return re.sub(r"    settings_group_validation:\n.*?\n    config:\n", lambda _: made, meltano, flags=re.DOTALL)


def _meltano_entry(name: str) -> str:
    setting = SETTINGS[name]
    chosen = setting.kind == "string" and setting.options  # of several options Meltano lets choose one
    facts = ["  options:"] if chosen else []
    for option in chosen or ():
        facts += [f"  - label: {option.replace('_', ' ').capitalize()}", f"    value: {option}"]
    if setting.default is not None and setting.kind != "object":
        facts.append(f"  value: {_yaml(setting.default)}")
    if setting.secret:
        facts.append("  sensitive: true")
    return _entry(name, "options" if chosen else setting.kind, setting.title, setting.description, facts)


def _entry(name: str, kind: str, label: str, description: str, facts: list[str]) -> str:
    wrapped = textwrap.wrap(description, 96, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
    lines = [f"- name: {name}", f"  kind: {kind}", f"  label: {label}", *facts, "  description: >-", *wrapped]
    return textwrap.indent("\n".join(lines) + "\n", "    ")


def _page_entry(name: str) -> str:
    setting = SETTINGS[name]
    facts = [f"`{setting.kind}`"]
    if setting.options:
        facts.append("one of " + ", ".join(f"`{option}`" for option in setting.options))
    if setting.minimum is not None:
        facts.append(f"{setting.minimum:,} to {setting.maximum:,}")
    if setting.default not in (None, {}):
        facts.append(f"default `{_yaml(setting.default)}`")
    facts += ["secret"] if setting.secret else []
    facts += ["also in `segments`"] if name in PER_SEGMENT else []
    return f"### `{name}`\n\n{'; '.join(facts)}\n\n{setting.description}\n"


def _yaml(value: Any) -> str:  # noqa: ANN401  # whatever a default is
    if isinstance(value, str) and re.fullmatch(r"[\d-]+", value):
        return f'"{value}"'
    return value if isinstance(value, str) else json.dumps(value)


def _readme_row(name: str) -> str:
    setting = SETTINGS[name]
    default = "{}" if setting.kind == "object" and setting.default is not None else setting.default
    shown = "" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"
    return f"| `{name}` | {shown} | {setting.description}{' Secret.' if setting.secret else ''} |\n"


if __name__ == "__main__":
    main()
