"""Every endpoint: its path, who answers, how often it may be asked, the scopes it needs and what it understands.

Limits and scopes as https://developers.klaviyo.com/en/reference/api_overview has them for each.
"""

from __future__ import annotations

from target_klaviyo_segments.sandbox import account as account_views
from target_klaviyo_segments.sandbox import consent, import_views, list_views, profile_views, suppression_views
from target_klaviyo_segments.sandbox import vocabulary as words
from target_klaviyo_segments.sandbox.profile_import import import_profile, read_profile
from target_klaviyo_segments.sandbox.query import Paging, Parameters
from target_klaviyo_segments.sandbox.route import Route
from target_klaviyo_segments.sandbox.rows import read_import
from target_klaviyo_segments.sandbox.windows import M_DAILY, XS, L, M

_JOB = "/api/profile-bulk-import-jobs/{id}"
_LIST = "/api/lists/{id}"
_MEMBERS = f"{_LIST}/relationships/profiles"

_LISTS_READ = frozenset({"lists:read"})
_PROFILES_READ = frozenset({"profiles:read"})
_BOTH_READ = _LISTS_READ | _PROFILES_READ
_LISTS_WRITE = frozenset({"lists:write"})
_BOTH_WRITE = _LISTS_WRITE | {"profiles:write"}
_PROFILES_WRITE = frozenset({"profiles:write"})
_USAGE_READ = frozenset({"usage:read"})
_CONSENT_READ = frozenset({"subscriptions:read"})
_CONSENT_WRITE = frozenset({"subscriptions:write"})


def _suppressions(writes: frozenset[str], *, lifts: bool) -> tuple[Route, ...]:
    """Jobs that suppress people, or those that lift it."""
    kind = suppression_views.KINDS[lifts]
    path, fields = f"/api/{kind}s", {kind: words.SUPPRESSION_FIELDS}
    listed = Parameters(
        fields=fields,
        filters={"status": words.EQUALS, "list_id": words.EQUALS, "segment_id": words.EQUALS},
        sorts=frozenset({"created"}),
        paging=Paging(20, 20, sized=False),
    )
    reading, one = suppression_views.reading(lifts=lifts), Parameters(fields=fields)
    return (
        Route("POST", path, suppression_views.submitting(lifts=lifts), L, writes, one, reading),
        Route("GET", path, suppression_views.showing_all(lifts=lifts), L, _CONSENT_READ, listed),
        Route("GET", f"{path}/{{id}}", suppression_views.showing_one(lifts=lifts), L, _CONSENT_READ, one),
    )


