"""The account behind the key: all that there is, the account itself, and what its plan is charged for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.consents import Consents
from target_klaviyo_segments.sandbox.envelope import answer, moment, refuse, resource
from target_klaviyo_segments.sandbox.imports import Jobs
from target_klaviyo_segments.sandbox.lists import Lists
from target_klaviyo_segments.sandbox.people import People
from target_klaviyo_segments.sandbox.suppressions import SuppressionJobs

if TYPE_CHECKING:
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.scenario import Scenario

_PERIOD_SECONDS = 30 * 86_400


@dataclass(slots=True)
class Account:
    """Everything a handler may read or change. `plan_profiles` is what was used before, and the plan's maximum."""

    id: str
    name: str
    scenario: Scenario
    plan_profiles: tuple[int, int] | None
    consents: Consents = field(default_factory=Consents, repr=False)
    people: People = field(default_factory=People, repr=False)
    lists: Lists = field(default_factory=Lists, repr=False)
    jobs: Jobs = field(init=False, repr=False)
    suppressions: SuppressionJobs = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.people, self.scenario)
        self.suppressions = SuppressionJobs(self.people, self.consents, self.scenario)

    def advance(self, now: float) -> None:
        """Let time pass: jobs end."""
        self.jobs.advance(now)
        self.suppressions.advance(now)


def get_accounts(account: Account, ask: Ask) -> Response:
    """Always exactly one: https://developers.klaviyo.com/en/reference/get_accounts ."""
    attributes = {
        "test_account": True,
        "contact_information": {
            "default_sender_name": account.name,
            "default_sender_email": "hello@sandbox.invalid",
            "website_url": None,
            "organization_name": account.name,
            "street_address": dict.fromkeys(("address1", "address2", "city", "region", "country", "zip")),
        },
        "industry": None,
        "timezone": "Etc/UTC",
        "preferred_currency": "EUR",
        "public_api_key": account.id,
        "locale": "en-US",
    }
    own_url = ask.url("accounts", account.id)
    data = resource("account", account.id, sparse(attributes, ask.query.sparse("account")), own_url)
    return answer(200, {"data": [data], "links": ask.links()})


def list_billing_usage(account: Account, ask: Ask) -> Response:
    """Every usage type of the plan; the first is none that counts profiles.

    https://developers.klaviyo.com/en/reference/list_billing_usage
    """
    rows = _usage(account, ask)
    wanted = [condition.values for condition in ask.query.conditions]
    data = [row for row in rows if all(row["id"] in values for values in wanted)]
    return answer(200, {"data": data, "links": ask.links()})


def get_billing_usage(account: Account, ask: Ask) -> Response:
    """One usage type: https://developers.klaviyo.com/en/reference/get_billing_usage ."""
    for row in _usage(account, ask):
        if row["id"] == ask.params["id"]:
            return answer(200, {"data": row, "links": {"self": row["links"]["self"]}})
    raise refuse(404, f"A billing-usage with id {ask.params['id']} does not exist.")


def sparse(attributes: dict[str, Any], names: frozenset[str] | None, place: str = "") -> dict[str, Any]:
    """The attributes that were asked for; `location.city` asks for a part of one, which may be as deep as it likes."""
    if names is None:
        return attributes
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        here = f"{place}{name}"
        if here in names:
            found[name] = value
        elif isinstance(value, dict) and any(each.startswith(f"{here}.") for each in names):
            found[name] = sparse(value, names, f"{here}.")
    return found


def _usage(account: Account, ask: Ask) -> list[dict[str, Any]]:
    rows = [("email_sends", "messages", 1250.0, 500_000)]
    if account.plan_profiles:
        used, maximum = account.plan_profiles
        rows.append(("active_profiles", "profiles", float(used + len(account.people)), maximum))
    return [_usage_row(ask, *row) for row in rows]


def _usage_row(ask: Ask, identity: str, unit: str, used: float, maximum: int) -> dict[str, Any]:
    attributes = {
        "usage_used": used,
        "usage_max": maximum,
        "unit": unit,
        "period_start": moment(ask.now - _PERIOD_SECONDS / 2),
        "period_end": moment(ask.now + _PERIOD_SECONDS / 2),
        "as_of": moment(ask.now),
    }
    kept = sparse(attributes, ask.query.sparse("billing-usage"))
    return resource("billing-usage", identity, kept, ask.url("billing-usage", identity))
