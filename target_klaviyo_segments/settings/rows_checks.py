"""Rows of the settings table: which rows go, which do not."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
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
)
