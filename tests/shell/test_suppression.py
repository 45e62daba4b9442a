"""Suppression: of exactly the people whom a stream names, when the settings say so, and of nobody else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import LIST, Pipeline, record, schema, state

from target_klaviyo_segments.sandbox.app import Response

OFF = {"segments": {"optouts": {"sync_mode": "suppress"}}}
ON = {"segments": {"optins": {"sync_mode": "unsuppress"}}}
MODES = {"optouts": "suppress", "optins": "unsuppress"}
BOTH = {"segments": {stream: {"sync_mode": mode} for stream, mode in MODES.items()}}
CREATE, DELETE = "/api/profile-suppression-bulk-create-jobs", "/api/profile-suppression-bulk-delete-jobs"


def rows(names, stream="optouts", **more):
    return [schema(stream), *(record(f"{name}@x.io", stream, **more) for name in names), state(1)]


def suppressed(sandbox):
    """Everybody whose mail is stopped by hand or by us."""
    return {email for email in sandbox.profiles if "USER_SUPPRESSED" in sandbox.consent(email).suppressions}


def people(*names):
    return {f"{name}@x.io" for name in names}


def outcome(pipeline, stream="optouts"):
    return pipeline.report["streams"][stream]["suppression"]


def posts(pipeline, path=CREATE):
    return [entry for entry in pipeline.sandbox.requests if entry.method == "POST" and entry.path == path]


@pytest.fixture
def known(pipeline):
    """A sandbox with people on the list: a subscriber, somebody who unsubscribed, one whose mail bounces, one more."""
    assert pipeline.run(rows(("sub", "un", "hard", "else"), "people"))
    pipeline.sandbox.consent("sub@x.io").channels["email"] = "SUBSCRIBED"
    pipeline.sandbox.consent("un@x.io").unsubscribe(1.0)
    pipeline.sandbox.consent("hard@x.io").suppressions["HARD_BOUNCE"] = 1.0
    return pipeline


def channels(pipeline):
    return {email: dict(pipeline.sandbox.consent(email).channels) for email in pipeline.sandbox.profiles}


def test_exactly_those_are_suppressed_whom_the_rows_name(known):
    """Who is not known to Klaviyo too; consent and lists stay as they are, and nobody else is touched."""
    before, members = channels(known), known.members()
    assert known.run(rows(("sub", "un", "New")), **OFF), known.error
    assert suppressed(known.sandbox) == people("sub", "un", "new")
    assert {email: channels(known)[email] for email in before} == before
    assert known.members() == members
    assert known.sandbox.consent("un@x.io").suppressions.keys() == {"UNSUBSCRIBE", "USER_SUPPRESSED"}
    assert (known.totals["delivered"], known.states) == (3, [1])
    known.assert_balanced()


def test_a_lifting_lifts_what_was_suppressed_by_hand_and_nothing_else(known):
    """Unsubscribed and bounced people stay so; who is not known is not made."""
    assert known.run(rows(("sub", "un")), **OFF)
    assert known.run(rows(("sub", "un", "hard", "nobody"), "optins"), **ON), known.error
    assert suppressed(known.sandbox) == set()
    assert known.sandbox.consent("un@x.io").suppressions.keys() == {"UNSUBSCRIBE"}
    assert known.sandbox.consent("hard@x.io").suppressions.keys() == {"HARD_BOUNCE"}
    assert "nobody@x.io" not in known.sandbox.profiles
    assert outcome(known, "optins") == {"mode": "unsuppress", "people": 4, "skipped": 2}


def test_a_hundred_a_job_and_nothing_of_them_but_their_address(pipeline):
    """Whatever else their rows and the settings have."""
    bodies = []
    pipeline.sandbox.interceptors.append(
        lambda request: bodies.append(request.body) if request.path == CREATE else None
    )
    lines = rows(range(250), first_name="Ada", phone_number="+14155552671", tier="gold")
    more = {"append_fields": {"tags": "tier"}, "null_fields": "clear", "field_map": {"title": "tier"}}
    assert pipeline.run(lines, **OFF, **more), pipeline.error
    sent = [json.loads(body)["data"]["attributes"]["profiles"]["data"] for body in bodies if body]
    assert sorted(map(len, sent)) == [50, 100, 100]
    assert all(
        each.keys() == {"type", "attributes"} and each["attributes"].keys() == {"email"} for row in sent for each in row
    )
    assert len(suppressed(pipeline.sandbox)) == 250
    assert (pipeline.totals["delivered"], pipeline.totals["jobs"]) == (250, 3)
    assert pipeline.report["streams"]["optouts"]["warnings"] == []


def test_the_report_tells_it_apart(pipeline, caplog):
    """What was done, for how many, and how many Klaviyo skipped; the log names no list either."""
    caplog.set_level("INFO")
    assert pipeline.run(rows("ab"), **OFF)
    assert pipeline.run(rows("abc"), **OFF)
    assert outcome(pipeline) == {"mode": "suppress", "people": 3, "skipped": 2}
    page = (pipeline.work_dir / "report.html").read_text()
    assert "3 rows of people suppressed for e-mail marketing, of whom Klaviyo skipped 2" in page
    assert pipeline.report["streams"]["optouts"]["list"] is None
    assert "stream `optouts`: export 1 is over: 2 profiles, 2 delivered" in caplog.text


def test_rows_of_one_person_are_one(pipeline):
    """Once in a request, as everywhere."""
    assert pipeline.run([*rows("aab"), record("A@x.io ", "optouts")], **OFF)
    assert (pipeline.totals["delivered"], pipeline.totals["merged"]) == (2, 2)
    assert len(posts(pipeline)) == 1
    pipeline.assert_balanced()


def test_a_delete_marker_lifts_nothing(pipeline):
    """Who left the stream stays suppressed, and it is said."""
    gone = record("a@x.io", "optouts", _sdc_deleted_at="2026-11-24T00:00:00Z")
    assert pipeline.run(rows("ab"), **OFF)
    assert pipeline.run([schema("optouts"), gone, record("c@x.io", "optouts"), state(2)], **OFF)
    assert suppressed(pipeline.sandbox) == people(*"abc")
    found = pipeline.report["streams"]["optouts"]
    assert (found["filtered"], found["filter_reasons"]) == (1, {"delete_marker": 1})
    assert found["warnings"] == [
        (
            "stream `optouts`: rows with a delete marker (_sdc_deleted_at) do nothing. A suppression is lifted for "
            "those whom a "
            "stream with `sync_mode` unsuppress names, and for nobody else"
        )
    ]
    assert pipeline.states == [2]


def test_a_bad_row_costs_no_good_one(pipeline):
    """Not an address, refused by name, refused without one: each in the rejects file, the others suppressed."""

    def without_a_name(request):
        bad = request.method == "POST" and b'"d@x.io"' in request.body
        return Response(400, {}, b'{"errors":[{"detail":"something is wrong"}]}') if bad else None

    pipeline.sandbox.suppression_refusal = lambda email: "no such mailbox" if email == "b@x.io" else None
    pipeline.sandbox.interceptors.append(without_a_name)
    assert pipeline.run([*rows("abcde"), record("no address", "optouts")], **OFF), pipeline.error
    assert suppressed(pipeline.sandbox) == people(*"ace")
    reasons = {row["record"]["email"]: row["code"] for row in pipeline.rejects()}
    assert reasons == {"no address": "email_invalid", "b@x.io": "klaviyo_refused", "d@x.io": "klaviyo_refused"}
    pipeline.assert_balanced()


def test_kept_rows_go_again(pipeline):
    """`--retry` suppresses those whom the first run could not."""
    from target_klaviyo_segments.retry import Retry, config_of  # noqa: PLC0415  # this test alone

    pipeline.sandbox.suppression_refusal = lambda _: "not today"
    assert pipeline.run(rows("ab"), **OFF)
    pipeline.sandbox.suppression_refusal = None
    kept = Retry(pipeline.work_dir, pipeline.report["run_id"], lambda _: ["email"]).read().decode()
    assert pipeline.run(kept, **config_of(OFF)), pipeline.error
    assert suppressed(pipeline.sandbox) == people(*"ab")


def test_a_missing_scope_is_told_before_anything_is_sent(tmp_path):
    """Whoever may not see what becomes of a job does not begin one."""
    pipeline = Pipeline(tmp_path, scopes=frozenset({"accounts:read", "profiles:write", "subscriptions:write"}))
    assert not pipeline.run(rows("a"), **OFF)
    assert "subscriptions:read" in pipeline.error
    assert posts(pipeline) == []
    pipeline.sandbox.scopes |= {"subscriptions:read"}
    assert pipeline.run(rows("a"), **OFF), pipeline.error  # and no scope of lists is needed


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"accept_data_privacy": False}, "accept_data_privacy"), ({"expected_account_id": "OTHER1"}, "OTHER1")],
)
def test_the_gate_is_the_same(pipeline, wrong, words):
    """Privacy notice and account, as for everything else."""
    assert not pipeline.run(rows("a"), **OFF | wrong)
    assert words in pipeline.error
    assert posts(pipeline) == []


def test_it_goes_beside_other_streams(pipeline):
    """People are exported and others suppressed in one run; general settings for the list do not concern the latter."""
    streams = {
        "people": {"subscribe_channels": ["email"], "consent_field": "optin"},
        "optouts": {"sync_mode": "suppress"},
    }
    lines = [*rows("ab", "people", optin=True)[:-1], *rows("bc")]
    assert pipeline.run(lines, segments=streams, unchanged_profiles="skip", mirror_scope="exported"), pipeline.error
    assert set(pipeline.members()) == people(*"ab")
    assert suppressed(pipeline.sandbox) == people(*"bc")
    found = {name: pipeline.sandbox.consent(f"{name}@x.io").channels.get("email") for name in "abc"}
    assert found == {"a": "SUBSCRIBED", "b": None, "c": None}  # suppressed first, so left alone
    assert pipeline.report["streams"]["optouts"]["warnings"] == [
        "stream `optouts`: `unchanged_profiles` skip has no effect on `sync_mode` suppress: all rows are sent"
    ]
    assert outcome(pipeline, "people") is None


def test_a_stream_that_is_suppressed_now_subscribes_nobody_of_before(pipeline):
    """What an earlier run was to do for the stream's people is dropped with a warning, though channels are general."""
    ask = {"subscribe_channels": ["email"], "consent_field": "optin"}
    pipeline.sandbox.scopes = frozenset(
        {"accounts:read", "lists:read", "lists:write", "profiles:read", "profiles:write"}
    )
    assert not pipeline.run(rows("a", optin=True), segments={"optouts": {}}, **ask)
    pipeline.sandbox.scopes = None
    assert pipeline.run(rows("b", optin=True), segments={"optouts": {"sync_mode": "suppress"}, "other": {}}, **ask)
    assert pipeline.sandbox.consent("a@x.io").channels == {}
    assert suppressed(pipeline.sandbox) == people("b")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sync_mode": "suppress"}, "for every stream that the tap sends"),
        ({"segments": {"a": {"sync_mode": "suppress", "list_id": LIST}}}, "which concerns no list"),
        (
            {"segments": {"a": {"sync_mode": "unsuppress", "list_name": "VIP"}}, "list_id": None},
            "which concerns no list",
        ),
        ({"segments": {"a": {"sync_mode": "suppress", "subscribe_channels": ["email"]}}}, "nobody is delivered"),
        ({"segments": {"a": {"sync_mode": "suppress", "resubscribe": True}}}, "`resubscribe` is about people who"),
        ({"segments": {"a": {"sync_mode": "suppress", "segment_field": "t"}}}, "has nothing to choose"),
        ({"segment_field": "t", "segments": {"a": {"sync_mode": "suppress"}}}, "has nothing to choose"),
        (
            {"segments": {"a": {"segment_field": "t", "segments": {"b": {"sync_mode": "suppress"}}}}},
            "segments.a.segments.b: `sync_mode` suppress is for whole streams",
        ),
        ({**OFF, "mirror_on_end_of_input": True}, "`mirror_on_end_of_input` is for `sync_mode` mirror"),
        ({**OFF, "mirror_scope": "all"}, "`mirror_scope` is for `sync_mode` mirror"),
    ],
)
def test_settings_that_make_no_sense_are_refused(pipeline, wrong, words):
    """In words, before anything is read."""
    assert not pipeline.run(rows("a"), **wrong)
    assert words in pipeline.error
    assert pipeline.sandbox.requests == []


