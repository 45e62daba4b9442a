"""Rows of the settings table: which account, with what right, who may."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
    Setting(
        "connection_name",
        "string",
        "Name of this connection, shown in reports, in alerts, and in the log where a run begins, warns and ends.",
        "klaviyo",
    ),
    Setting(
        "api_key",
        "string",
        "Private API key of the Klaviyo account, with the scopes accounts:read, lists:read, lists:write, profiles:read and profiles:write.",
        secret=True,
    ),
    Setting(
        "api_key_file",
        "string",
        "File that holds the private API key and nothing else; instead of api_key. ~ at its beginning is the home folder.",
    ),
    Setting(
        "oauth_client_id",
        "string",
        "Client ID of an OAuth app that is installed in the Klaviyo account; with the other two oauth settings, instead of api_key.",
    ),
    Setting("oauth_client_secret", "string", "Client secret of the OAuth app.", secret=True),
    Setting(
        "oauth_refresh_token",
        "string",
        "Refresh token of the installation. A newer one that Klaviyo gives is kept in work_dir and used from then on.",
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
