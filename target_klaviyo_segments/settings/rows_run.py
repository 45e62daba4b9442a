"""Rows of the settings table: where a run keeps what, who is told, and whether it is only rehearsed."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
    Setting(
        "work_dir",
        "string",
        "Folder for the ledger, reports and rejected rows, made when missing. ~ at its beginning is the home folder.",
        ".target-klaviyo-segments",
    ),
    Setting(
        "alert_webhook_url",
        "string",
        "Web address that is told, by one JSON document with a `text` as Slack takes it, when a run fails, is refused, is stopped or was killed, and when one goes well again.",
        secret=True,
    ),
    Setting(
        "dry_run",
        "boolean",
        "Foretell what a run would do and write nothing to Klaviyo, neither to the ledger nor as STATE; plan.json in work_dir. Also --dry-run. See docs/dry-run.md.",
        default=False,
    ),
)
