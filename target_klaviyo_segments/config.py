"""Configuration from files and environment variables, before it is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.settings.table import SDK_SETTINGS, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ENVIRONMENT_PREFIX = "TARGET_KLAVIYO_SEGMENTS_"
SANDBOX_KEYS = "pk_sandbox_"
_SDK_KINDS = {
    "flattening_enabled": "boolean",
    "flattening_max_depth": "integer",
    "flattening_max_key_length": "integer",
    "flattening_separator": "string",
}
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def read_config(paths: Iterable[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Merge config files, later ones first in rank, and the `TARGET_KLAVIYO_SEGMENTS_*` variables, which outrank them.

    A path `ENV` is accepted for the habit of other targets and changes nothing: variables are always read.

    Raises:
        SettingsError: A file cannot be read, is not JSON or no object; a variable does not fit its setting.
    """
    config: dict[str, Any] = {}
    for path in paths:
        if path != "ENV":
            config |= _read_file(path)
    return config | _read_environment(environment)


def exposed(paths: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Config files that hold a secret and that others than their owner may read.

    Not the one that Meltano writes for each run and removes, beside its configuration of the log: its user has no say.
    A key of the sandbox is no secret: it opens nothing but that, on this machine.
    """
    theirs = Path(environment["SINGER_SDK_LOG_CONFIG"]).parent if "SINGER_SDK_LOG_CONFIG" in environment else None
    for path in paths:
        if path == "ENV" or Path(path).parent == theirs:
            continue
        if Path(path).stat().st_mode & 0o044 and any(_secrets(_read_file(path))):
            yield path


def _secrets(content: Mapping[str, Any]) -> Iterator[str]:
    for name, value in content.items():
        if name in SETTINGS and SETTINGS[name].secret and not str(value).startswith(SANDBOX_KEYS):
            yield name


def exposed_key(config: Mapping[str, Any]) -> str | None:
    """The key file, when others than its owner may read it."""
    path = config.get("api_key_file")
    try:
        return path if isinstance(path, str) and Path(path).stat().st_mode & 0o044 else None
    except OSError:  # told when it is read
        return None


def _read_file(path: str) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"the config file {path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"the config file {path} is not UTF-8 text: save it as UTF-8"]) from None
    except json.JSONDecodeError as error:
        raise SettingsError([f"the config file {path} is not JSON at line {error.lineno}: {error.msg}"]) from None
    if not isinstance(content, dict):
        raise SettingsError([f'the config file {path} holds no JSON object, such as {{"list_id": "Y6nRLr"}}'])
    return content


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    kinds = {name: _SDK_KINDS.get(name, "object") for name in SDK_SETTINGS}
    kinds |= {name: setting.kind for name, setting in SETTINGS.items()}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, kind in kinds.items():
        variable = ENVIRONMENT_PREFIX + name.upper()
        text = environment.get(variable, "")
        if text:
            try:
                values[name] = _PARSERS[kind](text)
            except (ValueError, KeyError):
                problems.append(f"the variable {variable} does not hold {_WANTED[kind]}")
    if problems:
        raise SettingsError(problems)
    return values


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "boolean": lambda text: _BOOLEANS[text.strip().lower()],
    "object": json.loads,
    "array": json.loads,
}
_WANTED = {"integer": "a whole number", "boolean": "true or false", "object": "a JSON object", "array": "a JSON list"}
