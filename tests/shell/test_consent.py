"""Consent: given where a row has it, never otherwise; whoever said no is left alone."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from pipeline import LIST, LineByLine, record, schema, state

from target_klaviyo_segments.sandbox.app import Response

ASK = {"subscribe_channels": ["email"], "consent_field": "optin"}
# A key that may not subscribe: who is to be subscribed waits for the next run.
NO_CONSENT_SCOPES = frozenset({"accounts:read", "lists:read", "lists:write", "profiles:read", "profiles:write"})


def rows(*names, optin=True, **more):
    return [schema(), *(record(f"{name}@x.io", optin=optin, **more) for name in names), state(1)]


def consent(pipeline, name):
    return pipeline.sandbox.consent(f"{name}@x.io").channels.get("email")


def outcome(pipeline):
    return pipeline.report["streams"]["people"]["consent"]


def test_whose_row_says_yes_is_subscribed(pipeline):
    """And nobody else; all of them are on the list."""
    lines = [schema(), record("a@x.io", optin="Yes "), record("b@x.io", optin="no"), record("c@x.io"), state(1)]
    assert pipeline.run(lines, **ASK), pipeline.error
    assert [consent(pipeline, name) for name in "abc"] == ["SUBSCRIBED", None, None]
    assert len(pipeline.members()) == 3
    assert (outcome(pipeline)["asked"], outcome(pipeline)["subscribed"]) == (1, 1)
    assert pipeline.states == [1]


def test_a_daily_run_asks_nothing_again(pipeline):
    """The ledger remembers whom it subscribed."""
    for count in (1, 0):
        before = sum("subscription" in entry.path for entry in pipeline.sandbox.requests)
        assert pipeline.run(rows("a"), **ASK)
        assert sum("subscription" in entry.path for entry in pipeline.sandbox.requests) - before == count


TIERS = {"list_id": None, "segment_field": "tier"}
WITH_TIER = schema(email={"type": ["string", "null"]}, optin={}, tier={})


def tiered(pipeline):
    for list_id, name in (("VIP001", "vip"), ("GOLD01", "gold")):
        pipeline.sandbox.add_list(list_id, name)
    return pipeline


@pytest.mark.parametrize("yes_first", [True, False])
@pytest.mark.parametrize("reads", [LineByLine, io.StringIO])
def test_of_a_person_in_several_segments_one_no_is_enough(pipeline, yes_first, reads):
    """The segments are sent in no order of their rows."""
    lines = [record("a@x.io", optin=True, tier="gold"), record("a@x.io", optin=False, tier="vip")]
    lines = lines if yes_first else lines[::-1]
    other = record("b@x.io", optin=True, tier="vip")
    assert tiered(pipeline).run([WITH_TIER, *lines, other, state(1)], reads=reads, **ASK, **TIERS), pipeline.error
    assert [consent(pipeline, name) for name in "ab"] == [None, "SUBSCRIBED"]
    assert set(pipeline.members("VIP001")) == {"a@x.io", "b@x.io"}
    yes = [record("a@x.io", optin=True, tier=tier) for tier in ("gold", "vip")]
    assert pipeline.run([WITH_TIER, *yes, state(2)], **ASK, **TIERS, unchanged_profiles="skip")
    assert consent(pipeline, "a") == "SUBSCRIBED"


def test_a_no_that_nothing_has_changed_in_is_one_too(pipeline):
    """It is not sent again, and it is still what the person says."""
    skip = ASK | TIERS | {"unchanged_profiles": "skip"}
    no = record("a@x.io", optin=False, tier="vip")
    assert tiered(pipeline).run([WITH_TIER, no, state(1)], **skip)
    assert pipeline.run([WITH_TIER, no, record("a@x.io", optin=True, tier="gold"), state(2)], **skip)
    assert consent(pipeline, "a") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [(TIERS, TIERS), ({"list_id": "GOLD01"}, {"list_id": "VIP001"}), ({"list_id": "GOLD01"}, TIERS)],
    ids=["another segment", "another list", "segments since"],
)
def test_a_no_takes_back_what_another_list_waits_for(pipeline, before, after):
    """An earlier run did not come to it."""
    tiered(pipeline).sandbox.scopes = NO_CONSENT_SCOPES
    assert not pipeline.run([WITH_TIER, record("a@x.io", optin=True, tier="gold"), state(1)], **ASK, **before)
    pipeline.sandbox.scopes = None
    assert pipeline.run([WITH_TIER, record("a@x.io", optin=False, tier="vip"), state(2)], **ASK, **after)
    assert consent(pipeline, "a") is None


def test_what_an_earlier_run_left_is_done_as_the_settings_are_now(pipeline):
    """`resubscribe` and channels that were taken back since count for it as well."""
    assert pipeline.run(rows("no"), **ASK)
    pipeline.sandbox.consent("no@x.io").unsubscribe(1.0)
    pipeline.sandbox.scopes = NO_CONSENT_SCOPES
    phones = [
        record(f"{name}@x.io", optin=True, phone_number=f"+1202200000{at}") for at, name in enumerate(["no", "a"])
    ]
    both = ASK | {"subscribe_channels": ["email", "sms"], "resubscribe": True}
    assert not pipeline.run([schema(), *phones, state(1)], **both)
    pipeline.sandbox.scopes = None
    assert pipeline.run([schema(), state(2)], **ASK)
    assert pipeline.sandbox.consent("no@x.io").channels == {"email": "UNSUBSCRIBED"}
    assert pipeline.sandbox.consent("a@x.io").channels == {"email": "SUBSCRIBED"}


def test_nobody_is_subscribed_by_a_channel_that_was_taken_back(pipeline):
    """Nor told of as subscribed."""
    pipeline.sandbox.scopes = NO_CONSENT_SCOPES
    lines = [schema(), record("a@x.io", optin=True, phone_number="+12022000000"), state(1)]
    assert not pipeline.run(lines, **ASK | {"subscribe_channels": ["sms"]})
    pipeline.sandbox.scopes = None
    assert pipeline.run([schema(), state(2)], **ASK)
    assert pipeline.sandbox.consent("a@x.io").channels == {}
    assert (outcome(pipeline)["asked"], outcome(pipeline)["refused"]) == (1, 1)
    assert outcome(pipeline)["refusals"] == {"the settings do not ask for these channels any more": 1}


def test_who_said_no_is_left_alone_unless_told_otherwise(pipeline):
    """Unsubscribed, suppressed, or bounced, which no subscription mends."""
    assert pipeline.run(rows("un", "sup", "hard"))
    pipeline.sandbox.consent("un@x.io").unsubscribe(1.0)
    pipeline.sandbox.consent("sup@x.io").suppressions["USER_SUPPRESSED"] = 1.0
    pipeline.sandbox.consent("hard@x.io").suppressions["HARD_BOUNCE"] = 1.0
    assert pipeline.run(rows("un", "sup", "hard"), **ASK)
    assert [consent(pipeline, name) for name in ("un", "sup", "hard")] == ["UNSUBSCRIBED", None, None]
    found = outcome(pipeline)
    assert (found["left_alone_unsubscribed"], found["left_alone_suppressed"], found["subscribed"]) == (1, 2, 0)
    assert pipeline.run(rows("un", "sup", "hard"), **ASK, resubscribe=True)
    assert [consent(pipeline, name) for name in ("un", "sup", "hard")] == ["SUBSCRIBED", "SUBSCRIBED", None]
    assert pipeline.sandbox.consent("un@x.io").suppressions == {}


def test_a_double_opt_in_list_waits_for_the_person(pipeline):
    """Counted as waiting; the confirmation is theirs."""
    pipeline.sandbox.add_list("DOUBLE", "Double", "double_opt_in")
    assert pipeline.run(rows("a"), **ASK, list_id="DOUBLE")
    assert (outcome(pipeline)["waiting_for_confirmation"], consent(pipeline, "a")) == (1, None)
    pipeline.sandbox.confirm("a@x.io")
    assert consent(pipeline, "a") == "SUBSCRIBED"


def test_a_historical_import_takes_the_date_of_each_row(pipeline):
    """Who has none, or one in the future, is not subscribed, and it is told."""
    ask = {"subscribe_channels": ["email"], "consented_at_field": "at", "historical_import": True}
    lines = [
        schema(),
        record("a@x.io", at="2020-01-02T03:04:05Z"),
        record("b@x.io", at="2099-01-01"),
        record("c@x.io", at=None),
    ]
    assert pipeline.run(lines, **ask, custom_source="till"), pipeline.error
    found = pipeline.sandbox.consent("a@x.io")
    assert (found.since["email"], found.source) == ("2020-01-02T03:04:05+00:00", "till")
    assert outcome(pipeline)["asked"] == 1
    assert any("no instant of the past" in each for each in pipeline.report["streams"]["people"]["warnings"])


def test_one_refused_person_costs_nobody_else(pipeline):
    """Named by Klaviyo, with its words in the report."""
    pipeline.sandbox.subscription_refusal = lambda row: "age gate" if row["email"] == "b@x.io" else None
    assert pipeline.run(rows("a", "b", "c"), **ASK)
    assert [consent(pipeline, name) for name in "abc"] == ["SUBSCRIBED", None, "SUBSCRIBED"]
    assert (outcome(pipeline)["refused"], outcome(pipeline)["refusals"]) == (1, {"age gate": 1})


def test_text_messages_need_a_phone_number_and_a_refused_one_costs_no_mail(pipeline):
    """Who has no number gets e-mail alone; so does whose number Klaviyo cannot write to, though it names nobody."""

    def no_sms_to_france(request):
        if "subscription" in request.path and b"+33" in request.body:
            return Response(400, {}, b'{"errors":[{"detail":"no sending number"}]}')
        return None

    pipeline.sandbox.interceptors.append(no_sms_to_france)
    lines = [
        schema(),
        record("a@x.io", optin=1, phone_number="+14155552671"),
        record("b@x.io", optin=1),
        record("c@x.io", optin=1, phone_number="+33612345678"),
        record("d@x.io", optin=0, phone_number="+14155552672"),
    ]
    assert pipeline.run(lines, **ASK | {"subscribe_channels": ["email", "sms"]}), pipeline.error
    channels = {name: set(pipeline.sandbox.consent(f"{name}@x.io").channels) for name in "abcd"}
    assert channels == {"a": {"email", "sms"}, "b": {"email"}, "c": {"email"}, "d": set()}
    assert outcome(pipeline)["subscribed"] == 3


def leave_out(pipeline, number, path="/api/profile-subscription-bulk-create-jobs"):
    """Let Klaviyo ignore this phone number, and say that it did; what is asked of it without them is done."""

    def ignore(request):
        if request.path != path or number.encode() not in request.body:
            return None
        document = json.loads(request.body)
        people = document["data"]["attributes"]["profiles"]["data"]
        for sent in [each["attributes"] for each in people if each["attributes"].get("phone_number") == number]:
            del sent["phone_number"]
            sent.get("subscriptions", {}).pop("sms", None)
        people[:] = [each for each in people if each["attributes"].get("subscriptions") != {}]
        rest = replace(request, body=json.dumps(document).encode())
        done = pipeline.sandbox.handle(rest) if people else Response(202)
        return replace(done, headers={**done.headers, "X-Klaviyo-Partial-Failure": "phone_number"})

    pipeline.sandbox.interceptors[:] = [ignore]


PHONES = {"a": "+14155552671", "b": "+14155552672"}
BOTH = ASK | {"subscribe_channels": ["email", "sms"]}


def with_phones(*names):
    return [schema(), *(record(f"{name}@x.io", optin=1, phone_number=PHONES.get(name)) for name in names), state(1)]


def channels(pipeline, name):
    return pipeline.sandbox.consent(f"{name}@x.io").channels


def test_nobody_counts_as_subscribed_whose_phone_number_klaviyo_may_have_left_out(pipeline):
    """It does not say whose: the report tells of it, and what it shows of them later decides."""
    assert pipeline.run(with_phones("a", "b", "c"))  # their numbers are good enough for a profile
    leave_out(pipeline, PHONES["b"])
    for doubted, subscribed, already in ((2, 1, 0), (1, 0, 1)):
        assert pipeline.run(with_phones("a", "b", "c"), **BOTH), pipeline.error
        found = outcome(pipeline)
        assert (found["phone_in_doubt"], found["subscribed"], found["already_subscribed"]) == (
            doubted,
            subscribed,
            already,
        )
        assert found["asked"] == doubted + subscribed + already
        assert channels(pipeline, "a") == {"email": "SUBSCRIBED", "sms": "SUBSCRIBED"}
        assert channels(pipeline, "b") == channels(pipeline, "c") == {"email": "SUBSCRIBED"}
        (warning,) = pipeline.report["warnings"]
        assert warning == (
            "stream `people`: Klaviyo left out phone numbers of people who were to be subscribed, and does not say "
            "whose. E-mail is not concerned. Who has no confirmation to give counts as phone_in_doubt and is looked at "
            "again after `resend_after_days`. See that the numbers are right"
        )
        pipeline.clock.sleep(8 * 86_400)
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(with_phones("b"), **BOTH)
    assert channels(pipeline, "b") == {"email": "SUBSCRIBED", "sms": "SUBSCRIBED"}
    assert (outcome(pipeline)["asked"], outcome(pipeline)["subscribed"]) == (1, 1)


def test_who_is_to_confirm_is_not_asked_twice_for_a_phone_number(pipeline):
    """They have their mail; that a number may be missing is told."""
    pipeline.sandbox.add_list("DOUBLE", "Double", "double_opt_in")
    leave_out(pipeline, PHONES["b"])
    assert pipeline.run(with_phones("a", "b"), **BOTH, list_id="DOUBLE"), pipeline.error
    assert (outcome(pipeline)["waiting_for_confirmation"], outcome(pipeline)["phone_in_doubt"]) == (2, 0)
    assert any("left out phone numbers of people" in each for each in pipeline.report["warnings"])
    pipeline.clock.sleep(8 * 86_400)
    assert pipeline.run(with_phones("a", "b"), **BOTH, list_id="DOUBLE")
    assert outcome(pipeline) is None


def test_phone_numbers_that_an_import_leaves_out_are_told(pipeline):
    """The people are there; that something of them is missing is said once."""
    leave_out(pipeline, PHONES["b"], "/api/profile-bulk-import-jobs")
    assert pipeline.run(with_phones("a", "b"), batch_size_rows=1), pipeline.error
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    (warning,) = pipeline.report["warnings"]
    assert warning == (
        "Bulk Import Profiles: from 1 requests Klaviyo took everything but some phone numbers, without saying whose. "
        "See that the numbers are right"
    )


def test_a_changed_consent_is_not_swallowed_as_unchanged(pipeline):
    """And one that is taken back before it was acted upon is not acted upon."""
    skip = {"unchanged_profiles": "skip", "unmapped_fields": "drop"}
    assert pipeline.run(rows("a", optin=False), **ASK, **skip)
    assert pipeline.run(rows("a", optin=True), **ASK, **skip)
    assert consent(pipeline, "a") == "SUBSCRIBED"
    assert pipeline.run([*rows("b"), record("b@x.io", optin=False)], **ASK, batch_size_rows=1)
    assert consent(pipeline, "b") is None


def test_a_missing_scope_is_named_and_the_deliveries_stand(pipeline):
    """The next run, with a key that may, needs no row to go on."""
    pipeline.sandbox.scopes = NO_CONSENT_SCOPES
    assert not pipeline.run(rows("a"), **ASK)
    assert "subscriptions:write" in pipeline.error
    assert (pipeline.totals["delivered"], pipeline.states) == (1, [1])
    pipeline.sandbox.scopes = None
    assert pipeline.run([schema()], **ASK)
    assert consent(pipeline, "a") == "SUBSCRIBED"


@pytest.mark.parametrize("optin", [True, False])
def test_a_row_that_is_rejected_here_takes_no_consent_back(pipeline, optin):
    """Nor does it give one: what counts is the person's last row that was not rejected, also across runs."""
    strict = schema(email={}, n={"type": "integer"}, optin={})
    pipeline.sandbox.scopes = NO_CONSENT_SCOPES
    assert not pipeline.run([strict, record("a@x.io", n=1, optin=True), record("b@x.io", n=1), state(1)], **ASK)
    pipeline.sandbox.scopes = None
    bad = [record(f"{name}@x.io", n="no number", optin=optin) for name in "ab"]
    assert pipeline.run([strict, *bad, record("c@x.io", n=1), state(2)], **ASK), pipeline.error
    assert pipeline.totals["rejected"] == 2
    assert [consent(pipeline, name) for name in "abc"] == ["SUBSCRIBED", None, None]


