"""A list equal to its segment: who left the segment leaves the list, and nobody by mistake."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import KEY, LIST, Pipeline, command, record, schema, state
from thorough import thorough

from target_klaviyo_segments.export.bygone import RUNS_LOOKED_AT
from target_klaviyo_segments.klaviyo.protocol import import_profiles
from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.sandbox.app import Request, Response

MIRROR = {"sync_mode": "mirror", "max_removal_percent": 100}
AT_END = MIRROR | {"mirror_on_end_of_input": True}
VERSION = 1_790_000_000_000


def segment(*numbers, version=VERSION, stream="people", closed=True, key=None):
    """A full-table stream, opened and closed by ACTIVATE_VERSION as Pipelinewise's taps do."""
    opening = {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}
    rows = [{**record(f"p{n}@x.io", stream, n=key or n), "version": version} for n in numbers]
    return [schema(stream), opening, *rows, *([opening] if closed else []), state(len(numbers))]


def emails(pipeline, list_id=LIST):
    return sorted(pipeline.members(list_id))


def people(*numbers):
    return sorted(f"p{n}@x.io" for n in numbers)


def outcome(pipeline, stream="people"):
    return pipeline.report["streams"][stream]["mirror"]


def test_who_left_the_segment_leaves_the_list(pipeline):
    """The first run takes stock; the second takes off. Profiles and consent stay."""
    assert pipeline.run(segment(0, 1, 2), **MIRROR)
    assert outcome(pipeline)["removed"] == 0
    assert pipeline.run(segment(1, 2, 3), **MIRROR)
    assert emails(pipeline) == people(1, 2, 3)
    assert outcome(pipeline) | {"refused": None} == {
        "members_before": 3, "leavers": 1, "removed": 1, "not_found": 0, "stayed": 0, "kept": 0,
        "refused": None,
    }  # fmt: skip
    assert "p0@x.io" in pipeline.sandbox.profiles
    pipeline.assert_balanced()


def test_whom_a_job_brings_in_after_it_was_given_up_leaves_like_everybody(pipeline):
    """When its run ended nobody knew whether they were on the list."""
    pipeline.sandbox.job_seconds = 100
    assert not pipeline.run(segment(0, 1), **MIRROR, job_timeout_seconds=10)
    assert "it is still queued after 10 s" in pipeline.error
    pipeline.clock.sleep(200)
    pipeline.sandbox.job_seconds = 0
    assert emails(pipeline) == people(0, 1)
    assert pipeline.run(segment(1), **MIRROR), pipeline.error
    assert emails(pipeline) == people(1)
    assert (outcome(pipeline)["members_before"], outcome(pipeline)["removed"]) == (2, 1)


@pytest.mark.parametrize("answer", [(200, b"<html>hello</html>"), (200, b""), (202, b"")])
def test_an_answer_that_is_not_klaviyos_takes_nobody_off(pipeline, answer):
    """A portal or a gateway says yes to everything: who left is on the list still, and leaves it with the next run."""
    assert pipeline.run(segment(0, 1, 2), **MIRROR)
    status, body = answer
    shown = Response(status, {"Content-Type": "text/html"}, body)
    pipeline.sandbox.interceptors.append(lambda request: shown if request.method == "DELETE" else None)
    assert not pipeline.run(segment(1, 2), **MIRROR, retry_max_seconds=10)
    assert (
        f"Last: the answer {status} with {len(body)} bytes to Remove Profiles from List is not Klaviyo's, which is 204 "
        "without a body"
    ) in pipeline.error
    assert outcome(pipeline)["removed"] == 0
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(segment(1, 2), **MIRROR)
    assert emails(pipeline) == people(1, 2)


@pytest.mark.parametrize("scope", ["exported", "all"])
def test_people_of_a_stream_in_runs_of_its_own_are_no_leavers(pipeline, scope):
    """They stay, so they are nobody's reason to refuse, nor part of what `--allow-removals` has to allow."""
    mirror = {"segments": {name: {"sync_mode": "mirror"} for name in "ab"}, "mirror_scope": scope}
    for stream, numbers in (("a", range(10)), ("b", range(10, 20)), ("a", range(1, 10))):
        assert pipeline.run(segment(*numbers, stream=stream), **mirror), pipeline.error
    assert emails(pipeline) == people(*range(1, 20))
    assert (outcome(pipeline, "a")["leavers"], outcome(pipeline, "a")["removed"]) == (1, 1)


