"""Rows of the settings table: which list, by ID or by name."""

from __future__ import annotations

from target_klaviyo_segments.settings.setting import Setting

ROWS = (
    Setting("list_id", "string", "Klaviyo list that segments without a list of their own go to."),
    Setting("list_name", "string", "The same list by its name, in place of list_id; exactly one list must have it."),
    Setting(
        "create_list",
        "boolean",
        "Make the list of list_name when there is none of that name, once the first row is to go to it. Klaviyo makes 150 lists a day.",
        default=False,
    ),
    Setting(
        "opt_in_process",
        "string",
        "With create_list: how people opt in to a list that is made. Absent: as the Klaviyo account has it.",
        options=("single_opt_in", "double_opt_in"),
    ),
    Setting(
        "max_new_lists",
        "integer",
        "With segment_field and create_list: lists that one run makes at most; for one more value without a list it stops.",
        20,
        minimum=1,
        maximum=150,
        limit="Klaviyo makes 150 lists a day (https://developers.klaviyo.com/en/reference/create_list)",
    ),
    Setting(
        "warn_new_members",
        "integer",
        "When more people than this are new to a list in one run, by the ledger, a warning says so before they go there.",
        10_000,
        minimum=0,
        maximum=1_000_000_000,
        limit="it is a number of people",
    ),
)