@pytest.mark.parametrize("refuse", ["refuse_rows", "refuse_at_submit"])
@pytest.mark.parametrize("optin", [True, False])
def test_a_row_that_klaviyo_refuses_takes_an_earlier_consent_back(pipeline, optin, refuse):
    """Until it was carried out: Klaviyo does not have what the person's newest row says. The next good one decides."""
    pipeline.sandbox.scopes = NO_CONSENT_SCOPES
    assert not pipeline.run(rows("a"), **ASK)
    pipeline.sandbox.scopes = None
    objection = ("invalid", "no") if refuse == "refuse_rows" else "no"
    getattr(pipeline.sandbox, refuse)(lambda row: objection if row["email"] == "a@x.io" else None)
    assert pipeline.run([*rows("a", optin=optin, n=2), *rows("b", optin=False)], **ASK), pipeline.error
    assert pipeline.totals["rejected"] == 1
    assert consent(pipeline, "a") is None
    getattr(pipeline.sandbox, refuse)(lambda _: None)
    assert pipeline.run(rows("a", optin=optin, n=2), **ASK, unchanged_profiles="skip")
    assert consent(pipeline, "a") == ("SUBSCRIBED" if optin else None)


@pytest.mark.parametrize("between", [[], ["a"], ["b"]])
def test_who_was_passed_over_while_consent_was_off_is_subscribed_once_it_is_on_again(pipeline, between):
    """Whether or not they came while it was off: who is still to be subscribed is not unchanged for `skip`."""
    skip = {"unchanged_profiles": "skip"}
    pipeline.sandbox.scopes = NO_CONSENT_SCOPES
    assert not pipeline.run(rows("a"), **ASK, **skip)
    pipeline.sandbox.scopes = None
    assert pipeline.run(rows(*between), **skip), pipeline.error
    assert any("it is not done" in each for each in pipeline.report["warnings"])
    assert consent(pipeline, "a") is None
    assert pipeline.run(rows("a"), **ASK, **skip)
    assert consent(pipeline, "a") == "SUBSCRIBED"
    assert pipeline.run(rows("a"), **ASK, **skip)
    assert pipeline.totals["unchanged"] == 1