@pytest.mark.parametrize("scope", ["exported", "all"])
def test_whom_klaviyo_refuses_to_take_off_is_told(pipeline, scope):
    """They left the segment and are on the list still: the run is not taken for successful."""
    assert pipeline.run(segment(0, 1, 2), **MIRROR, mirror_scope=scope)
    known = pipeline.sandbox.profiles["p0@x.io"]["id"]

    def refuse(request):
        told = {"errors": [{"id": "1", "status": 400, "title": "Invalid input.", "detail": f"Invalid IDs: {known}"}]}
        named = request.method == "DELETE" and known.encode() in request.body
        return Response(400, {"Content-Type": "application/json"}, json.dumps(told).encode()) if named else None

    pipeline.sandbox.interceptors.append(refuse)
    assert not pipeline.run(segment(1), **MIRROR, mirror_scope=scope)
    assert pipeline.error == (
        "stream `people`: Klaviyo refuses to take 1 people off the list. They are on it still: run again, "
        "and report it when it stays"
    )
    assert emails(pipeline) == people(0, 1)
    assert (outcome(pipeline)["leavers"], outcome(pipeline)["removed"], outcome(pipeline)["kept"]) == (2, 1, 1)
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(segment(1), **MIRROR, mirror_scope=scope), pipeline.error
    assert emails(pipeline) == people(1)


def test_whom_others_put_on_the_list_stays(pipeline):
    """With `mirror_scope` exported; with all, whoever is not in the segment leaves."""
    assert pipeline.run([schema(), record("by.hand@x.io")], work_dir=str(pipeline.work_dir) + "-other")
    for numbers in ((0, 1), (1,)):
        assert pipeline.run(segment(*numbers), **MIRROR)
    assert emails(pipeline) == ["by.hand@x.io", "p1@x.io"]
    assert pipeline.run(segment(1), **MIRROR, mirror_scope="all")
    assert emails(pipeline) == ["p1@x.io"]
    assert outcome(pipeline)["members_before"] == 2


def sign_up(sandbox, email):
    """Somebody comes to the list by another way."""
    call = import_profiles(LIST, [json.dumps({"type": "profile", "attributes": {"email": email}}).encode()])
    headers = {"authorization": f"Klaviyo-API-Key {KEY}", "revision": "2026-10-15", "content-type": "application/json"}
    assert sandbox.handle(Request("POST", call.path, "", headers, b"".join(call.body))).status == 202


def test_who_joins_while_the_mirror_runs_stays(pipeline):
    """Nobody has asked the segment about them yet: before the list is read, or while it is."""
    everybody = MIRROR | {"mirror_scope": "all"}
    assert pipeline.run([schema(), record("by.hand@x.io")], work_dir=str(pipeline.work_dir) + "-other")
    pipeline.clock.sleep(60)
    numbers = iter(range(100))

    def somebody_joins(request):
        if request.method == "GET" and ("size%5D=100" in request.query or request.path.endswith("-jobs")):
            pipeline.clock.sleep(2)
            sign_up(pipeline.sandbox, f"signed.up{next(numbers)}@x.io")

    pipeline.sandbox.interceptors.append(somebody_joins)
    assert pipeline.run(segment(1, 2), **everybody)
    pipeline.sandbox.interceptors.clear()
    assert outcome(pipeline)["removed"] == 1
    assert "by.hand@x.io" not in emails(pipeline)
    late = [email for email in emails(pipeline) if email.startswith("signed")]
    assert len(late) == next(numbers) > 2
    pipeline.clock.sleep(60)
    assert pipeline.run(segment(1, 2), **everybody)
    assert emails(pipeline) == people(1, 2)


def test_a_list_that_was_empty_needs_no_reading(pipeline):
    """Whoever is on it now came since."""
    assert pipeline.run(segment(1, 2), **MIRROR, mirror_scope="all")
    assert emails(pipeline) == people(1, 2)
    assert outcome(pipeline)["leavers"] == 0


@pytest.mark.parametrize("scope", ["exported", "all"])
def test_a_signal_ends_a_mirror_between_two_requests(pipeline, scope):
    """Who is off the list by then is off it, the others stay; the report says how many, and the next run goes on."""
    assert pipeline.run(segment(*range(2_500)), **MIRROR, mirror_scope=scope)
    target = []

    def stop(request):
        if request.method == "DELETE":
            target[0].run.exporter.interrupt()

    pipeline.sandbox.interceptors.append(stop)
    assert not pipeline.run(segment(0), **MIRROR, mirror_scope=scope, begun=target.append)
    assert "interrupted" in pipeline.error
    assert outcome(pipeline)["removed"] == 1_000
    assert len(emails(pipeline)) == 1_500
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run(segment(0), **MIRROR, mirror_scope=scope)
    assert emails(pipeline) == people(0)