ROUTES = (
    Route(
        "GET",
        "/api/accounts",
        account_views.get_accounts,
        XS,
        frozenset({"accounts:read"}),
        Parameters(fields={"account": words.ACCOUNT_FIELDS}),
    ),
    Route(
        "GET",
        "/api/billing-usage",
        account_views.list_billing_usage,
        M,
        _USAGE_READ,
        Parameters(fields=words.USAGE_FIELDS, filters={"id": frozenset({"any"})}),
    ),
    Route(
        "GET",
        "/api/billing-usage/{id}",
        account_views.get_billing_usage,
        M,
        _USAGE_READ,
        Parameters(fields=words.USAGE_FIELDS),
    ),
    Route(
        "GET",
        "/api/lists",
        list_views.get_lists,
        L,
        _LISTS_READ,
        Parameters(
            fields={**words.LISTS, **words.LIST_EXTRAS},
            include=words.LIST_INCLUDES,
            filters={"id": words.LOOKUP, "name": words.LOOKUP, "created": words.SINCE, "updated": words.SINCE},
            sorts=frozenset({"created", "id", "name", "updated"}),
            paging=Paging(10, 10),
        ),
    ),
    Route(
        "POST",
        "/api/lists",
        list_views.create_list,
        M_DAILY,
        _LISTS_WRITE,
        Parameters(fields=words.LISTS),
        list_views.read_new_list,
    ),
    Route(
        "GET",
        _LIST,
        list_views.get_list,
        L,
        _LISTS_READ,
        Parameters(
            fields={"list": words.LIST_FIELDS | {"profile_count"}, **words.LIST_EXTRAS},
            additional={"list": frozenset({"profile_count"})},
            include=words.LIST_INCLUDES,
        ),
    ),
    Route(
        "GET",
        f"{_LIST}/profiles",
        list_views.get_list_profiles,
        L,
        _BOTH_READ,
        Parameters(
            fields={"profile": words.MEMBER_FIELDS},
            additional=words.PROFILE_EXTRAS,
            filters=words.MEMBER_FILTERS,
            sorts=words.JOINED,
            paging=Paging(),
        ),
    ),
    Route(
        "GET",
        _MEMBERS,
        list_views.get_list_profile_ids,
        L,
        _BOTH_READ,
        Parameters(filters=words.MEMBER_FILTERS, sorts=words.JOINED, paging=Paging()),
    ),
    Route("POST", _MEMBERS, list_views.add_profiles, M, _BOTH_WRITE, read=list_views.read_ids),
    Route("DELETE", _MEMBERS, list_views.remove_profiles, M, _BOTH_WRITE, read=list_views.read_ids),
    Route(
        "GET",
        "/api/profiles",
        profile_views.get_profiles,
        L,
        _PROFILES_READ,
        Parameters(
            fields={"profile": words.PROFILE_FIELDS, **words.PROFILE_INCLUDES},
            additional=words.PROFILE_EXTRAS,
            include=frozenset({"conversations", "push-tokens"}),
            filters={
                **words.IDENTIFIERS,
                **words.SUPPRESSION_FILTERS,
                "id": words.LOOKUP,
                "external_id": words.LOOKUP,
                "created": words.BETWEEN,
                "updated": words.BETWEEN,
            },
            sorts=frozenset({"created", "email", "id", "updated"}) | words.SUPPRESSED,
            paging=Paging(),
        ),
    ),
    Route(
        "POST",
        "/api/profile-import",
        import_profile,
        L,
        _PROFILES_WRITE,
        Parameters(fields={"profile": words.PROFILE_FIELDS}, additional=words.PROFILE_EXTRAS),
        read_profile,
    ),
    Route(
        "POST",
        "/api/profile-bulk-import-jobs",
        import_views.submit,
        M,
        _BOTH_WRITE,
        Parameters(fields=words.JOBS),
        read_import,
    ),
    Route(
        "GET",
        "/api/profile-bulk-import-jobs",
        import_views.get_jobs,
        M,
        _BOTH_READ,
        Parameters(
            fields=words.JOBS, filters={"status": words.LOOKUP}, sorts=frozenset({"created_at"}), paging=Paging()
        ),
    ),
    Route(
        "GET",
        _JOB,
        import_views.get_job,
        M,
        _BOTH_READ,
        Parameters(fields={**words.JOBS, **words.LISTS}, include=frozenset({"lists"})),
    ),
    Route(
        "GET",
        f"{_JOB}/import-errors",
        import_views.get_import_errors,
        M,
        _PROFILES_READ,
        Parameters(fields={"import-error": words.ERROR_FIELDS}, paging=Paging()),
    ),
    Route(
        "GET",
        f"{_JOB}/profiles",
        import_views.get_profiles,
        M,
        _PROFILES_READ,
        Parameters(fields={"profile": words.PROFILE_FIELDS}, additional=words.PROFILE_EXTRAS, paging=Paging()),
    ),
    Route(
        "GET",
        f"{_JOB}/relationships/profiles",
        import_views.get_profile_ids,
        M,
        _PROFILES_READ,
        Parameters(paging=Paging()),
    ),
    Route(
        "POST",
        "/api/profile-subscription-bulk-create-jobs",
        consent.subscribe,
        L,
        _BOTH_WRITE | _CONSENT_WRITE,
        read=consent.read_subscription,
    ),
    *_suppressions(_PROFILES_WRITE | _CONSENT_WRITE, lifts=False),
    *_suppressions(_CONSENT_WRITE, lifts=True),
    Route("GET", f"{_JOB}/lists", import_views.get_job_lists, M, _LISTS_READ, Parameters(fields=words.LISTS)),
    Route("GET", f"{_JOB}/relationships/lists", import_views.get_job_list_ids, M, _LISTS_READ),
)
