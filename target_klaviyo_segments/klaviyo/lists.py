"""The lists of the account: asked for by id or name, read with the flows that hang on them, made. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from target_klaviyo_segments.klaviyo.answers import decode
from target_klaviyo_segments.klaviyo.protocol import TIER_L, TIER_M, Call, Endpoint, Page, Window, path_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# https://developers.klaviyo.com/en/reference/get_lists
LISTS_A_PAGE = 10
# https://developers.klaviyo.com/en/reference/create_list
CREATED_A_DAY_MAX = 150

GET_LIST = Endpoint("Get List", TIER_L, ("lists:read",))
GET_LISTS = Endpoint("Get Lists", TIER_L, ("lists:read",))
CREATE_LIST = Endpoint("Create List", (*TIER_M, Window(CREATED_A_DAY_MAX, 86_400)), ("lists:write",))

_LISTS = "/api/lists"
_FLOWS = "include=flow-triggers&fields%5Bflow%5D=name,status,archived"
# A flow that sends nothing: https://developers.klaviyo.com/en/reference/flows_api_overview
_DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class ListInfo:
    """A list; `opt_in_process` is `single_opt_in`, `double_opt_in` or whatever Klaviyo adds.

    `flows` are names of those that joining the list starts; None when it is not known.
    """

    id: str
    name: str
    opt_in_process: str | None
    flows: tuple[str, ...] | None = None


def get_list(list_id: str, *, flows: bool = True) -> Call:
    """A list: https://developers.klaviyo.com/en/reference/get_list ."""
    return Call(GET_LIST, "GET", f"{_LISTS}/{path_segment(list_id)}{f'?{_FLOWS}' if flows else ''}")


def get_lists(name: str | None = None, *, flows: bool = True) -> Call:
    """Lists of this name, or all, page by page: https://developers.klaviyo.com/en/reference/get_lists ."""
    query = [f"page%5Bsize%5D={LISTS_A_PAGE}"]
    if name is not None:
        text = name.replace("\\", "\\\\").replace('"', '\\"')
        query.append("filter=" + quote(f'equals(name,"{text}")', safe=""))
    return Call(GET_LISTS, "GET", f"{_LISTS}?{'&'.join([*query, *([_FLOWS] if flows else [])])}")


def create_list(name: str, opt_in_process: str | None) -> Call:
    """A new list: https://developers.klaviyo.com/en/reference/create_list ."""
    attributes = {"name": name} | ({"opt_in_process": opt_in_process} if opt_in_process is not None else {})
    return Call(CREATE_LIST, "POST", _LISTS, msgspec.json.encode({"data": {"type": "list", "attributes": attributes}}))


class _Attributes(msgspec.Struct):
    name: str | None = None
    opt_in_process: str | None = None


class _Linkage(msgspec.Struct):
    id: str


class _Linkages(msgspec.Struct):
    data: list[_Linkage] | None = None


class _Relationships(msgspec.Struct, rename="kebab"):
    flow_triggers: _Linkages | None = None


class _List(msgspec.Struct):
    id: str
    attributes: _Attributes
    relationships: _Relationships | None = None


class _FlowAttributes(msgspec.Struct):
    name: str | None = None
    status: str | None = None
    archived: bool | None = None


class _Included(msgspec.Struct):
    id: str
    type: str
    attributes: _FlowAttributes | None = None


class _Links(msgspec.Struct):
    next: str | None = None


class _One(msgspec.Struct):
    data: _List
    included: list[_Included] | None = None


class _Many(msgspec.Struct):
    data: list[_List]
    included: list[_Included] | None = None
    links: _Links | None = None


_ONE = msgspec.json.Decoder(_One)
_MANY = msgspec.json.Decoder(_Many)


def read_list(body: bytes) -> ListInfo:
    """The list of Get List, and of Create List."""
    found = decode(_ONE, body)
    return _info(found.data, _sending(found.included or ()))


def read_lists(body: bytes) -> Page[ListInfo]:
    """A page of Get Lists."""
    page = decode(_MANY, body)
    names = _sending(page.included or ())
    return Page(tuple(_info(each, names) for each in page.data), (page.links.next or None) if page.links else None)


def _info(found: _List, names: Mapping[str, str]) -> ListInfo:
    triggers = found.relationships.flow_triggers if found.relationships else None
    flows = None
    if triggers is not None and triggers.data is not None:
        flows = tuple(names[each.id] for each in triggers.data if each.id in names)
    return ListInfo(found.id, found.attributes.name or "", found.attributes.opt_in_process, flows)


def _sending(included: Iterable[_Included]) -> dict[str, str]:
    """Flows that may send something, id to name."""
    flows = ((each.id, each.attributes or _FlowAttributes()) for each in included if each.type == "flow")
    return {identity: flow.name or identity for identity, flow in flows if not flow.archived and flow.status != _DRAFT}
