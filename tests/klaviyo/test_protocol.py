"""Requests as Klaviyo wants them."""

from __future__ import annotations

import inspect
import json
import re
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_client.api.accounts_api import AccountsApi
from openapi_client.api.billing_api import BillingApi
from openapi_client.api.lists_api import ListsApi
from openapi_client.api.profiles_api import ProfilesApi
from openapi_client.api_client import ApiClient
from openapi_client.models.profile_import_job_create_query import ProfileImportJobCreateQuery

from target_klaviyo_segments.errors import KlaviyoError, NotFound
from target_klaviyo_segments.klaviyo import lists, membership, protocol, removing
from target_klaviyo_segments.klaviyo.membership import JoinedRange

API = "https://a.klaviyo.com"
JOB = "cHJvZmlsZS1idWxrLWltcG9ydC1qb2I/Ok1h+ZQ=="
EMAIL = {"fields_profile": ["email"]}
FLOWS = {"include": ["flow-triggers"], "fields_flow": ["name", "status", "archived"]}
OFFICIAL = [
    (protocol.get_account(), AccountsApi, "get_accounts", {}),
    (lists.get_list("Y6nRLr"), ListsApi, "get_list", {"id": "Y6nRLr", **FLOWS}),
    (lists.get_lists(), ListsApi, "get_lists", {"page_size": 10, **FLOWS}),
    (
        lists.get_lists('A "b", \\c', flows=False),
        ListsApi,
        "get_lists",
        {"page_size": 10, "filter": 'equals(name,"A \\"b\\", \\\\c")'},
    ),
    (lists.create_list("VIP", None), ListsApi, "create_list", {}),
    (protocol.get_billing_usage(), BillingApi, "list_billing_usage", {}),
    (protocol.import_profiles("Y6nRLr", []), ProfilesApi, "bulk_import_profiles", {}),
    (
        protocol.list_import_jobs(),
        ProfilesApi,
        "get_bulk_import_profiles_jobs",
        {"sort": "-created_at", "page_size": 100},
    ),
    (protocol.get_import_job(JOB), ProfilesApi, "get_bulk_import_profiles_job", {"job_id": JOB}),
    (
        protocol.get_import_errors(JOB),
        ProfilesApi,
        "get_errors_for_bulk_import_profiles_job",
        {"id": JOB, "page_size": 100},
    ),
    (
        protocol.get_job_profiles(JOB),
        ProfilesApi,
        "get_profiles_for_bulk_import_profiles_job",
        {"id": JOB, "page_size": 100, **EMAIL},
    ),
    (
        protocol.get_list_profiles("Y6nRLr"),
        ListsApi,
        "get_profiles_for_list",
        {"id": "Y6nRLr", "page_size": 100, **EMAIL},
    ),
    (
        next(membership.look_ups(["o'hara+x@x.io", "b@x.io"])),
        ProfilesApi,
        "get_profiles",
        {"filter": """any(email,["o'hara+x@x.io","b@x.io"])""", "page_size": 100, **EMAIL},
    ),
    (
        membership.get_members("Y6nRLr", JoinedRange(until=datetime(2026, 11, 23, tzinfo=timezone.utc))),
        ListsApi,
        "get_profiles_for_list",
        {
            "id": "Y6nRLr",
            "page_size": 100,
            "sort": "joined_group_at",
            "filter": "less-than(joined_group_at,2026-11-23T00:00:00Z)",
            "fields_profile": ["email", "joined_group_at"],
        },
    ),
    (
        membership.get_first_joined("Y6nRLr", last=True),
        ListsApi,
        "get_profiles_for_list",
        {"id": "Y6nRLr", "page_size": 1, "sort": "-joined_group_at", "fields_profile": ["joined_group_at"]},
    ),
    (removing.remove_profiles("Y6nRLr", ["01A"]), ListsApi, "remove_profiles_from_list", {"id": "Y6nRLr"}),
]
by_operation = pytest.mark.parametrize(("call", "api", "name", "given"), OFFICIAL, ids=[case[2] for case in OFFICIAL])


@by_operation
def test_a_request_is_the_one_that_klaviyos_own_sdk_makes(call, api, name, given):
    """Method, path and query are Klaviyo's, for every operation of ours."""
    serialize = getattr(api(ApiClient()), f"_{name}_serialize")
    values = dict.fromkeys(inspect.signature(serialize).parameters) | {"_host_index": 0} | given
    method, url, *_ = serialize(**values)
    ours, theirs = urlsplit(call.path), urlsplit(url)
    assert (call.method, ours.path) == (method, theirs.path)
    assert parse_qs(ours.query) == parse_qs(theirs.query)


