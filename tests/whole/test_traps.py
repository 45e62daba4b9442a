"""The traps of Klaviyo's API, each by the name of a test that steps into it: here, or where its part is tested."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from pipeline import LIST, Pipeline, record, schema, state, text
from shop import nameless

from target_klaviyo_segments.sandbox.app import Request, Response
from tests.whole.world import HEADERS, Trouble, World

TESTS = Path(__file__).parent.parent
MIRROR = {"sync_mode": "mirror", "max_removal_percent": 100}
# By file: each trap, and the test that steps into it, without its `test_`.
ELSEWHERE = {
    "klaviyo/test_client.py": {
        "a retired revision is answered as another": "a_request_says_who_asks_what_revision",
        "a 403 that is a web page is no missing scope": "a_web_page_with_403_is_tried_again",
    },
    "klaviyo/test_removing.py": {
        "the words of a refusal change without notice": "the_ids_are_looked_for_and_not_the_words",
        "a full burst and a refill break the minute": "the_pace_is_klaviyos",
        "a removal has a body and takes a thousand": "2500_people_leave_in_three_requests",
    },
    "klaviyo/test_protocol.py": {
        "an empty id asks for the collection": "an_id_that_is_none_asks_for_nothing_else",
    },
    "klaviyo/test_answers.py": {
        "the last page has a null link": "the_last_page_has_no_next",
        "an import error's pointer is no row number": "an_import_error_names_its_person",
    },
    "klaviyo/test_client_lists.py": {
        "lists come ten a page, and two may have one name": "a_name_is_looked_for_on_all_pages",
    },
    "klaviyo/test_client_turns.py": {
        "a 429 has nothing but Retry-After": "a_429_is_waited_out_and_counted",
    },
    "faults/test_two_targets.py": {
        "all keys of an account share one quota": "two_targets_share_the_windows",
    },
    "faults/test_jobs.py": {
        "one bad row refuses the whole import": "one_row_named_in_a_400",
        "a refusal may name no row": "400_without_reason",
        "a job in which every row failed is complete": "every_row_refused",
        "a status that nobody knows yet": "job_of_unknown_status",
        "other integrations' jobs stand in the listing": "job_behind_those_of_others",
        "a person in two open jobs is dropped": "person_in_two_streams",
    },
    "export/test_import_troubles.py": {
        "a refusal may name one row of several": "rows_named_by_a_refusal_go_and_the_rest_goes_again",
        "an import error may name nobody": "an_error_that_names_nobody_is_tied_by_who_came_in",
    },
    "shell/test_clearing.py": {
        "an import ignores nulls": "a_null_takes_away_what_the_target_gave",
    },
    "shell/test_peers.py": {
        "import errors come a hundred a page": "every_page_of_import_errors_is_read",
        "a bad phone number may cost the person": "a_bad_phone_costs_the_phone_and_not_the_person",
        "membership is not consent": "nobody_is_subscribed_whatever_the_row_says",
    },
    "klaviyo/test_lost_answers.py": {
        "there is no key that makes an import idempotent": "a_job_that_began_is_found_and_not_sent_again",
    },
    "shell/test_grouparoo.py": {
        "identifiers of two people": "when_both_addresses_exist_and_the_id_is_the_old_ones_the_row_is_told",
    },
    "klaviyo/test_membership.py": {
        "a look-up answers a hundred at a time": "250_people_are_looked_up_100_at_a_time",
    },
    "klaviyo/test_shares.py": {
        "members are pages in a row, unless shared out by time": "everybody_is_read_at_the_cost_of_few_pages_more",
    },
    "shell/test_consent.py": {
        "to subscribe lifts what people had refused": "who_said_no_is_left_alone_unless_told_otherwise",
        "to unsubscribe is no way off a list": "consent_is_never_touched_unless_asked_for",
        "a double opt-in waits for the person": "a_double_opt_in_list_waits_for_the_person",
        "a historical import needs dates in the past": "a_historical_import_takes_the_date_of_each_row",
        "a subscription is refused as a whole": "one_refused_person_costs_nobody_else",
    },
    "shell/test_warnings_before_harm.py": {
        "people on a list may start a flow": "a_double_opt_in_is_told_of",
    },
}


@pytest.mark.parametrize("path", ELSEWHERE)
def test_each_trap_has_its_test(path):
    """They are where the table says."""
    tree = ast.parse((TESTS / path).read_text())
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {f"test_{name}" for name in ELSEWHERE[path].values()} <= found


@pytest.fixture
def pipeline(tmp_path):
    """A Klaviyo without limits."""
    return Pipeline(tmp_path, limits=False)


def segment(*numbers, **properties):
    """A stream that comes whole."""
    rows = [{**record(f"p{number}@x.io", **properties), "version": 1} for number in numbers]
    closing = {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}
    return [schema(), *rows, closing, state(len(rows))]


def people(*numbers):
    return {f"p{number}@x.io" for number in numbers}


@pytest.mark.parametrize("scope", ["exported", "all"])
def test_250_leavers_leave_though_a_page_holds_a_hundred(pipeline, scope):
    """All of them, and nobody else."""
    assert pipeline.run(segment(*range(300)), **MIRROR, mirror_scope=scope)
    assert pipeline.run(segment(*range(250, 300)), **MIRROR, mirror_scope=scope)
    assert set(pipeline.members()) == people(*range(250, 300))
    assert pipeline.report["streams"]["people"]["mirror"]["removed"] == 250


def invalid_ids(ids):
    """Klaviyo's words for ids that it does not know."""
    error = {"code": "invalid", "title": "Invalid input.", "detail": f"Invalid profile IDs: {', '.join(ids)}"}
    return json.dumps({"errors": [{**error, "source": {"pointer": "/data/"}}]}).encode()