@pytest.mark.parametrize("mode", ["upsert", "mirror", "remove"])
def test_consent_is_never_touched_unless_asked_for(pipeline, mode):
    """Whatever the row says and the mode does: not one request about consent, and everybody's stays as it was."""
    assert pipeline.run(rows("un", "sub"))
    pipeline.sandbox.consent("un@x.io").unsubscribe(1.0)
    pipeline.sandbox.consent("sub@x.io").channels["email"] = "SUBSCRIBED"
    pipeline.run(rows("un", "sub", optin=True), sync_mode=mode, mirror_on_end_of_input=True)
    assert [consent(pipeline, name) for name in ("un", "sub")] == ["UNSUBSCRIBED", "SUBSCRIBED"]
    assert not any("subscription" in entry.path or "suppression" in entry.path for entry in pipeline.sandbox.requests)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"subscribe_channels": ["email"]}, "needs `consent_field` or `consented_at_field`"),
        ({"consent_field": "optin"}, "is set, and `subscribe_channels` is not: nobody would be subscribed"),
        ({**ASK, "historical_import": True}, "needs `consented_at_field`: Klaviyo wants to know when each person"),
        (
            {**ASK, "sync_mode": "remove"},
            "goes with `sync_mode` upsert and mirror, and it is remove: nobody is delivered",
        ),
        ({**ASK, "subscribe_channels": ["mail"]}, "must be one of email, sms"),
    ],
)
def test_settings_that_make_no_sense_are_refused(pipeline, wrong, words):
    """In words, before anything is read."""
    assert not pipeline.run(rows("a"), **wrong)
    assert words in pipeline.error
    assert LIST not in pipeline.error
    assert pipeline.sandbox.requests == []


