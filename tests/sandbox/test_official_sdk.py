"""Klaviyo's own SDK talks to the sandbox and parses every answer: the sandbox is Klaviyo-shaped."""

from __future__ import annotations

import copy
import json

import pytest
from klaviyo_api import KlaviyoAPI
from openapi_client.models import (
    ProfileUpsertQuery,
    SuppressionCreateJobCreateQuery,
    SuppressionDeleteJobCreateQuery,
)

from target_klaviyo_segments.klaviyo.clearing import clear_fields
from target_klaviyo_segments.klaviyo.suppressing import SUPPRESS, UNSUPPRESS, begin
from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer
from tests.segment.reading import mapper

LIST = "Y6nRLr"
BODY = {
    "data": {
        "type": "profile-bulk-import-job",
        "attributes": {
            "profiles": {
                "data": [
                    {"type": "profile", "attributes": {"email": "a@x.io", "first_name": "Ada", "properties": {"n": 1}}},
                    {"type": "profile", "attributes": {"email": "b@x.io", "location": {"city": "Oslo"}}},
                ]
            }
        },
        "relationships": {"lists": {"data": [{"type": "list", "id": LIST}]}},
    }
}


@pytest.fixture
def sandbox():
    box = Sandbox(limits=False)
    box.add_list(LIST, "People")
    box.refuse_rows(lambda row: ("invalid", "not this one") if row["email"] == "b@x.io" else None)
    return box


@pytest.fixture
def sdk(sandbox):
    with SandboxServer(sandbox) as server:
        yield KlaviyoAPI("pk_sandbox_0123456789abcdef", max_delay=1, max_retries=1, test_host=server.url)


def test_an_import_by_the_official_sdk_ends_as_klaviyos_would(sdk, sandbox):
    """Submit, watch, errors, profiles and list of the job: each answer parsed by the SDK's models."""
    job = sdk.Profiles.bulk_import_profiles(BODY).data
    assert job.attributes.status == "queued"
    ended = sdk.Profiles.get_bulk_import_profiles_job(job.id).data
    assert ended.attributes.status == "complete"
    assert ended.attributes.failed_count == 1
    assert [each.id for each in sdk.Profiles.get_bulk_import_profiles_jobs().data] == [job.id]
    (error,) = sdk.Profiles.get_errors_for_bulk_import_profiles_job(job.id).data
    assert error.attributes.detail == "not this one"
    (profile,) = sdk.Profiles.get_profiles_for_bulk_import_profiles_job(job.id).data
    assert profile.attributes.email == "a@x.io"
    assert [each.id for each in sdk.Profiles.get_profile_ids_for_bulk_import_profiles_job(job.id).data] == [profile.id]
    assert [each.id for each in sdk.Profiles.get_list_for_bulk_import_profiles_job(job.id).data] == [LIST]
    assert [member["email"] for member in sandbox.members(LIST)] == ["a@x.io"]


def test_reads_and_membership_by_the_official_sdk(sdk, sandbox):
    """Account, lists, profiles, billing usage; people off the list and on it again."""
    sdk.Profiles.bulk_import_profiles(BODY)
    assert sdk.Accounts.get_accounts().data[0].id == "SANDBX"
    assert [each.id for each in sdk.Lists.get_lists().data] == [LIST]
    sandbox.hang_flow(LIST, "Welcome")
    shown = sdk.Lists.get_list(LIST, include=["flow-triggers"])
    assert (shown.data.attributes.name, shown.included[0]["attributes"]["name"]) == ("People", "Welcome")
    assert [each.id for each in sdk.Lists.get_lists(filter='equals(name,"People")').data] == [LIST]
    made = sdk.Lists.create_list({"data": {"type": "list", "attributes": {"name": "Made"}}}).data
    assert sandbox.lists[made.id] == ("Made", "double_opt_in")
    (member,) = sdk.Lists.get_profiles_for_list(LIST).data
    assert sdk.Profiles.get_profiles(filter='equals(email,"a@x.io")').data[0].id == member.id
    assert any(each.attributes.unit == "profiles" for each in sdk.Billing.list_billing_usage().data)
    people = {"data": [{"type": "profile", "id": member.id}]}
    sdk.Lists.remove_profiles_from_list(LIST, people)
    assert sandbox.members(LIST) == []
    sdk.Lists.add_profiles_to_list(LIST, people)
    assert [each.id for each in sdk.Lists.get_profile_ids_for_list(LIST).data] == [member.id]


