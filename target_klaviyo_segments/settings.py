"""The settings of a run, checked: every problem of a configuration is found at once and told in words."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from phonenumbers import SUPPORTED_REGIONS

from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.setting import Setting, nearest
from target_klaviyo_segments.settings_table import PER_SEGMENT, SDK_SETTINGS, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PRIVACY_NOTICE = (
    "`accept_data_privacy` is not true: nothing is sent. An export moves personal data, possibly sensitive, out of "
    "your systems into Klaviyo, where Klaviyo's terms apply. You answer for the consent of the people in the segment "
    "and for Klaviyo meeting your obligations. Set `accept_data_privacy` to true to agree"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """What one stream needs to become members of one list."""

    list_id: str
    email_field: str
    email_setting: str
    field_map: Mapping[str, str]
    unmapped_fields: Literal["send", "drop"]
    default_country: str | None
    sync_mode: str


@dataclass(frozen=True, slots=True)
class Settings:
    """A checked configuration; attributes are the settings of the table, by their names."""

    connection_name: str
    api_key: str
    api_url: str
    api_revision: str
    expected_account_id: str | None
    accept_data_privacy: bool
    allowed_users: tuple[str, ...] | None
    enabled: bool
    list_id: str | None
    email_field: str
    segments: Mapping[str, Mapping[str, Any]] | None
    field_map: Mapping[str, str]
    unmapped_fields: Literal["send", "drop"]
    default_country: str | None
    sync_mode: str
    max_profiles_per_export: int
    on_export_limit: str
    on_plan_limit: str
    batch_size_rows: int
    batch_size_bytes: int
    max_in_flight: int
    request_timeout_seconds: int
    retry_max_seconds: int
    job_timeout_seconds: int
    validate_records: bool
    on_invalid_record: str
    max_rejected_percent: int
    unchanged_profiles: str
    resend_after_days: int
    mirror_scope: str
    max_removal_percent: int
    mirror_on_end_of_input: bool
    work_dir: str

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], *, field_map_problems: Callable[[Mapping[str, str]], list[str]]
    ) -> Settings:
        """Check a configuration.

        Args:
            config: Setting names to values, as Meltano or a config file gives them. None counts as absent.
            field_map_problems: Judges a `field_map`; passed in because the fields are the mapping's knowledge.

        Raises:
            SettingsError: With every problem found.
        """
        present = {name: value for name, value in config.items() if value is not None}
        problems = [*_unknown(present), *_ill_formed(present, SETTINGS), *_missing(present)]
        for where, part in _parts(present):
            problems += [f"{where}{problem}" for problem in _field_map(part, field_map_problems)]
        if problems:
            raise SettingsError(problems)
        values = {name: present.get(name, setting.default) for name, setting in SETTINGS.items()}
        if values["allowed_users"] is not None:
            values["allowed_users"] = tuple(values["allowed_users"])
        values["api_url"] = values["api_url"].rstrip("/")
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def segment(self, stream: str) -> Segment | None:
        """The segment of a stream; None when `segments` is given and does not name it."""
        if self.segments is None:
            own: Mapping[str, Any] = {}
        elif stream in self.segments:
            own = {name: value for name, value in self.segments[stream].items() if value is not None}
        else:
            return None
        return Segment(
            list_id=own.get("list_id", self.list_id),
            email_field=own.get("email_field", self.email_field),
            email_setting=f"segments.{stream}.email_field" if "email_field" in own else "email_field",
            field_map=own.get("field_map", self.field_map),
            unmapped_fields=own.get("unmapped_fields", self.unmapped_fields),
            default_country=own.get("default_country", self.default_country),
            sync_mode=own.get("sync_mode", self.sync_mode),
        )

    @property
    def mirrored_lists(self) -> frozenset[str]:
        """Lists that a mirrored segment goes to."""
        names = [""] if self.segments is None else self.segments
        segments = filter(None, map(self.segment, names))
        return frozenset(segment.list_id for segment in segments if segment.sync_mode == "mirror")

    def email_field_of(self, stream: str) -> str | None:
        """The mapped e-mail property of a stream; None when it is not exported."""
        segment = self.segment(stream)
        return segment.email_field if segment is not None else None

    def __repr__(self) -> str:
        """Without the key: a representation ends up in logs."""
        return f"Settings(connection_name={self.connection_name!r}, list_id={self.list_id!r})"


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
    if "api_key" not in config:
        yield "`api_key` is missing: the private API key of the Klaviyo account (Settings > API keys in Klaviyo)"
    if config.get("accept_data_privacy", False) is False:
        yield PRIVACY_NOTICE
    segments = config.get("segments")
    if not isinstance(segments, dict):
        if not config.get("list_id"):
            yield "`list_id` is missing: the Klaviyo list to fill (the six characters in the address of its page)"
        return
    for stream, own in segments.items():
        if isinstance(own, dict) and not (own.get("list_id") or config.get("list_id")):
            yield f"`segments.{stream}` has no `list_id`, and there is no general one"


def _segments(value: Mapping[str, Any]) -> str | None:
    problems: list[str] = []
    for stream, own in value.items():
        if not isinstance(own, dict):
            problems.append(f'must give an object for the stream `{stream}`, such as {{"list_id": "Y6nRLr"}}')
            continue
        problems += [
            f"has no setting `{name}` for `{stream}`{nearest(name, PER_SEGMENT)}"
            for name in own
            if name not in PER_SEGMENT
        ]
        given = {name: item for name, item in own.items() if item is not None}
        problems += [f"is wrong: {p}" for p in _ill_formed(given, PER_SEGMENT, where=f"{stream}.")]
    return "; ".join(problems) or None


def _parts(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "", config.get("field_map")
    segments = config.get("segments")
    if isinstance(segments, dict):
        for stream, own in segments.items():
            if isinstance(own, dict):
                yield f"segments.{stream}: ", own.get("field_map")


def _field_map(field_map: object, judge: Callable[[Mapping[str, str]], list[str]]) -> list[str]:
    return judge(field_map) if isinstance(field_map, dict) else []


def _api_url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a web address"
    if parts.scheme == "https" and host and not (parts.username or parts.query):
        return None
    if parts.scheme == "http" and _loopback(host):
        return None
    return "must be https (plain http is allowed for a loopback host such as 127.0.0.1 only): the key travels with it"


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _api_revision(value: str) -> str | None:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.pre)?", value):
        return None
    return "must be a Klaviyo API revision, a date such as 2026-10-15"


def _default_country(value: str) -> str | None:
    return None if value.upper() in SUPPORTED_REGIONS else "must be a country's two letters, such as US or DE"


def _api_key(value: str) -> str | None:
    if value.isascii() and value.isprintable() and " " not in value:
        return None
    return "holds a space or a character that no Klaviyo key has"


def _no_problem(value: object) -> None:
    """Most settings need no rule beyond the table's."""


_SPECIAL: Mapping[str, Callable[[Any], str | None]] = {
    "api_key": _api_key,
    "api_url": _api_url,
    "api_revision": _api_revision,
    "default_country": _default_country,
    "segments": _segments,
}
