"""Rows of the settings table: where a run keeps what."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
    Setting(
        "work_dir",
        "string",
        "Folder for the ledger, reports and rejected rows, made when missing.",
        ".target-klaviyo-segments",
    ),
)
