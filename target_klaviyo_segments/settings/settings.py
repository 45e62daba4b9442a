"""The settings of a run, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.settings.rows_consent import NAMES as CONSENT
from target_klaviyo_segments.settings.rows_segment import DELIVERS, SUPPRESSION
from target_klaviyo_segments.settings.rules import problems_of
from target_klaviyo_segments.settings.table import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.settings.rules import MappingProblems


@dataclass(frozen=True, slots=True)
class Segment:
    """What one stream needs to become members of one list: the list by its ID or by its name, never by both."""

    list_id: str | None
    list_name: str | None
    create_list: bool
    opt_in_process: str | None
    email_field: str
    email_setting: str
    field_map: Mapping[str, str]
    append_fields: Mapping[str, str]
    unappend_fields: Mapping[str, str]
    unmapped_fields: Literal["send", "drop"]
    null_fields: Literal["keep", "clear"]
    default_country: str | None
    sync_mode: str
    segment_field: str | None = None
    subscribe_channels: Sequence[str] | None = None
    consent_field: str | None = None
    consented_at_field: str | None = None
    historical_import: bool = False
    custom_source: str | None = None
    resubscribe: bool = False
    values: Mapping[str, Segment] | None = None  # by value of `segment_field`; None: the value names the list

    @property
    def sources(self) -> Mapping[str, str]:
        """Properties of the records that are named, by where they are: `field_map.title`, `append_fields.segments`."""
        named = {
            "field_map": self.field_map,
            "append_fields": self.append_fields,
            "unappend_fields": self.unappend_fields,
        }
        whole = {
            name: getattr(self, name) for name in ("consent_field", "consented_at_field") if self.subscribe_channels
        }
        mapped = {f"{name}.{field}": source for name, fields in named.items() for field, source in fields.items()}
        return mapped | {name: source for name, source in whole.items() if source is not None}

    @property
    def suppresses(self) -> bool:
        """Whether its people are to be suppressed, or no longer, and go to no list."""
        return self.sync_mode in SUPPRESSION

    @property
    def of_addresses(self) -> Segment:
        """The same without the general settings about lists, fields and consent, which do not concern it."""
        lists: dict[str, Any] = {"list_id": None, "list_name": None, "create_list": False, "opt_in_process": None}
        fields: dict[str, Any] = {"field_map": {}, "append_fields": {}, "unappend_fields": {}, "null_fields": "keep"}
        return replace(self, segment_field=None, subscribe_channels=None, **lists, **fields)

    def of_value(self, value: str, given: Mapping[str, Any]) -> Segment:
        """The segment of one value of `segment_field`, with the settings given for it; its list may be of its name."""
        own = {name: each for name, each in given.items() if each is not None}
        placed = {"list_id": self.list_id, "list_name": self.list_name}
        if own.get("list_id") or own.get("list_name"):
            placed = {"list_id": None, "list_name": None}
        elif not (self.list_id or self.list_name):
            placed = {"list_id": None, "list_name": value}
        return replace(self, segment_field=None, values=None, **(placed | own))


@dataclass(frozen=True, slots=True)
class Settings:
    """A checked configuration; attributes are the settings of the table, by their names."""

    connection_name: str
    api_key: str | None
    api_key_file: str | None
    oauth_client_id: str | None
    oauth_client_secret: str | None
    oauth_refresh_token: str | None
    api_url: str
    api_revision: str
    expected_account_id: str | None
    accept_data_privacy: bool
    allowed_users: tuple[str, ...] | None
    enabled: bool
    list_id: str | None
    list_name: str | None
    create_list: bool
    opt_in_process: str | None
    max_new_lists: int
    warn_new_members: int
    email_field: str
    segments: Mapping[str, Mapping[str, Any]] | None
    field_map: Mapping[str, str]
    append_fields: Mapping[str, str]
    unappend_fields: Mapping[str, str]
    unmapped_fields: Literal["send", "drop"]
    null_fields: Literal["keep", "clear"]
    default_country: str | None
    sync_mode: str
    segment_field: str | None
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
    subscribe_channels: Sequence[str] | None
    consent_field: str | None
    consented_at_field: str | None
    historical_import: bool
    custom_source: str | None
    resubscribe: bool
    work_dir: str
    alert_webhook_url: str | None
    dry_run: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, mapping_problems: MappingProblems) -> Settings:
        """Check a configuration.

        Args:
            config: Setting names to values, as Meltano or a config file gives them. None counts as absent.
            mapping_problems: Judges how records are mapped; passed in because the fields are the mapping's knowledge.

        Raises:
            SettingsError: With every problem found.
        """
        present = {name: value for name, value in config.items() if value is not None}
        problems = problems_of(present, mapping_problems)
        if problems:
            raise SettingsError(problems)
        values = {name: present.get(name, setting.default) for name, setting in SETTINGS.items()}
        if values["allowed_users"] is not None:
            values["allowed_users"] = tuple(values["allowed_users"])
        values["api_url"] = values["api_url"].rstrip("/")
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def segment(self, stream: str) -> Segment | None:
        """The segment of a stream; None when `segments` is given and does not name it."""
        if self.segments is None or self.segment_field is not None:
            own: Mapping[str, Any] = {}
        elif stream in self.segments:
            own = {name: value for name, value in self.segments[stream].items() if value is not None}
        else:
            return None
        named = (
            own if "list_id" in own or "list_name" in own else {"list_id": self.list_id, "list_name": self.list_name}
        )
        found = Segment(
            list_id=named.get("list_id"),
            list_name=named.get("list_name"),
            create_list=own.get("create_list", self.create_list),
            opt_in_process=own.get("opt_in_process", self.opt_in_process),
            email_field=own.get("email_field", self.email_field),
            email_setting=f"segments.{stream}.email_field" if "email_field" in own else "email_field",
            field_map=own.get("field_map", self.field_map),
            append_fields=own.get("append_fields", self.append_fields),
            unappend_fields=own.get("unappend_fields", self.unappend_fields),
            unmapped_fields=own.get("unmapped_fields", self.unmapped_fields),
            null_fields=own.get("null_fields", self.null_fields),
            default_country=own.get("default_country", self.default_country),
            sync_mode=own.get("sync_mode", self.sync_mode),
            segment_field=own.get("segment_field", self.segment_field),
            **{name: own.get(name, getattr(self, name)) for name in CONSENT},
        )
        if found.suppresses:
            return found.of_addresses
        values = own.get("segments") if self.segment_field is None else self.segments
        if values is None:
            return found
        return replace(found, values={value: found.of_value(value, given) for value, given in values.items()})

    @property
    def destinations(self) -> tuple[Segment, ...]:
        """A segment for every list, by id or name, that segments go to, as far as the settings name them."""
        named = [segment for segment in self._all_segments if segment.list_id or segment.list_name]
        return tuple({(segment.list_id, segment.list_name): segment for segment in named}.values())

    @property
    def mirrored_lists(self) -> frozenset[str] | None:
        """Lists that a mirrored segment goes to; None for all, when one is known by its name alone."""
        mirrored = {segment.list_id for segment in self._all_segments if segment.sync_mode == "mirror"}
        return None if None in mirrored else frozenset(filter(None, mirrored))

    @property
    def _all_segments(self) -> Iterator[Segment]:
        """Of streams that are one segment, and of the values of those that are several."""
        by_stream = self.segments is not None and self.segment_field is None
        for stream in filter(None, map(self.segment, (self.segments or ()) if by_stream else [""])):
            yield from [stream] if stream.values is None else stream.values.values()

    @property
    def sync_modes(self) -> frozenset[str]:
        """What is done with segments, as far as the settings tell."""
        return frozenset(segment.sync_mode for segment in self._all_segments)

    @property
    def subscribes(self) -> bool:
        """Whether anybody may be subscribed."""
        return any(segment.subscribe_channels and segment.sync_mode in DELIVERS for segment in self._all_segments)

    def needed_by(self, stream: str) -> list[str]:
        """The properties without which a stream cannot be exported; none when it is not exported."""
        segment = self.segment(stream)
        return [] if segment is None else list(filter(None, [segment.email_field, segment.segment_field]))

    def consent(self, name: str) -> tuple[Sequence[str], bool] | None:
        """Channels for people of a stream, or of its segment `people/vip`, and `resubscribe`; None: not exported."""
        segment = self.segment(name) or self._segment_of_value(name)
        if segment is None:
            return None
        return (segment.subscribe_channels or ()) if segment.sync_mode in DELIVERS else (), segment.resubscribe

    def _segment_of_value(self, name: str) -> Segment | None:
        for stream in self.segments or ():
            whole, value = self.segment(stream), name.removeprefix(f"{stream}/")
            if whole is not None and whole.segment_field is not None and value != name:
                return whole if whole.values is None else whole.values.get(value)
        return None

    def __repr__(self) -> str:
        """Without the key: a representation ends up in logs."""
        return f"Settings(connection_name={self.connection_name!r}, list_id={self.list_id!r})"