@pytest.mark.parametrize("words", [invalid_ids, nameless], ids=["named", "not_named"])
@pytest.mark.parametrize("scope", ["exported", "all"])
def test_one_unknown_id_does_not_keep_the_others_on_the_list(pipeline, scope, words):
    """The call is refused as a whole: the others leave all the same."""
    assert pipeline.run(segment(*range(30)), **MIRROR, mirror_scope=scope)
    odd = pipeline.members()["p7@x.io"]["id"]

    def refuse(request):
        if request.method != "DELETE":
            return None
        bad = [each["id"] for each in json.loads(request.body)["data"] if each["id"] == odd]
        return Response(400, {"Content-Type": "application/json"}, words(bad)) if bad else None

    pipeline.sandbox.interceptors.append(refuse)
    pipeline.run(segment(*range(20, 30)), **MIRROR, mirror_scope=scope)
    assert set(pipeline.members()) == people(7, *range(20, 30))
    assert pipeline.report["streams"]["people"]["mirror"]["removed"] == 19
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(segment(*range(20, 30)), **MIRROR, mirror_scope=scope)
    assert set(pipeline.members()) == people(*range(20, 30))


@pytest.mark.parametrize("mode", ["upsert", "mirror"])
def test_a_cancelled_job_brought_in_nobody(pipeline, mode):
    """It has ended, and is no delivery: no STATE, nobody is taken off, nobody counts as unchanged."""
    skip = MIRROR | {"sync_mode": mode, "unchanged_profiles": "skip"}
    assert pipeline.run(segment(0, 1), **skip)
    pipeline.sandbox.cancel_jobs(1)
    assert not pipeline.run(segment(1, 2, tier="new"), **skip)
    assert set(pipeline.members()) == people(0, 1)
    assert (pipeline.states, pipeline.totals["failed"]) == ([], 2)
    assert pipeline.run(segment(1, 2, tier="new"), **skip)
    assert set(pipeline.members()) == (people(1, 2) if mode == "mirror" else people(0, 1, 2))


def test_klaviyo_takes_people_off_lists_itself(pipeline):
    """By a mail's link: the next export puts them back as members, and their no stays a no; no removal is counted."""
    assert pipeline.run(segment(0, 1), **MIRROR)
    gone = pipeline.members()["p1@x.io"]["id"]
    pipeline.sandbox.consent("p1@x.io").unsubscribe(pipeline.clock.now())
    link = json.dumps({"data": [{"type": "profile", "id": gone}]}).encode()
    off = Request("DELETE", f"/api/lists/{LIST}/relationships/profiles", "", HEADERS, link)
    assert pipeline.sandbox.handle(off).status == 204
    assert pipeline.run(segment(0, 1), **MIRROR)
    assert set(pipeline.members()) == people(0, 1)
    said = pipeline.sandbox.consent("p1@x.io")
    assert (said.channels, set(said.suppressions)) == ({"email": "UNSUBSCRIBED"}, {"UNSUBSCRIBE"})
    assert pipeline.report["streams"]["people"]["mirror"]["leavers"] == 0


def test_no_row_is_sent_with_an_id(pipeline):
    """A wrong one beside the right address would change somebody else."""
    sent = []
    pipeline.sandbox.interceptors.append(lambda request: sent.append(request) if request.method == "POST" else None)
    assert pipeline.run([schema(keys=("id",), id={}, email={}), record("a@x.io", id="01GDDKASAP8TKDDA2GRZDSVP42")])
    (profile,) = json.loads(sent[0].body)["data"]["attributes"]["profiles"]["data"]
    assert profile.get("id") is None


def test_a_job_is_forgotten_after_a_week():
    """A run that was killed a week ago: nobody can tell what came of it, so its rows are sent again."""
    world = World([LIST])
    skip = {"list_id": LIST, "unchanged_profiles": "skip"}
    assert world.run(text(segment(1)), Trouble("die", where="answer", method="POST"), **skip).died
    world.clock.sleep(8 * 86_400)
    outcome = world.run(text(segment(1)), **skip)
    assert (outcome.error, outcome.report["totals"]["delivered"], outcome.states) == (None, 1, [1])
    assert world.members(LIST) == people(1)
    world.close()
