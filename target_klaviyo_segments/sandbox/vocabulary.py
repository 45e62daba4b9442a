"""The words of the query string that the endpoints understand.

As https://developers.klaviyo.com/en/reference/api_overview lists them for each; a name that ends with a dot stands for
all that begin with it.
"""

from __future__ import annotations

from target_klaviyo_segments.sandbox.filters import ORDER

LOOKUP = frozenset({"any", "equals"})
EQUALS = frozenset({"equals"})
SINCE = frozenset({"greater-than"})
BETWEEN = frozenset({"greater-than", "less-than"})

LIST_FIELDS = frozenset({"created", "id", "name", "opt_in_process", "updated"})
JOB_FIELDS = frozenset(
    {
        "completed_at",
        "completed_count",
        "created_at",
        "expires_at",
        "failed_count",
        "id",
        "started_at",
        "status",
        "total_count",
    }
)
PROFILE_FIELDS = frozenset(
    {
        "created",
        "email",
        "external_id",
        "first_name",
        "id",
        "image",
        "last_event_date",
        "last_name",
        "locale",
        "location",
        "location.",
        "organization",
        "phone_number",
        "predictive_analytics",
        "predictive_analytics.",
        "properties",
        "subscriptions",
        "subscriptions.",
        "title",
        "updated",
    }
)
MEMBER_FIELDS = PROFILE_FIELDS | {"joined_group_at"}
ACCOUNT_FIELDS = frozenset(
    {
        "contact_information",
        "contact_information.",
        "id",
        "industry",
        "locale",
        "preferred_currency",
        "public_api_key",
        "test_account",
        "timezone",
    }
)
USAGE_FIELDS = {"billing-usage": frozenset({"as_of", "period_end", "period_start", "unit", "usage_max", "usage_used"})}
ERROR_FIELDS = frozenset({"code", "detail", "id", "original_payload", "source", "source.", "title"})
# What may hang on a profile, though nothing does in the sandbox.
PROFILE_INCLUDES = {
    "conversation": frozenset({"channel", "id"}),
    "push-token": frozenset(
        {
            "background",
            "created",
            "enablement_status",
            "id",
            "metadata",
            "metadata.",
            "platform",
            "recorded_date",
            "token",
            "vendor",
        }
    ),
}
PROFILE_EXTRAS = {"profile": frozenset({"subscriptions", "predictive_analytics"})}
LISTS = {"list": LIST_FIELDS}
# What `include` may bring along; nothing of it hangs on a list or a profile of the sandbox.
LIST_EXTRAS = {
    "flow": frozenset({"archived", "created", "id", "name", "status", "trigger_type", "updated"}),
    "tag": frozenset({"id", "name"}),
}
JOBS = {"profile-bulk-import-job": JOB_FIELDS}
SUPPRESSION_FIELDS = frozenset(
    {"completed_at", "completed_count", "created_at", "id", "skipped_count", "status", "total_count"}
)
LIST_INCLUDES = frozenset({"flow-triggers", "tags"})
IDENTIFIERS = {"email": LOOKUP, "phone_number": LOOKUP, "_kx": EQUALS}
_MARKETING = "subscriptions.email.marketing"
SUPPRESSED = frozenset({f"{_MARKETING}.suppression.timestamp", f"{_MARKETING}.list_suppressions.timestamp"})
SUPPRESSION_FILTERS = {
    f"{_MARKETING}.suppression.reason": EQUALS,
    f"{_MARKETING}.list_suppressions.reason": EQUALS,
    f"{_MARKETING}.list_suppressions.list_id": EQUALS,
    **dict.fromkeys(SUPPRESSED, ORDER),
}
MEMBER_FILTERS = {**IDENTIFIERS, "push_token": LOOKUP, "joined_group_at": ORDER}
JOINED = frozenset({"joined_group_at"})