@by_operation
def test_limits_and_scopes_are_those_that_klaviyo_states(call, api, name, given):  # noqa: ARG001  # one table, two tests
    """Pace and advice come from Klaviyo's words about this very operation."""
    words = getattr(api, name).__doc__
    burst, steady = (int(re.search(rf"{unit}: `(\d+)/", words)[1]) for unit in ("Burst", "Steady"))
    daily = re.search(r"Daily: `(\d+)/", words)
    days = (protocol.Window(int(daily[1]), 86_400),) if daily else ()
    assert call.endpoint.windows == (protocol.Window(burst, 1), protocol.Window(steady, 60), *days)
    assert set(call.endpoint.scopes) == set(re.findall(r"`(\w+:\w+)`", words))


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers()), max_size=5), st.text(min_size=1))
def test_an_import_holds_every_payload_in_order_and_names_the_list(profiles, list_id):
    """Nothing is lost or changed between the batch and the body."""
    payloads = [json.dumps(profile).encode() for profile in profiles]
    data = json.loads(b"".join(protocol.import_profiles(list_id, payloads).body))["data"]
    assert data["attributes"]["profiles"]["data"] == profiles
    assert data["relationships"]["lists"]["data"] == [{"type": "list", "id": list_id}]


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.text(min_size=1))
def test_the_size_of_an_import_is_known_before_it_is_built(payloads, list_id):
    """The batcher cuts by bytes: a wrong sum would cost a 413."""
    size = protocol.import_envelope_bytes(list_id) + sum(map(len, payloads)) + len(payloads) - 1
    assert len(protocol.import_profiles(list_id, payloads).body) == size


def test_an_import_passes_the_official_models():
    """Klaviyo's SDK reads our body and writes the same again."""
    profiles = [
        {"type": "profile", "attributes": {"email": "a@x.io", "properties": {"tier": "gold", "n": 1}}},
        {
            "type": "profile",
            "attributes": {"email": "b@x.io", "phone_number": "+4915112345678", "location": {"city": "Køln"}},
            "meta": {"patch_properties": {"unset": "old"}},
        },
    ]
    body = json.loads(
        b"".join(protocol.import_profiles("Y6nRLr", [json.dumps(each).encode() for each in profiles]).body)
    )
    official = ProfileImportJobCreateQuery.from_dict(body)
    assert official.data.relationships.lists.data[0].id == "Y6nRLr"
    assert without_nulls(json.loads(json.dumps(official.to_dict()))) == body


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("identity", ["", ".", ".."])
def test_an_id_that_is_none_asks_for_nothing_else(identity):
    """An empty job id would read the whole collection; a dotted one the parent."""
    for call in (lists.get_list, protocol.get_import_job, protocol.get_import_errors):
        with pytest.raises(NotFound, match="is not the ID of anything in Klaviyo"):
            call(identity)


def test_an_id_cannot_leave_its_place_in_the_path():
    """Ids come from settings and from answers."""
    assert lists.get_list("../accounts?x=#", flows=False).path == "/api/lists/..%2Faccounts%3Fx%3D%23"


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (f"{API}/api/x/?page%5Bcursor%5D=bmV4dA%3D%3D&a=1", "/api/x/?page%5Bcursor%5D=bmV4dA%3D%3D&a=1"),
        ("https://A.Klaviyo.com:443/api/x?page[cursor]=1", "/api/x?page[cursor]=1"),
        ("/api/x?c=1#fragment", "/api/x?c=1"),
        ("https://user:word@a.klaviyo.com/api/x", "/api/x"),
        (f"{API}//evil.io/x", "/evil.io/x"),
    ],
)
def test_the_next_page_is_asked_for_as_the_link_says(link, path):
    """The cursor is Klaviyo's: it comes back unchanged."""
    call = protocol.get_list_profiles("L")
    assert protocol.follow(call, link, API) == protocol.Call(call.endpoint, "GET", path)


@pytest.mark.parametrize("prefix", ["/klaviyo", "/klaviyo/", "/a", "/ap/", "/v1/k"])
@pytest.mark.parametrize("rewritten", [True, False])
def test_an_api_behind_a_path_is_paged_too(prefix, rewritten):
    """A gateway's prefix is in `api_url`, and in the link where the gateway puts it; it is once in the request."""
    call = protocol.get_list_profiles("L")
    link = f"https://gw.example{prefix.rstrip('/') if rewritten else ''}/api/x?c=1"
    assert protocol.follow(call, link, f"https://gw.example{prefix}").path == "/api/x?c=1"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.io/api/x",
        "//evil.io/api/x",
        "http://a.klaviyo.com/api/x",
        "https://a.klaviyo.com:8443/api/x",
        "https://a.klaviyo.com@evil.io/api/x",
        "https://a.klaviyo.com.evil.io/api/x",
        "https://[::1/api/x",
        "https://a.klaviyo.com:port/x",
        "file:///etc/passwd",
    ],
)
def test_a_link_to_elsewhere_is_refused(link):
    """The key goes to the configured host and to no other."""
    with pytest.raises(
        KlaviyoError, match=r"the next page is said to be at .*, not at `api_url`|link to the next page is no URL"
    ):
        protocol.follow(protocol.list_import_jobs(), link, API)


def test_a_body_is_in_no_repr():
    """Profiles are personal: a traceback with locals must not show them."""
    assert "a@x.io" not in repr(protocol.import_profiles("L", [b'{"email":"a@x.io"}']))
