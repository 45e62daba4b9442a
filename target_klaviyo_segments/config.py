"""Configuration from files and environment variables, before it is checked."""

from __future__ import annotations

import difflib
import json
import os
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
_JSON_IS_STRICT = 'JSON has no comments, no comma before a closing bracket, no quotes but ", and small true and false'
_PATHS = ("work_dir", "api_key_file")
_NEARLY = 0.8  # of a name's letters
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def read_config(paths: Iterable[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Merge config files, later ones first in rank, and the `TARGET_KLAVIYO_SEGMENTS_*` variables, which outrank them.

    A path `ENV` is accepted for the habit of other targets and changes nothing: variables are always read.

    Raises:
        SettingsError: A file cannot be read, is not JSON or no object; a variable does not fit its setting; a path that
            is none.
    """
    config = _read_files(paths)
    values, problems = _read_environment(environment)
    if problems:
        raise SettingsError(problems)
    config |= values
    return config | dict(_paths(config))


def readable_config(paths: Iterable[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """As far as it can be read, where `read_config` refuses it: of files all or none, for a later one outranks."""
    try:
        config = _read_files(paths)
    except SettingsError:
        config = {}
    return config | _read_environment(environment)[0]


def _read_files(paths: Iterable[str]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for path in paths:
        if path != "ENV":
            config |= _read_file(path)
    return config


def _paths(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Those of the settings, with the home folder for `~` as a shell has it: nobody means a folder of that name."""
    for name in _PATHS:
        if isinstance(path := config.get(name), str):
            if "\0" in path:
                raise SettingsError([f"`{name}` has a NUL character, which no path has"])
            yield name, os.path.expanduser(path)  # noqa: PTH111  # `Path` raises for a user that there is not


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
        content = json.loads(_text(Path(path).read_bytes()))
    except OSError as error:
        raise SettingsError([_unreadable(path, error)]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"the config file {path} is not UTF-8 text: save it as UTF-8"]) from None
    except json.JSONDecodeError as error:
        told = f"the config file {path} is not JSON at line {error.lineno}: {error.msg}. {_JSON_IS_STRICT}"
        raise SettingsError([told]) from None
    except (RecursionError, ValueError):  # of more digits than 4,300 Python makes no number
        told = f"the config file {path} is nested too deeply or has a number of thousands of digits: it is spoilt"
        raise SettingsError([told]) from None
    if not isinstance(content, dict):
        raise SettingsError([f'the config file {path} holds no JSON object, such as {{"list_id": "Y6nRLr"}}'])
    return content


def _unreadable(path: str, error: OSError) -> str:
    """A key that was given in its place is not shown."""
    if path.lstrip().startswith(("{", "pk_")):
        return (
            "`--config` was given what looks like settings or a key, which is not shown here: it takes the path of a "
            "file that holds them"
        )
    return f"the config file {path} cannot be read: {error.strerror}"


def _text(content: bytes) -> str:
    """UTF-8, or UTF-16 as a Windows shell writes it; either may begin with the mark of its kind.

    Raises:
        UnicodeDecodeError: It is something else.
    """
    return content.decode(json.detect_encoding(content))


def _read_environment(environment: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Values by setting, None where a variable does not fit its own; and what is wrong, a sentence each."""
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
            except (ValueError, KeyError, RecursionError):
                values[name] = None
                problems.append(f"the variable {variable} does not hold {_WANTED[kind]}")
    return values, [*problems, *_misspelt(environment, kinds)]


def _misspelt(environment: Mapping[str, str], known: Iterable[str]) -> Iterator[str]:
    """Variables that nearly have the name of a setting: a dry run meant so would be a run.

    Others may be of a program that starts us, and Meltano, which hands settings over in a file, has many.
    """
    if any(name.startswith("MELTANO_") for name in environment):
        return
    names = {f"{ENVIRONMENT_PREFIX}{name.upper()}": name for name in known}
    for variable in environment:
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in names:
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            for close in difflib.get_close_matches(name, names.values(), n=1, cutoff=_NEARLY):
                yield f"the variable {variable} is of no setting; did you mean {ENVIRONMENT_PREFIX}{close.upper()}?"


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "boolean": lambda text: _BOOLEANS[text.strip().lower()],
    "object": json.loads,
    "array": json.loads,
}
_WANTED = {"integer": "a whole number", "boolean": "true or false", "object": "a JSON object", "array": "a JSON list"}
