"""Profiles as they are shown: of the account, of a list, of an import job; whole, or as ids."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.account import sparse
from target_klaviyo_segments.sandbox.envelope import answer, linkage, moment, refuse_parameter, relation, resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.consents import Consent, Consents
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.filters import Condition
    from target_klaviyo_segments.sandbox.people import People
    from target_klaviyo_segments.sandbox.person import Person

_TEXTS = (
    "email",
    "phone_number",
    "external_id",
    "first_name",
    "last_name",
    "organization",
    "locale",
    "title",
    "image",
)
_PLACES = (
    "address1",
    "address2",
    "city",
    "country",
    "latitude",
    "longitude",
    "region",
    "zip",
    "timezone",
    "ip",
)
_PREDICTED = (
    "historic_clv",
    "predicted_clv",
    "total_clv",
    "historic_number_of_orders",
    "predicted_number_of_orders",
    "average_days_between_orders",
    "average_order_value",
    "churn_probability",
    "expected_date_of_next_order",
)

_ON_LISTS = "list_suppressions"

_KEYS: Mapping[str, Callable[[Person], Any]] = {
    "created": lambda person: person.number,
    "email": lambda person: person.email or "",
    "id": lambda person: person.id,
    "updated": lambda person: person.updated,
}


def get_profiles(account: Account, ask: Ask) -> Response:
    """Profiles of the account: https://developers.klaviyo.com/en/reference/get_profiles ."""
    conditions = ask.query.conditions
    _check_suppressions(conditions)
    found: Sequence[Person] = account.people
    if conditions:
        found = [person for person in narrowed(account.people, conditions) if _fits(person, conditions, ask.consents)]
    sort = (ask.query.sort or "").removeprefix("-")
    if sort or conditions:
        found = sorted(found, key=_KEYS.get(sort or "created") or partial(_last_suppressed, ask.consents, sort))

    def pick(position: int) -> dict[str, Any] | None:
        person = found[position]
        return None if account.people.is_nobody(person.number) else shown(person, ask)

    data, links = ask.page(pick, len(found))
    return answer(200, {"data": data, "links": links})


def narrowed(people: People, conditions: Iterable[Condition]) -> Iterable[Person]:
    """Those whom a condition on an identifier names, or everybody. The conditions still have to hold."""
    for condition in conditions:
        ways: dict[str, Callable[[str], Person | None]] = {
            "id": people.by_id,
            "email": lambda value: people.by_email(value.lower()),
            "phone_number": people.by_phone,
            "external_id": people.by_external_id,
            "_kx": lambda _value: None,
            "push_token": lambda _value: None,
        }
        if look_up := ways.get(condition.field):
            return [person for value in dict.fromkeys(condition.values) if (person := look_up(value))]
    return people


def is_named(person: Person, condition: Condition) -> bool:
    """Whether a condition on an identifier holds. E-mails are compared without case."""
    if condition.field == "email":
        return person.email in {value.lower() for value in condition.values}
    value = {"id": person.id, "phone_number": person.phone, "external_id": person.external_id}.get(condition.field)
    return value is not None and condition.holds(value)


def shown(person: Person, ask: Ask, joined: float | None = None) -> dict[str, Any]:
    """A profile as a resource."""
    wanted = ask.query.sparse("profile")
    own_url = ask.url("profiles", person.id)
    if wanted == frozenset({"email"}):  # what mirrors read by the million
        return resource("profile", person.id, {"email": person.email}, own_url)
    attributes = _all_attributes(person)
    if joined is not None:
        attributes["joined_group_at"] = moment(joined)
    attributes |= _additional(person, ask)
    if wanted is not None:
        return resource("profile", person.id, sparse(attributes, wanted), own_url)
    relationships = {name: relation(own_url, name) for name in ("lists", "segments", "push-tokens")}
    return resource("profile", person.id, attributes, own_url, relationships)


def as_id(person: Person) -> dict[str, str]:
    """A profile as a resource identifier."""
    return linkage("profile", person.id)


def _all_attributes(person: Person) -> dict[str, Any]:
    known = person.attributes()
    return {
        **{name: known.get(name) for name in _TEXTS},
        "created": moment(person.created),
        "updated": moment(person.updated),
        "last_event_date": None,
        "location": {name: known.get("location", {}).get(name) for name in _PLACES},
        "properties": known["properties"],
    }


def _additional(person: Person, ask: Ask) -> dict[str, Any]:
    """An import gives no consent: https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api ."""
    added: dict[str, Any] = {}
    if ask.query.adds("profile", "subscriptions"):
        added["subscriptions"] = ask.consents.shown(person.number)
    if ask.query.adds("profile", "predictive_analytics"):
        added["predictive_analytics"] = dict.fromkeys(_PREDICTED)
    return added


def _fits(person: Person, conditions: Iterable[Condition], consents: Consents) -> bool:
    moments = {"created": person.created, "updated": person.updated}
    of_suppressions = _of_suppressions(conditions)
    return all(
        condition.holds_at(moments[condition.field]) if condition.field in moments else is_named(person, condition)
        for condition in conditions
        if condition not in of_suppressions
    ) and (not of_suppressions or _is_suppressed(consents.known(person.number), of_suppressions))


def _of_suppressions(conditions: Iterable[Condition]) -> list[Condition]:
    return [condition for condition in conditions if condition.field.startswith("subscriptions.")]


def _check_suppressions(conditions: Iterable[Condition]) -> None:
    """What goes together: https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api ."""
    parts = [condition.field.split(".")[-2:] for condition in _of_suppressions(conditions)]
    kinds, names = {kind for kind, _ in parts}, [name for _, name in parts]
    if len(kinds) > 1:
        raise refuse_parameter("filter", "Filters of list suppressions and of suppressions cannot be combined.")
    if _ON_LISTS in kinds and "list_id" not in names:
        raise refuse_parameter("filter", "Filters of list suppressions need a list_id.")
    if names.count("timestamp") > 1:
        raise refuse_parameter("filter", "Only one filter of a suppression's timestamp is supported.")


def _is_suppressed(consent: Consent, conditions: Sequence[Condition]) -> bool:
    """Whether one suppression of a person meets all conditions."""
    return any(
        all(_meets(suppression[condition.field.rpartition(".")[2]], condition) for condition in conditions)
        for suppression in consent.suppressed(on_lists=_ON_LISTS in conditions[0].field)
    )


def _meets(value: str | float, condition: Condition) -> bool:
    return condition.holds(value) if isinstance(value, str) else condition.holds_at(value)


def _last_suppressed(consents: Consents, sort: str, person: Person) -> float:
    """Where a person stands in the order of a suppression's timestamp; before all others who has none."""
    found = consents.known(person.number).suppressed(on_lists=_ON_LISTS in sort)
    return max((each["timestamp"] for each in found), default=float("-inf"))