def test_a_field_is_cleared_as_the_official_sdk_would(sdk, sandbox):
    """Our body passes its models, and its answer is parsed by them."""
    sdk.Profiles.bulk_import_profiles(BODY)
    person = sandbox.profiles["a@x.io"]["id"]
    nulls = {"first_name": None, "location": {"city": None, "zip": "1"}}
    body = json.loads(clear_fields(person, nulls).body)
    assert ProfileUpsertQuery.from_dict(body).data.id == person
    answer = sdk.Profiles.create_or_update_profile(body)
    assert answer.data.id == person
    assert answer.data.attributes.first_name is None
    assert "first_name" not in sandbox.profiles["a@x.io"]
    assert sandbox.profiles["a@x.io"]["location"] == {"zip": "1"}


def test_our_own_profiles_are_bodies_that_the_official_sdk_takes(sdk, sandbox):
    """With all that `append_fields` and `unappend_fields` put beside the attributes."""
    ours = mapper(append_fields={"tags": "add"}, unappend_fields={"tags": "take", "old": "take"})
    rows = [{"email": "a@x.io", "add": ["vip", 7]}, {"email": "a@x.io", "add": True, "take": "vip"}]
    for row in rows:
        body = copy.deepcopy(BODY)
        body["data"]["attributes"]["profiles"]["data"] = [json.loads(ours.map(row).payload)]
        sdk.Profiles.bulk_import_profiles(body)
    assert sandbox.profiles["a@x.io"]["properties"] == {"tags": [7, True]}


def test_a_subscription_by_the_official_sdk_is_shown_as_klaviyo_shows_it(sdk, sandbox):
    """The SDK's models take what the sandbox tells of consent."""
    given = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    row = {"type": "profile", "attributes": {"email": "s@x.io", "subscriptions": given}}
    body = {
        "data": {
            "type": "profile-subscription-bulk-create-job",
            "attributes": {"profiles": {"data": [row]}},
            "relationships": {"list": {"data": {"type": "list", "id": LIST}}},
        }
    }
    sdk.Profiles.bulk_subscribe_profiles(body)
    (shown,) = sdk.Profiles.get_profiles(
        filter='equals(email,"s@x.io")', additional_fields_profile=["subscriptions"]
    ).data
    assert shown.attributes.subscriptions.email.marketing.consent == "SUBSCRIBED"
    assert [member["email"] for member in sandbox.members(LIST)] == ["s@x.io"]


def test_suppressions_by_the_official_sdk_and_by_our_own_bodies(sdk):
    """Our bodies pass its models, and what the sandbox shows of the jobs is parsed by them."""
    person = [b'{"type":"profile","attributes":{"email":"s@x.io"}}']
    ways = (
        (SUPPRESS, SuppressionCreateJobCreateQuery, "suppress", {"USER_SUPPRESSED"}),
        (UNSUPPRESS, SuppressionDeleteJobCreateQuery, "unsuppress", set()),
    )
    for kind, model, verb, reasons in ways:
        body = json.loads(begin(kind, person).body)
        assert model.from_dict(body).data.attributes.profiles.data[0].attributes.email == "s@x.io"
        begun = getattr(sdk.Profiles, f"bulk_{verb}_profiles")(body).data
        job = getattr(sdk.Profiles, f"get_bulk_{verb}_profiles_job")(begun.id).data
        assert (job.attributes.status, job.attributes.total_count, job.attributes.skipped_count) == ("complete", 1, 0)
        listed = getattr(sdk.Profiles, f"get_bulk_{verb}_profiles_jobs")(sort="-created").data
        assert [each.id for each in listed] == [begun.id]
        (shown,) = sdk.Profiles.get_profiles(
            filter='equals(email,"s@x.io")', additional_fields_profile=["subscriptions"]
        ).data
        marketing = shown.attributes.subscriptions.email.marketing
        assert {each.reason for each in marketing.suppression} == reasons
        assert marketing.can_receive_email_marketing == (not reasons)