NAMES = tuple("abcdef")
# What streams say, one after the other: records between two other messages are brought together by stream.
WORDS = st.lists(
    st.tuples(
        st.sampled_from(["optouts", "optins", "people"]),
        st.lists(st.sampled_from([*NAMES, "no address", None]), min_size=1, max_size=8),
    ),
    max_size=6,
)
FATES = st.lists(st.sampled_from(["complete", "complete", "cancelled"]), max_size=4)


def said(words):
    """Each row's stream and person, of those that are somebody."""
    return [(stream, f"{name}@x.io") for stream, names in words for name in names if name in NAMES]


@settings(max_examples=8, deadline=None)
@given(
    words=WORDS, fates=FATES, batch=st.integers(1, 4), at_once=st.integers(1, 3), job_seconds=st.sampled_from([0, 7])
)
def test_whatever_streams_say_the_last_word_counts(tmp_path_factory, words, fates, batch, at_once, job_seconds):
    """Sum right; exactly those are suppressed whose last row asks for it, however jobs end; consent never changes."""
    pipeline = Pipeline(tmp_path_factory.mktemp("any"), job_seconds=job_seconds, limits=False)
    assert pipeline.run(rows("ab", "people"))
    for name in "ab":
        pipeline.sandbox.consent(f"{name}@x.io").channels["email"] = "SUBSCRIBED"
    pipeline.sandbox.consent("b@x.io").suppressions["USER_SUPPRESSED"] = 1.0
    expected = people("b")
    for stream, email in said(words):
        expected |= {email} if stream == "optouts" else set()
        expected -= {email} if stream == "optins" else set()
    lines = [schema(stream) for stream in (*MODES, "people")]
    for at, (stream, names) in enumerate(words):
        lines += [*(record(f"{name}@x.io" if name in NAMES else name, stream) for name in names), state(at)]
    lines.append(state("end"))
    for fate in fates:
        pipeline.sandbox.plan_fates(fate, 1)
    limits = {"batch_size_rows": batch, "max_in_flight": at_once, "max_rejected_percent": 100}
    for _ in range(len(fates) + 1):
        well = pipeline.run(lines, segments={**BOTH["segments"], "people": {}}, **limits)
        pipeline.assert_balanced()
        assert well == (pipeline.totals["failed"] == 0) == ("end" in pipeline.states)
        if well:
            break
    assert well, pipeline.error
    assert suppressed(pipeline.sandbox) == expected
    assert {email for email, given in channels(pipeline).items() if given} == people("a", "b")
    assert set(pipeline.members()) == people("a", "b") | {email for stream, email in said(words) if stream == "people"}