@pytest.mark.parametrize("where", ["by_name", "by_value", "of_one_stream"])
def test_consent_of_a_stream_in_several_segments(pipeline, where):
    """Each segment's people are subscribed to its list, and the report tells it for each."""
    pipeline.sandbox.add_list("VIP001", "vip")
    values = {"vip": {"list_id": "VIP001"}}
    wanted = {
        "by_name": {"segment_field": "tier"},
        "by_value": {"segment_field": "tier", "segments": values},
        "of_one_stream": {"segments": {"people": {"segment_field": "tier", "segments": values}}},
    }[where]
    rows = [record("a@x.io", tier="vip", optin=True), record("b@x.io", tier="vip")]
    lines = [schema(email={}, tier={}, optin={}), *rows]
    assert pipeline.run(lines, **ASK, list_id=None, **wanted), pipeline.error
    assert [consent(pipeline, name) for name in "ab"] == ["SUBSCRIBED", None]
    assert pipeline.report["streams"]["people/vip"]["consent"]["subscribed"] == 1


def test_a_refusal_of_somebody_else_is_no_refusal_of_anybody(pipeline):
    """Klaviyo names a place where nobody stands: nobody is passed over for it, and the next run asks again."""
    named = {"errors": [{"detail": "Bad", "source": {"pointer": "/data/attributes/profiles/data/7/attributes/email"}}]}
    answer = Response(400, {"Content-Type": "application/json"}, json.dumps(named).encode())
    pipeline.sandbox.interceptors.append(lambda request: answer if "subscription" in request.path else None)
    assert not pipeline.run(rows("a"), **ASK)
    assert pipeline.error == (
        "to subscribe people after their delivery did not work: Klaviyo answers 400 to Bulk Subscribe Profiles: 1 rows "
        "refused; those whom it names were not in the request. Everybody is on their lists, and 1 people wait in the "
        "ledger: the next run goes on with them"
    )
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(rows("a"), **ASK)
    assert consent(pipeline, "a") == "SUBSCRIBED"


