"""What is wrong with a configuration: every problem is found at once and told in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.settings.rules_address import api_url, webhook_url
from target_klaviyo_segments.settings.rules_consent import consent_problems
from target_klaviyo_segments.settings.rules_key import key_problems
from target_klaviyo_segments.settings.rules_lists import list_problems
from target_klaviyo_segments.settings.rules_maps import flattening_problems, map_problems
from target_klaviyo_segments.settings.rules_suppression import suppression_problems
from target_klaviyo_segments.settings.setting import Setting, nearest
from target_klaviyo_segments.settings.table import PER_SEGMENT, PER_VALUE, SDK_SETTINGS, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

# Judges how records are mapped: by what a part of the configuration says, and by that with what it inherits.
MappingProblems = Callable[[Mapping[str, Any], Mapping[str, Any]], list[str]]

PRIVACY_NOTICE = (
    "`accept_data_privacy` is not true: nothing is sent. An export moves personal data, possibly sensitive, out of "
    "your systems into Klaviyo, where Klaviyo's terms apply. You instruct it. You answer for the consent of the people "
    "in the segment to this use of their data, and for Klaviyo meeting the obligations that you have towards them. Set "
    "`accept_data_privacy` to true to agree"
)


def problems_of(config: Mapping[str, Any], mapping_problems: MappingProblems) -> list[str]:
    """Every problem of a configuration without nulls, a sentence each; empty when it can be used."""
    problems = [*_unknown(config), *_ill_formed(config, SETTINGS), *_missing(config)]
    problems += [*_segments(config), *list_problems(config), *consent_problems(config), *suppression_problems(config)]
    problems += [*map_problems(config), *flattening_problems(config)]
    for where, own in _parts(config):
        problems += [f"{where}{problem}" for problem in mapping_problems(own, {**config, **own})]
    return problems


def folder_of(config: Mapping[str, Any]) -> str:
    """`work_dir`, for commands that need no whole configuration.

    Raises:
        SettingsError: A name is of no setting, so that another folder may be meant; or the value is none.
    """
    present = {name: value for name, value in config.items() if value is not None}
    table = {name: SETTINGS[name] for name in ("work_dir", "dry_run")}
    problems = [*_unknown(present), *_ill_formed(present, table)]
    if problems:
        raise SettingsError(problems)
    return str(present.get("work_dir", SETTINGS["work_dir"].default))


def _unknown(config: Mapping[str, Any]) -> Iterator[str]:
    known = [*SETTINGS, *SDK_SETTINGS]
    for name in config:
        if name not in known:
            yield f"there is no setting `{name}`{nearest(name, known)}"


def _ill_formed(config: Mapping[str, Any], table: Mapping[str, Setting], where: str = "") -> Iterator[str]:
    for name, setting in table.items():
        if name not in config:
            continue
        value = config[name]
        problem = setting.problem(value) or _SPECIAL.get(name, _no_problem)(value)
        if problem:
            yield f"`{where}{name}` {problem}"


def _missing(config: Mapping[str, Any]) -> Iterator[str]:
    yield from key_problems(config)
    if config.get("accept_data_privacy", False) is False:
        yield PRIVACY_NOTICE


def _segments(config: Mapping[str, Any]) -> Iterator[str]:
    """Problems of `segments`, whose keys are streams, or values of the general `segment_field`."""
    segments = config.get("segments")
    if not isinstance(segments, dict):
        return
    if config.get("segment_field") is not None:
        yield from _entries("segments", segments, PER_VALUE, "segment")
        return
    yield from _entries("segments", segments, PER_SEGMENT, "stream")
    for stream, own in segments.items():
        if isinstance(own, dict) and isinstance(own.get("segments"), dict):
            yield from _entries(f"segments.{stream}.segments", own["segments"], PER_VALUE, "segment")


def _entries(where: str, entries: Mapping[str, Any], table: Mapping[str, Setting], what: str) -> Iterator[str]:
    for key, own in entries.items():
        if not isinstance(own, dict):
            yield f'`{where}` must give an object for the {what} `{key}`, such as {{"list_id": "Y6nRLr"}}'
            continue
        for name in own:
            if name not in table:
                yield f"`{where}` has no setting `{name}` for `{key}`{nearest(name, table)}"
        given = {name: item for name, item in own.items() if item is not None}
        for problem in _ill_formed(given, table, where=f"{key}."):
            yield f"`{where}` is wrong: {problem}"


def _parts(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "", config
    segments = config.get("segments")
    if isinstance(segments, dict):
        for stream, own in segments.items():
            if isinstance(own, dict):
                yield f"segments.{stream}: ", {name: value for name, value in own.items() if value is not None}


def _api_revision(value: str) -> str | None:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.pre)?", value):
        return None
    return "must be a Klaviyo API revision, a date such as 2026-10-15"


def _default_country(value: str) -> str | None:
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415  # 15 ms, only where a country is set

    return None if value.upper() in SUPPORTED_REGIONS else "must be a country's two letters, such as US or DE"


def _api_key(value: str) -> str | None:
    if value.isascii() and value.isprintable() and " " not in value:
        return None
    return "holds a space or a character that no Klaviyo key has"


def _selection(value: Mapping[str, Any]) -> str | None:
    return None if value else "is empty: nothing would be exported. Name in it what is, or leave it out to export all"


def _no_problem(value: object) -> None:
    """Most settings need no rule beyond the table's."""


_SPECIAL: Mapping[str, Callable[[Any], str | None]] = {
    "api_key": _api_key,
    "oauth_client_id": _api_key,
    "oauth_client_secret": _api_key,
    "oauth_refresh_token": _api_key,
    "api_url": api_url,
    "alert_webhook_url": webhook_url,
    "api_revision": _api_revision,
    "default_country": _default_country,
    "segments": _selection,
}