def test_a_signal_ends_the_reading_of_a_list(pipeline):
    """Nobody is taken off a list that was not read to its end."""
    assert pipeline.run(segment(*range(2_500)), **MIRROR, mirror_scope="all")
    target = []

    def stop(request):
        if request.method == "GET" and "joined_group_at" in request.query and "size%5D=100" in request.query:
            target[0].run.exporter.interrupt()

    pipeline.sandbox.interceptors.append(stop)
    assert not pipeline.run(segment(0), **MIRROR, mirror_scope="all", begun=target.append)
    assert len(emails(pipeline)) == 2_500
    assert outcome(pipeline)["removed"] == 0


REFUSALS = {
    "incomplete": (segment(1, closed=False), MIRROR, "may not be complete"),
    "another_version": ([*segment(1), *segment(2, version=VERSION + 1)[1:3]], MIRROR, "more than one version"),
    "incremental": (
        [{**segment(1)[0], "bookmark_properties": ["n"]}, *segment(1)[1:]],
        MIRROR,
        "reads only what changed",
    ),
    "two_shapes": ([*segment(1), schema(email={}, other={})], MIRROR, "two shapes"),
    "empty": (segment(), MIRROR, "no record came"),
    "no_state": (segment(1, closed=False)[:-1], AT_END, "nor a STATE"),
    "too_many": (segment(1), {**MIRROR, "max_removal_percent": 50}, "3 of 4 members would leave"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_when_something_speaks_against_it_nobody_leaves(pipeline, name):
    """Exit status 1, the numbers, and the deliveries of the run stand; STATE too, for they did arrive."""
    lines, wanted, words = REFUSALS[name]
    assert pipeline.run(segment(0, 1, 2, 3), **MIRROR)
    assert not pipeline.run(lines, **wanted)
    assert words in pipeline.error
    assert emails(pipeline)[:4] == people(0, 1, 2, 3)
    assert outcome(pipeline)["refused"] in pipeline.error
    assert pipeline.totals["failed"] == 0
    pipeline.assert_balanced()


def test_a_failed_row_keeps_everybody(pipeline):
    """Nobody knows whether the segment arrived."""
    assert pipeline.run(segment(0, 1, 2, 3), **MIRROR)
    pipeline.sandbox.cancel_jobs(1)
    assert not pipeline.run(segment(1, 2), **MIRROR, batch_size_rows=1)
    assert "rows failed" in pipeline.error
    assert emails(pipeline) == people(0, 1, 2, 3)


def test_an_input_that_breaks_off_removes_nobody(pipeline):
    """A crashed tap closes the pipe as a good one does; half a line gives it away, and no STATE does too."""
    assert pipeline.run(segment(0, 1, 2, 3), **AT_END)
    text = "".join(json.dumps(line) + "\n" for line in segment(1, 2))
    for cut in range(40, len(text), 35):
        pipeline.run(text[:cut], **AT_END)
        assert emails(pipeline) == people(0, 1, 2, 3)


def test_the_end_of_the_input_counts_when_the_settings_say_so(pipeline):
    """For taps that send no ACTIVATE_VERSION."""
    for numbers in ((0, 1), (1,)):
        rows = [record(f"p{n}@x.io") for n in numbers]
        assert pipeline.run([schema(), *rows, state(1)], **AT_END)
    assert emails(pipeline) == people(1)


@pytest.mark.parametrize("scope", ["exported", "all"])
def test_a_segment_in_several_exports_is_one_segment(pipeline, scope):
    """`on_export_limit: split`: who came with the first export has not left with the last."""
    wanted = MIRROR | {"mirror_scope": scope, "max_profiles_per_export": 3, "batch_size_rows": 2}
    assert pipeline.run(segment(*range(8)), **wanted)
    assert [export["profiles"] for export in pipeline.report["streams"]["people"]["exports"]] == [3, 3, 2]
    assert pipeline.run(segment(*range(1, 9)), **wanted)
    assert emails(pipeline) == people(*range(1, 9))
    assert outcome(pipeline)["removed"] == 1
    assert not pipeline.run(segment(*range(2, 9)), **wanted, on_export_limit="fail")
    assert emails(pipeline) == people(*range(1, 9))


def test_rejected_people_are_in_the_segment(pipeline):
    """A row that contradicts its schema, or that Klaviyo refuses, is no reason to take its person off."""
    assert pipeline.run(segment(0, 1, 2), **MIRROR)
    lines = segment(1)
    strict = schema(email={"type": "string"}, n={"type": "integer"})
    bad = {**record("p0@x.io", n="no number"), "version": VERSION}
    pipeline.sandbox.refuse_rows(lambda row: ("invalid", "no") if row["email"] == "p2@x.io" else None)
    refused = {**record("p2@x.io", n=2), "version": VERSION}
    assert pipeline.run([strict, *lines[1:3], bad, refused, *lines[3:]], **MIRROR)
    assert pipeline.totals["rejected"] == 2
    assert emails(pipeline) == people(0, 1, 2)


def test_unchanged_people_are_in_the_segment(pipeline):
    """Skipped is not gone."""
    skip = MIRROR | {"unchanged_profiles": "skip"}
    assert pipeline.run(segment(0, 1, 2), **skip)
    assert pipeline.run(segment(0, 1), **skip)
    assert pipeline.totals["unchanged"] == 2
    assert emails(pipeline) == people(0, 1)
    assert pipeline.run(segment(0, 1, 2), **skip)
    assert emails(pipeline) == people(0, 1, 2)


def test_a_person_in_two_segments_of_a_list_stays_while_one_has_them(pipeline):
    """In one run, and in runs of their own."""
    assert pipeline.run([*segment(0, 1), *segment(1, 2, stream="others")], **MIRROR)
    assert pipeline.run([*segment(0), *segment(1, 2, stream="others")], **MIRROR)
    assert emails(pipeline) == people(0, 1, 2)
    assert pipeline.run(segment(0, 1), **MIRROR)
    assert pipeline.run(segment(2, stream="others"), **MIRROR)
    assert emails(pipeline) == people(0, 1, 2)
    assert pipeline.run(segment(0), **MIRROR)
    assert emails(pipeline) == people(0, 2)


def told_of(pipeline, stream):
    """Warnings of the last run that a stream has people on a mirrored list and does not come."""
    found = pipeline.report["streams"].values()
    return [each for counts in found for each in counts["warnings"] if each.startswith(f"stream `{stream}` has ")]


def runs_pass(pipeline, count, stream):
    """So many runs of one stream, as far as the ledger remembers them."""
    with closing(Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)) as ledger:
        for _ in range(count):
            run_id = f"later-{len(ledger.last_runs(1_000))}"
            ledger.begin_run(run_id, connection="klaviyo", version="1")
            ledger.end_run(run_id, "successful", {"streams": {stream: {}}})


def test_a_stream_map_keeps_the_name_of_a_renamed_stream(pipeline):
    """From the first run on: for the list nothing has changed."""
    assert pipeline.run(segment(0, 1, 2), **MIRROR)
    alias = {"stream_maps": {"customers": {"__alias__": "people"}}}
    assert pipeline.run(segment(1, 2, stream="customers"), **MIRROR, **alias), pipeline.error
    assert told_of(pipeline, "people") == []
    assert emails(pipeline) == people(1, 2)


def test_a_renamed_stream_is_told_and_can_be_sent_off(pipeline):
    """Its people stay for it; a last mirror under the old name, of one person, lets go of all but whom others have."""
    assert pipeline.run(segment(0, 1, 2), **MIRROR)
    assert pipeline.run(segment(1, 2, stream="customers"), **MIRROR)
    assert emails(pipeline) == people(0, 1, 2)
    (warning,) = told_of(pipeline, "people")
    assert f"has 3 people on the list {LIST} and is not in this run" in warning
    assert pipeline.run(segment(1), **MIRROR)
    assert emails(pipeline) == people(1, 2)
    assert pipeline.run(segment(1, stream="customers"), **MIRROR)
    assert emails(pipeline) == people(1)


def test_a_stream_that_is_no_more_is_told_in_time(pipeline):
    """One that comes in runs of its own is not; nobody of another list is told of."""
    pipeline.sandbox.add_list("OTHER1", "Other")
    assert pipeline.run([schema("elsewhere"), record("p9@x.io", "elsewhere")], list_id="OTHER1")
    assert pipeline.run([*segment(0, 1), *segment(1, 2, stream="others")], **MIRROR)
    runs_pass(pipeline, RUNS_LOOKED_AT - 2, "people")
    assert pipeline.run(segment(1), **MIRROR)
    assert told_of(pipeline, "others") == []
    assert pipeline.run(segment(1), **MIRROR)
    assert len(told_of(pipeline, "others")) == 1
    assert told_of(pipeline, "elsewhere") == []


def test_a_segment_by_value_is_of_its_stream(pipeline):
    """One that nobody is in today is not told as a stream that is gone."""
    both = {"gold": {"list_id": LIST}, "tin": {"list_id": LIST}}
    tiers = MIRROR | {"segment_field": "tier", "list_id": None, "segments": both}
    lines = [schema(email={}, tier={}), *({**record("p0@x.io", tier=tier), "version": 1} for tier in both)]
    closing = {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}
    assert pipeline.run([*lines, closing], **tiers), pipeline.error
    runs_pass(pipeline, RUNS_LOOKED_AT, "people/gold")
    assert pipeline.run([*lines[:2], closing], **tiers), pipeline.error
    assert told_of(pipeline, "people/tin") == []


def test_a_mirror_and_another_mode_on_one_list(pipeline):
    """Whoever any stream of the run brings is not gone."""
    segments = {"people": {"sync_mode": "mirror"}, "others": {}}
    both = MIRROR | {"sync_mode": "upsert", "segments": segments}
    assert pipeline.run([*segment(0, 1), *segment(stream="others")], **both)
    assert pipeline.run([*segment(0), schema("others"), record("p1@x.io", "others")], **both)
    assert emails(pipeline) == people(0, 1)


def test_one_run_may_remove_more(server, tmp_path):
    """`--allow-removals N` lifts the share once, up to N."""
    for lines, arguments, status in (
        (segment(0, 1, 2, 3), (), 0),
        (segment(3), (), 1),
        (segment(3), ("--allow-removals", "2"), 1),
        (segment(3), ("--allow-removals", "3"), 0),
    ):
        done = command(lines, server.url, tmp_path, *arguments, sync_mode="mirror")
        assert done.returncode == status, done.stderr.decode()
        assert b"Traceback" not in done.stderr
    assert [each["email"] for each in server.sandbox.members(LIST)] == people(3)


def test_ten_calls_take_ten_thousand_off_when_ids_are_known(pipeline):
    """Not a read of the list; ids are looked up once."""
    assert pipeline.run(segment(*range(3_000)), **MIRROR)
    ledger_ids = {email: member["id"] for email, member in pipeline.members().items()}
    ledger = Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print)
    ledger.learn_ids(LIST, ledger_ids)
    ledger.close()
    before = len(pipeline.sandbox.requests)
    assert pipeline.run(segment(*range(500)), **MIRROR)
    requests = pipeline.sandbox.requests[before:]
    assert sum(entry.method == "DELETE" for entry in requests) == 3
    assert not any(
        entry.path == "/api/profiles" or entry.path.endswith("/profiles") for entry in requests if entry.method == "GET"
    )
    assert len(emails(pipeline)) == 500