def test_a_dry_run_foretells_it_and_does_nothing(known, caplog):
    """So many jobs; the people themselves are not compared with the ledger, which does not know them."""
    caplog.set_level("INFO")
    names = [f"n{number}" for number in range(150)]
    assert known.run([*rows(names), *rows(["sub"], "optins")], dry_run=True, **BOTH), known.error
    assert not posts(known)
    assert not posts(known, DELETE)
    assert suppressed(known.sandbox) == set()
    plan = json.loads((known.work_dir / "plan.json").read_text())
    requests = {name: each["requests"] for name, each in plan["foretold"]["requests"].items()}
    assert requests == {"Bulk Suppress Profiles": 2, "Bulk Unsuppress Profiles": 1}
    assert plan["foretold"]["people"] == {"new": 0, "changed": 0, "due_again": 0, "unchanged": 0}
    assert plan["totals"]["delivered"] == 151
    assert "optouts -> 150 rows of people to be suppressed for e-mail marketing" in caplog.text
    assert "1 unsuppression job" in caplog.text


def test_a_dry_run_tells_of_a_missing_scope(tmp_path):
    """As the run would."""
    pipeline = Pipeline(tmp_path, scopes=frozenset({"accounts:read", "profiles:write", "subscriptions:write"}))
    assert not pipeline.run(rows(["sub"]), dry_run=True, **OFF)
    assert "subscriptions:read" in pipeline.error


