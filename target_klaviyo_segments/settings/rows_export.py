"""Rows of the settings table: how much goes at once, and how long to wait."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

_IMPORT = "https://developers.klaviyo.com/en/reference/bulk_import_profiles"

ROWS = (
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
)
