"""Rows of the settings table: which account, with what right, who may."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
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
)
