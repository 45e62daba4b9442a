"""Rows of the settings table: who is taken off a list."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
    Setting(
        "mirror_scope",
        "string",
        "Whom a mirror may take off: exported, only people whom this target put on the list; all, whoever is not in the segment.",
        "exported",
        options=("exported", "all"),
    ),
    Setting(
        "max_removal_percent",
        "integer",
        "Share of the members that a mirror may take off in one run; above it nobody is taken off and the run fails. --allow-removals N lifts it once.",
        20,
        minimum=0,
        maximum=100,
        limit="it is a share of the members",
    ),
    Setting(
        "mirror_on_end_of_input",
        "boolean",
        "Accept the end of the input as the end of a mirrored segment, when a STATE came after its last record; for taps that send no ACTIVATE_VERSION.",
        default=False,
    ),
)