def test_a_refusal_of_the_request_itself_rejects_nobody(pipeline):
    """No objection is lost: STATE stays before it, and the next run sends it."""
    page = Response(400, {"Content-Type": "text/html"}, b"<html>no</html>")
    pipeline.sandbox.interceptors.append(lambda request: page if request.method == "POST" else None)
    assert not pipeline.run([*rows("abc"), state(3)], **OFF)
    assert "a web page, which is no answer of Klaviyo's own: a proxy or a firewall gave it" in pipeline.error
    assert (pipeline.totals["rejected"], pipeline.totals["failed"], pipeline.states) == (0, 3, [])
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run([*rows("abc"), state(3)], **OFF)
    assert suppressed(pipeline.sandbox) == people(*"abc")


@pytest.mark.parametrize("order", ["iooi", "oiio", "oi", "io", "ioioio", "ooiioo"])
def test_of_opposite_streams_the_last_word_counts_however_they_are_mixed(pipeline, order):
    """Record by record in one block of input: who objected last gets no mail, who lifted that last does."""
    streams = {"o": "optouts", "i": "optins"}
    lines = [schema("optouts"), schema("optins"), record("z@x.io", "optins")]
    assert pipeline.run([*lines, *(record("a@x.io", streams[each]) for each in order)], **BOTH), pipeline.error
    assert suppressed(pipeline.sandbox) == (people("a") if order[-1] == "o" else set())
    pipeline.assert_balanced()
