"""The settings table: one row a setting. Everything that lists settings is made from it or checked against it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMPORT = "https://developers.klaviyo.com/en/reference/bulk_import_profiles"

_ROWS = (
    Setting("connection_name", "string", "Name of this connection, shown in logs, reports and errors.", "klaviyo"),
    Setting(
        "api_key",
        "string",
        "Private API key of the Klaviyo account, with the scopes accounts:read, lists:read, lists:write, profiles:read and profiles:write.",
        secret=True,
    ),
    Setting(
        "api_url",
        "string",
        "Where Klaviyo's API is; plain http is accepted for a loopback host only.",
        "https://a.klaviyo.com",
    ),
    Setting(
        "api_revision",
        "string",
        "Revision of Klaviyo's API. Its answers are as of that date; Klaviyo keeps a revision for two years.",
        "2026-10-15",
    ),
    Setting(
        "expected_account_id",
        "string",
        "Refuse to run when the key belongs to another Klaviyo account than this one (six characters).",
    ),
    Setting(
        "accept_data_privacy",
        "boolean",
        "Must be true: you agree that personal data leaves your systems for Klaviyo. Nothing is sent without it.",
        default=False,
    ),
    Setting(
        "allowed_users",
        "array",
        "OS user names that may run this connection. Absent: whoever can read the configuration.",
    ),
    Setting(
        "enabled",
        "boolean",
        "False stops every run before it reads, with exit status 1 and nothing sent.",
        default=True,
    ),
    Setting("list_id", "string", "Klaviyo list that segments without a list of their own go to."),
    Setting("email_field", "string", "Property of the records that holds the e-mail address.", "email"),
    Setting(
        "segments",
        "object",
        "Stream name to its own list_id, email_field, field_map, unmapped_fields, default_country and sync_mode. When given, only these streams are exported.",
    ),
    Setting(
        "field_map",
        "object",
        'Klaviyo field to record property, such as {"first_name": "given_name", "location.city": "town", "properties.tier": "level"}.',
        MappingProxyType({}),
    ),
    Setting(
        "unmapped_fields",
        "string",
        "What becomes of properties that map to no Klaviyo field: send as custom properties, or drop. _sdc_* and _smart_* columns are never sent.",
        "send",
        options=("send", "drop"),
    ),
    Setting("default_country", "string", "Country (two letters) in which national phone numbers are read."),
    Setting(
        "sync_mode",
        "string",
        "What a stream's rows do to the list: upsert adds and updates people, remove takes them off the list. A row with a delete marker (_sdc_deleted_at) takes its person off in every mode. Nobody is unsubscribed or deleted.",
        "upsert",
        options=("upsert", "remove"),
    ),
    Setting(
        "max_profiles_per_export",
        "integer",
        "Profiles that one export of one segment holds at most.",
        100_000,
        minimum=1,
        maximum=1_000_000,
        limit="an export holds 1 to 1,000,000 profiles",
    ),
    Setting(
        "on_export_limit",
        "string",
        "At the limit: split closes the export and opens the next; fail stops the run.",
        "split",
        options=("split", "fail"),
    ),
    Setting(
        "on_plan_limit",
        "string",
        "When the people to send may exceed what the Klaviyo plan has left: warn, fail before sending more than fits, or ignore.",
        "warn",
        options=("warn", "fail", "ignore"),
    ),
    Setting(
        "batch_size_rows",
        "integer",
        "Profiles in one Klaviyo import job at most.",
        10_000,
        minimum=1,
        maximum=10_000,
        limit=f"a Klaviyo import job takes 1 to 10,000 profiles ({_IMPORT})",
    ),
    Setting(
        "batch_size_bytes",
        "integer",
        "Bytes in one Klaviyo import job at most.",
        4_900_000,
        minimum=200_000,
        maximum=5_000_000,
        limit=f"a Klaviyo import job takes at most 5 MB, and one profile alone may take 100 KB ({_IMPORT})",
    ),
    Setting(
        "max_in_flight",
        "integer",
        "Import requests under way at once.",
        8,
        minimum=1,
        maximum=32,
        limit="more than Klaviyo's burst of 10 a second gains nothing",
    ),
    Setting(
        "request_timeout_seconds",
        "integer",
        "How long one request may take.",
        60,
        minimum=1,
        maximum=600,
        limit="a request is given 1 second to 10 minutes",
    ),
    Setting(
        "retry_max_seconds",
        "integer",
        "How long a request is tried again before the run gives up.",
        600,
        minimum=0,
        maximum=86_400,
        limit="a run waits for Klaviyo a day at most",
    ),
    Setting(
        "job_timeout_seconds",
        "integer",
        "How long Klaviyo may take to end an import job.",
        3600,
        minimum=1,
        maximum=604_800,
        limit="Klaviyo forgets a job after 7 days",
    ),
    Setting(
        "validate_records",
        "boolean",
        "Check records against their stream's schema as well as the e-mail rule.",
        default=True,
    ),
    Setting(
        "on_invalid_record",
        "string",
        "What a record that fails the checks does: reject puts it into the rejects file and goes on, fail stops the run.",
        "reject",
        options=("reject", "fail"),
    ),
    Setting(
        "max_rejected_percent",
        "integer",
        "Share of a stream's rows that may be rejected, looked at from 20 rejected rows on; above it the run fails and writes no STATE.",
        50,
        minimum=0,
        maximum=100,
        limit="it is a share of the rows",
    ),
    Setting(
        "unchanged_profiles",
        "string",
        "What becomes of people whom Klaviyo has as they are, by the ledger of earlier runs: send them again, or skip them.",
        "send",
        options=("send", "skip"),
    ),
    Setting(
        "resend_after_days",
        "integer",
        "With unchanged_profiles skip: people are sent again when they were delivered longer ago than this.",
        7,
        minimum=0,
        maximum=3650,
        limit="what Klaviyo was given is trusted for ten years at most",
    ),
    Setting(
        "work_dir",
        "string",
        "Folder for the ledger, reports and rejected rows, made when missing.",
        ".target-klaviyo-segments",
    ),
)

SETTINGS: Mapping[str, Setting] = {row.name: row for row in _ROWS}

PER_SEGMENT: Mapping[str, Setting] = {
    name: SETTINGS[name]
    for name in ("list_id", "email_field", "field_map", "unmapped_fields", "default_country", "sync_mode")
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
    properties["field_map"]["default"] = {}
    return {"type": "object", "properties": properties, "required": ["api_key", "accept_data_privacy"]}
