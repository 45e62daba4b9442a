"""Rows of the settings table: which rows become whom."""

from __future__ import annotations

from types import MappingProxyType

from target_klaviyo_segments.settings.setting import Setting

# Values of `sync_mode`: those that ask for something other than a place on a list, and those that put people there.
SUPPRESSION = ("suppress", "unsuppress")
DELIVERS = ("upsert", "mirror")

ROWS = (
    Setting("email_field", "string", "Property of the records that holds the e-mail address.", "email"),
    Setting(
        "segment_field",
        "string",
        "Property of the records that says which segment a row is of: one stream, several segments, several lists. Then segments is keyed by its values; without segments its value is the name of the list.",
    ),
    Setting(
        "segments",
        "object",
        "Stream name to its own list_id or list_name, create_list, opt_in_process, email_field, field_map, append_fields, unappend_fields, unmapped_fields, null_fields, default_country, sync_mode, segment_field and segments. When given, only these streams are exported.",
    ),
    Setting(
        "field_map",
        "object",
        'Klaviyo field to record property, such as {"first_name": "given_name", "location.city": "town", "properties.tier": "level"}.',
        MappingProxyType({}),
    ),
    Setting(
        "append_fields",
        "object",
        'Custom property to record property, such as {"segments": "segment_name"}: its value, or each value of an array, is added to the array that Klaviyo has there.',
        MappingProxyType({}),
    ),
    Setting(
        "unappend_fields",
        "object",
        "Custom property to record property, whose value, or each value of an array, is taken out of the array that Klaviyo has there.",
        MappingProxyType({}),
    ),
    Setting(
        "unmapped_fields",
        "string",
        "What becomes of properties that map to no Klaviyo field: send as custom properties, or drop. _sdc_* and _smart_* columns are never sent.",
        "send",
        options=("send", "drop"),
    ),
    Setting(
        "null_fields",
        "string",
        "What a null does: keep leaves Klaviyo's value as it is; clear unsets the custom property, and clears the standard field if this target had given it to the person.",
        "keep",
        options=("keep", "clear"),
    ),
    Setting("default_country", "string", "Country (two letters) in which national phone numbers are read."),
    Setting(
        "sync_mode",
        "string",
        "What a stream's rows do to the list: upsert adds and updates people, mirror also takes off whoever left the segment, remove takes off whom the rows name; in these a row with a delete marker (_sdc_deleted_at) takes its person off. Without a list, suppress stops all e-mail marketing to whom the rows name, and unsuppress lifts that again: see docs/consent.md. Nobody is unsubscribed or deleted.",
        "upsert",
        options=("upsert", "mirror", "remove", *SUPPRESSION),
    ),
)