NUMBERS = st.sets(st.integers(0, 6))
RUNS = st.lists(
    st.tuples(
        st.sampled_from(["mirror", "upsert", "remove"]),
        NUMBERS,
        st.booleans(),  # closed by an ACTIVATE_VERSION
        st.sampled_from([20, 50, 100]),
        st.booleans(),  # a job is cancelled
    ),
    min_size=1,
    max_size=6,
)


@thorough(20)
@given(RUNS, st.sampled_from(["send", "skip"]), st.integers(1, 4))
def test_the_list_is_that_of_a_model(tmp_path_factory, runs, unchanged, rows):
    """Every mode, in any order, with refusals and failures; consent never changes."""
    pipeline = Pipeline(tmp_path_factory.mktemp("work"))
    listed: set[int] = set()
    for mode, numbers, closed, percent, cancelled in runs:
        if cancelled:
            pipeline.sandbox.cancel_jobs(1)
        before = set(emails(pipeline))
        pipeline.run(
            segment(*sorted(numbers), closed=closed),
            sync_mode=mode,
            max_removal_percent=percent,
            unchanged_profiles=unchanged,
            batch_size_rows=rows,
        )
        pipeline.assert_balanced()
        after = set(emails(pipeline))
        gone = {int(email[1:-5]) for email in before - after}
        if mode == "upsert" or (mode == "mirror" and not closed):
            assert not gone
        if mode == "mirror":
            assert not gone & numbers
            assert len(gone) * 100 <= percent * max(len(before), 1)
            if pipeline.error is None:
                assert after == set(people(*numbers))
        if mode == "remove":
            assert gone == numbers & {int(email[1:-5]) for email in before}
        listed = {int(email[1:-5]) for email in after}
        pipeline.sandbox.plan_fates("complete", 0)
    assert listed == {int(email[1:-5]) for email in emails(pipeline)}
    assert all("subscriptions" not in profile for profile in pipeline.sandbox.profiles.values())