def test_a_consent_that_the_schema_does_not_know_is_told(pipeline):
    """Most often a typing error, by which nobody would ever be subscribed."""
    lines = [schema(email={}, optin={}), record("a@x.io", optin=True), state(1)]
    assert pipeline.run(lines, subscribe_channels=["email"], consent_field="opt_in")
    (told,) = pipeline.report["warnings"] or pipeline.report["streams"]["people"]["warnings"]
    assert "`consent_field` is `opt_in`, which is none of its properties; did you mean `optin`?" in told
    assert consent(pipeline, "a") is None


PAGE = (400, {"Content-Type": "text/html"}, b"<html>no</html>")
HEADER = (400, {"Content-Type": "application/json"}, b'{"errors": [{"source": {"parameter": "revision"}}]}')
UNNAMED = (400, {"Content-Type": "application/json"}, b'{"errors": [{"detail": "no", "source": {"pointer": "/data"}}]}')


@pytest.mark.parametrize("answer", [PAGE, HEADER, UNNAMED])
def test_a_refusal_of_the_request_itself_is_no_refusal_of_anybody(pipeline, answer):
    """The next run asks again for everybody."""
    pipeline.sandbox.interceptors.append(lambda request: Response(*answer) if "subscription" in request.path else None)
    assert not pipeline.run(rows(*"abc"), **ASK)
    assert "3 people wait in the ledger" in pipeline.error
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(rows(*"abc"), **ASK)
    assert [consent(pipeline, name) for name in "abc"] == ["SUBSCRIBED"] * 3


