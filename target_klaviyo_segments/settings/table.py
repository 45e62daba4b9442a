"""The settings table: one row a setting. Everything that lists settings is made from it or checked against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.settings import (
    rows_checks,
    rows_connection,
    rows_consent,
    rows_export,
    rows_leaving,
    rows_lists,
    rows_run,
    rows_segment,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_klaviyo_segments.settings.setting import Setting

GROUPS = (rows_connection, rows_lists, rows_segment, rows_export, rows_checks, rows_leaving, rows_consent, rows_run)

SETTINGS: Mapping[str, Setting] = {row.name: row for group in GROUPS for row in group.ROWS}

PER_SEGMENT: Mapping[str, Setting] = {
    name: SETTINGS[name]
    for name in (
        "list_id",
        "list_name",
        "create_list",
        "opt_in_process",
        "email_field",
        "field_map",
        "append_fields",
        "unappend_fields",
        "unmapped_fields",
        "null_fields",
        "default_country",
        "sync_mode",
        "segment_field",
        "segments",
        *rows_consent.NAMES,
    )
}

# What a segment has of its own that is told by a value of `segment_field`; the mapping is its stream's.
PER_VALUE: Mapping[str, Setting] = {
    name: SETTINGS[name] for name in ("list_id", "list_name", "create_list", "opt_in_process", "sync_mode")
}

# Given by singer-sdk (https://sdk.meltano.com/en/latest/stream_maps.html), handed on as they are.
SDK_SETTINGS = (
    "stream_maps",
    "stream_map_config",
    "faker_config",
    "flattening_enabled",
    "flattening_max_depth",
    "flattening_max_key_length",
    "flattening_separator",
)


def config_jsonschema() -> dict[str, Any]:
    """The table as the JSON schema that singer-sdk renders for `--about`."""
    properties = {name: setting.json_schema() for name, setting in SETTINGS.items()}
    for name in ("field_map", "append_fields", "unappend_fields"):
        properties[name]["default"] = {}  # JSON knows no frozen object
    return {"type": "object", "properties": properties, "required": ["accept_data_privacy"]}
