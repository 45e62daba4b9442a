"""Rewrite the settings in `meltano.yml`, the README and `docs/settings.md` from the settings table: `make settings`."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

from target_klaviyo_segments.settings.table import GROUPS, PER_SEGMENT, SETTINGS

ROOT = Path(__file__).resolve().parent.parent
UPPER = {"api": "API", "id": "ID", "oauth": "OAuth"}
PAGE_HEAD = """# Settings

Each is given in a `--config` file, in Meltano, or as a variable: `TARGET_KLAVIYO_SEGMENTS_` and its name in capitals,
objects and lists as JSON. Variables outrank files. `target-klaviyo-segments --about` prints the same.
"""


def main() -> None:
    """Rewrite the three files."""
    meltano, readme = ROOT / "meltano.yml", ROOT / "README.md"
    entries = "".join(_meltano_entry(name) for name in SETTINGS)
    text = meltano.read_text()
    meltano.write_text(
        re.sub(
            r"(?<=\n    settings:\n)    - name: connection_name\n.*?(?=    - name: stream_maps\n)",
            lambda _: entries,
            text,
            flags=re.DOTALL,
        )
    )
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


def _meltano_entry(name: str) -> str:
    setting = SETTINGS[name]
    words = [UPPER.get(word, word) for word in name.split("_")]
    lines = [f"- name: {name}", f"  kind: {'options' if setting.options else setting.kind}"]
    lines.append(f"  label: {words[0][0].upper() + words[0][1:]}{''.join(' ' + word for word in words[1:])}")
    if setting.options:
        lines.append("  options:")
        for option in setting.options:
            lines += [f"  - label: {option.capitalize()}", f"    value: {option}"]
    if setting.default is not None and setting.kind != "object":
        lines.append(f"  value: {_yaml(setting.default)}")
    if setting.secret:
        lines.append("  sensitive: true")
    lines += [
        "  description: >-",
        *textwrap.wrap(setting.description, 96, initial_indent="    ", subsequent_indent="    "),
    ]
    return textwrap.indent("\n".join(lines) + "\n", "    ")


def _yaml(value: object) -> str:
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
