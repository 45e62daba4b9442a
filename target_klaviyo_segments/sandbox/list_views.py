"""Lists as they are shown, made, filled and emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from target_klaviyo_segments.sandbox.account import sparse
from target_klaviyo_segments.sandbox.decoding import decode
from target_klaviyo_segments.sandbox.envelope import answer, linkage, moment, refuse, relation, resource
from target_klaviyo_segments.sandbox.lists import GONE
from target_klaviyo_segments.sandbox.profile_views import as_id, is_named, narrowed, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.filters import Condition
    from target_klaviyo_segments.sandbox.lists import Flow, ListRecord
    from target_klaviyo_segments.sandbox.person import Person
    from target_klaviyo_segments.sandbox.scenario import Scenario

# https://developers.klaviyo.com/en/reference/add_profiles_to_list
IDS_MAX = 1_000
_FLOWS = "flow-triggers"


class _Named(Struct, forbid_unknown_fields=True):
    name: str
    opt_in_process: Literal["single_opt_in", "double_opt_in"] | None = None


class _NewList(Struct, forbid_unknown_fields=True):
    type: Literal["list"]
    attributes: _Named


class _NewListBody(Struct, forbid_unknown_fields=True):
    data: _NewList


class _ProfileId(Struct, forbid_unknown_fields=True):
    type: Literal["profile"]
    id: str


class _IdsBody(Struct, forbid_unknown_fields=True):
    data: list[_ProfileId]


_new_list = msgspec.json.Decoder(_NewListBody)
_ids = msgspec.json.Decoder(_IdsBody)


def read_new_list(body: bytes, _scenario: Scenario) -> tuple[str, str]:
    """Name and opt-in of the list to be made. The account's own opt-in is double, as Klaviyo's default is."""
    found = decode(_new_list, body).data.attributes
    if not found.name.strip():
        raise refuse(400, "This field may not be blank.", pointer="/data/attributes/name")
    return found.name, found.opt_in_process or "double_opt_in"


def read_ids(body: bytes, _scenario: Scenario) -> list[str]:
    """The ids of a relationship write."""
    ids = [linkage.id for linkage in decode(_ids, body).data]
    if not 0 < len(ids) <= IDS_MAX:
        raise refuse(400, f"1 to {IDS_MAX} profiles are accepted, not {len(ids)}.", pointer="/data")
    return ids


def get_lists(account: Account, ask: Ask) -> Response:
    """Lists of the account: https://developers.klaviyo.com/en/reference/get_lists ."""
    found = [record for record in account.lists.by_id.values() if _fits(record, ask.query.conditions)]
    key = (ask.query.sort or "created").removeprefix("-")
    found.sort(key=lambda record: getattr(record, "created" if key == "updated" else key))
    data, links = ask.page(lambda position: list_shown(found[position], ask), len(found))
    shown_lists = [account.lists.by_id[each["id"]] for each in data]
    return answer(200, _with_included({"data": data, "links": links}, shown_lists, ask))


def get_list(account: Account, ask: Ask) -> Response:
    """One list: https://developers.klaviyo.com/en/reference/get_list ."""
    record = _record(account, ask)
    data = list_shown(record, ask)
    return answer(200, _with_included({"data": data, "links": data["links"]}, [record], ask))


def create_list(account: Account, ask: Ask) -> Response:
    """Make a list; names need not differ: https://developers.klaviyo.com/en/reference/create_list ."""
    name, opt_in_process = ask.body
    data = list_shown(account.lists.add(account.lists.new_id(), name, opt_in_process, ask.now), ask)
    return answer(201, {"data": data, "links": data["links"]})


def get_list_profiles(account: Account, ask: Ask) -> Response:
    """Members: https://developers.klaviyo.com/en/reference/get_profiles_for_list ."""
    return _members(account, ask, lambda person, joined: shown(person, ask, joined))


def get_list_profile_ids(account: Account, ask: Ask) -> Response:
    """Ids of members: https://developers.klaviyo.com/en/reference/get_profile_ids_for_list ."""
    return _members(account, ask, lambda person, _joined: as_id(person))