def test_an_answer_that_is_not_klaviyos_subscribes_nobody(pipeline):
    """The next run does it, also when it would skip whoever has not changed."""
    page = Response(200, {"Content-Type": "text/html"}, b"<html>hello</html>")
    pipeline.sandbox.interceptors.append(lambda request: page if "subscription" in request.path else None)
    skip = ASK | {"unchanged_profiles": "skip"}
    assert not pipeline.run(rows("a"), **skip, retry_max_seconds=10)
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(rows("a"), **skip)
    assert consent(pipeline, "a") == "SUBSCRIBED"


def test_people_to_be_subscribed_on_a_list_that_was_deleted_hold_no_run_up(pipeline):
    """The stream goes to another list since, where their rows ask for it anew."""
    pipeline.sandbox.interceptors.append(lambda request: Response(*PAGE) if "subscription" in request.path else None)
    assert not pipeline.run(rows(*"ab"), **ASK)
    pipeline.sandbox.interceptors.clear()
    del pipeline.sandbox._account.lists.by_id[LIST]
    pipeline.sandbox.add_list("Other1", "Other")
    other = ASK | {"list_id": "Other1"}
    assert pipeline.run(rows("b"), **other), pipeline.error
    assert (
        f"stream `people`: the list {LIST} is not in this account any more, so the 2 people whom an earlier run was to "
        "subscribe on it are not waited with any longer"
    ) in pipeline.report["warnings"]
    assert [consent(pipeline, name) for name in "ab"] == [None, "SUBSCRIBED"]
    assert pipeline.run(rows("b"), **other)
    assert not any("any more" in each for each in pipeline.report["warnings"])