def add_profiles(account: Account, ask: Ask) -> Response:
    """Put profiles on a list: https://developers.klaviyo.com/en/reference/add_profiles_to_list ."""
    members = _record(account, ask).members
    for person in _known(account, ask.body):
        members.add(person.number, ask.now)
    return answer(204, None)


def remove_profiles(account: Account, ask: Ask) -> Response:
    """Take profiles off a list: https://developers.klaviyo.com/en/reference/remove_profiles_from_list ."""
    members = _record(account, ask).members
    for person in _known(account, ask.body):
        members.remove(person.number)
    return answer(204, None)


def list_shown(record: ListRecord, ask: Ask) -> dict[str, Any]:
    """A list as a resource. How many are on it is told only when asked for."""
    attributes: dict[str, Any] = {
        "name": record.name,
        "created": moment(record.created),
        "updated": moment(record.created),
        "opt_in_process": record.opt_in_process,
    }
    if ask.query.adds("list", "profile_count"):
        attributes["profile_count"] = len(record.members)
    own_url = ask.url("lists", record.id)
    wanted = ask.query.sparse("list")
    if wanted is not None:
        return resource("list", record.id, sparse(attributes, wanted | {"profile_count"}), own_url)
    relationships = {name: relation(own_url, name) for name in ("profiles", "tags")}
    triggers = [linkage("flow", flow.id) for flow in record.flows] if _FLOWS in ask.query.include else None
    relationships["flow-triggers"] = relation(own_url, "flow-triggers", triggers)
    return resource("list", record.id, attributes, own_url, relationships)


def _record(account: Account, ask: Ask) -> ListRecord:
    record = account.lists.by_id.get(ask.params["id"])
    if record is None:
        raise refuse(404, f"A list with id {ask.params['id']} does not exist.")
    return record


def _known(account: Account, ids: Sequence[str]) -> list[Person]:
    """All the profiles, or nothing is done: https://developers.klaviyo.com/en/reference/add_profiles_to_list ."""
    found = {profile_id: account.people.by_id(profile_id) for profile_id in ids}
    unknown = [profile_id for profile_id, person in found.items() if person is None]
    if unknown:
        raise refuse(400, f"Invalid profile IDs: {', '.join(unknown)}")
    return [person for person in found.values() if person]


def _members(account: Account, ask: Ask, show: Callable[[Person, float], dict[str, Any]]) -> Response:
    members = _record(account, ask).members
    timed = [condition for condition in ask.query.conditions if condition.field == "joined_group_at"]
    named = [condition for condition in ask.query.conditions if condition.field != "joined_group_at"]
    places = (
        sorted(
            place for person in narrowed(account.people, named) if (place := members.place(person.number)) is not None
        )
        if named
        else range(len(members.numbers))
    )

    def pick(position: int) -> dict[str, Any] | None:
        number, joined = members.numbers[places[position]], members.joined[places[position]]
        if number == GONE or not all(condition.holds_at(joined) for condition in timed):
            return None
        person = account.people[number]
        return show(person, joined) if all(is_named(person, condition) for condition in named) else None

    data, links = ask.page(pick, len(places))
    return answer(200, {"data": data, "links": links})


def _fits(record: ListRecord, conditions: Sequence[Condition]) -> bool:
    texts = {"id": record.id, "name": record.name}
    return all(
        condition.holds(texts[condition.field]) if condition.field in texts else condition.holds_at(record.created)
        for condition in conditions
    )


def _with_included(document: dict[str, Any], records: Sequence[ListRecord], ask: Ask) -> dict[str, Any]:
    """The flows of these lists, when asked for; no tag hangs on a list of the sandbox."""
    if not ask.query.include:
        return document
    flows = [flow for record in records for flow in record.flows] if _FLOWS in ask.query.include else []
    return document | {"included": [_flow_shown(flow, ask) for flow in flows]}


def _flow_shown(flow: Flow, ask: Ask) -> dict[str, Any]:
    """A flow as a resource: https://developers.klaviyo.com/en/reference/get_flow ."""
    attributes = {
        "name": flow.name,
        "status": flow.status,
        "archived": False,
        "created": moment(flow.created),
        "updated": moment(flow.created),
        "trigger_type": "Added to List",
    }
    return resource("flow", flow.id, sparse(attributes, ask.query.sparse("flow")), ask.url("flows", flow.id))
