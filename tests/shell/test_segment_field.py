"""One stream, several segments, several lists: each row goes where its value says, each segment is whole by itself."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pipeline import LIST, LineByLine, Pipeline, record, schema, state

from target_klaviyo_segments.retry import Retry

TIERED = schema(email={"type": ["string", "null"]}, tier={})
ROUTED = {"list_id": None, "segment_field": "tier"}
MADE = ROUTED | {"create_list": True, "opt_in_process": "single_opt_in"}
BY_VALUE = ROUTED | {"segments": {"vip": {"list_id": "VIP001"}, "gold": {"list_name": "Gold"}}}


@pytest.fixture
def pipeline(tmp_path):
    return tiered(tmp_path)


def tiered(folder):
    pipeline = Pipeline(folder)
    pipeline.sandbox.add_list("VIP001", "vip")
    pipeline.sandbox.add_list("GOLD01", "Gold")
    return pipeline


def row(number, tier, **properties):
    return record(f"p{number}@x.io", tier=tier, **properties)


def people(*numbers):
    return sorted(f"p{number}@x.io" for number in numbers)


def on(pipeline, list_id):
    return sorted(pipeline.members(list_id))


def named(pipeline, name):
    (list_id,) = (each for each, (found, _) in pipeline.sandbox.lists.items() if found == name)
    return on(pipeline, list_id)


def test_the_value_is_the_name_of_the_list(pipeline):
    """Each segment has its list, export and report of its own, and the sums hold."""
    lines = [TIERED, row(0, "vip"), row(1, "Gold"), row(2, "vip"), row(3, " vip "), row(0, "Gold"), state(1)]
    assert pipeline.run(lines, **ROUTED)
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(0, 2, 3), people(0, 1))
    streams = pipeline.report["streams"]
    assert set(streams) == {"people/vip", "people/Gold"}
    assert streams["people/vip"]["list"] == {"id": "VIP001", "name": "vip"}
    assert [export["delivered"] for export in streams["people/vip"]["exports"]] == [3]
    assert (pipeline.totals["read"], pipeline.totals["delivered"]) == (5, 5)
    assert pipeline.states == [1]
    pipeline.assert_balanced()


def test_segments_may_be_keyed_by_the_value(pipeline):
    """Only those go; the others are left out, counted by reason."""
    lines = [TIERED, row(0, "vip"), row(1, "gold"), row(2, "silver"), row(3, None), row(4, 7), row(5, " "), state(1)]
    assert pipeline.run(lines, **BY_VALUE)
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(0), people(1))
    rest = pipeline.report["streams"]["people"]
    assert (rest["list"], rest["filtered"], rest["rejected"]) == (None, 4, 0)
    assert rest["filter_reasons"] == {"segment_missing": 2, "segment_not_selected": 1, "segment_not_text": 1}
    assert pipeline.states == [1]
    pipeline.assert_balanced()


def test_rows_of_no_segment_are_rejected_with_the_reason(pipeline):
    """No list of that name, no value, no text; the row number is the stream's."""
    lines = [TIERED, row(0, "vip"), row(1, "silver"), row(2, None), row(3, 7), row(4, ["vip"]), record("p5@x.io")]
    assert pipeline.run([*lines, row(6, "vip"), record("bad", tier="vip")], **ROUTED)
    assert on(pipeline, "VIP001") == people(0, 6)
    assert {each["reason"] for each in pipeline.rejects()} == {
        "there is no list that its `tier` names",
        "it has no `tier`",
        "its `tier` is no text",
        "the e-mail address is not valid",
    }
    found = {each["row"]: (each["stream"], each["code"], each["field"]) for each in pipeline.rejects()}
    assert found == {
        2: ("people", "segment_unknown", "tier"),
        3: ("people", "segment_missing", "tier"),
        4: ("people", "segment_not_text", "tier"),
        5: ("people", "segment_not_text", "tier"),
        6: ("people", "segment_missing", "tier"),
        8: ("people", "email_invalid", "email"),
    }
    assert pipeline.report["streams"]["people"]["rejected"] == 5
    assert pipeline.report["streams"]["people/vip"]["rejected"] == 1
    pipeline.assert_balanced()


@pytest.mark.parametrize("value", ["boss@corp.example", "Boss <BOSS@corp.test>"])
@pytest.mark.parametrize("settings", [ROUTED, MADE])
def test_an_address_names_no_segment(pipeline, caplog, value, settings):
    """A second column of addresses, by mistake: names of segments are told in log, report and page, and it in none."""
    caplog.set_level("INFO")
    pipeline.sandbox.add_list("BOSS01", value)
    assert pipeline.run([TIERED, row(0, "vip"), row(1, value), row(2, "R&D@Vienna")], **settings)
    first, *_ = pipeline.rejects()
    assert (first["row"], first["code"], first["reason"]) == (
        2,
        "segment_is_address",
        "its `tier` is an e-mail address",
    )
    assert (on(pipeline, "BOSS01"), on(pipeline, "VIP001")) == ([], people(0))
    told = [(pipeline.work_dir / name).read_text() for name in ("report.json", "report.html")]
    assert "corp." not in "".join([*told, *caplog.messages])
    pipeline.assert_balanced()


def test_an_address_may_be_a_value_that_the_settings_name(pipeline):
    """Whoever writes it there means it."""
    assert pipeline.run([TIERED, row(0, "a@b.com")], **ROUTED | {"segments": {"a@b.com": {"list_id": "VIP001"}}})
    assert on(pipeline, "VIP001") == people(0)


def test_two_lists_of_the_name_are_none(pipeline):
    """Nobody can know which is meant."""
    pipeline.sandbox.add_list("VIP002", "vip")
    assert pipeline.run([TIERED, row(0, "vip"), row(1, "Gold")], **ROUTED)
    assert [each["reason"] for each in pipeline.rejects()] == ["several lists have the name that its `tier` names"]
    assert on(pipeline, "VIP001") == on(pipeline, "VIP002") == []


def test_lists_are_made_for_values_that_have_none(pipeline):
    """Once each, and only for values that somebody good has."""
    lines = [TIERED, row(0, "vip"), row(1, "new"), row(2, "new"), record("bad", tier="never")]
    for _ in range(2):
        assert pipeline.run(lines, **MADE)
    assert named(pipeline, "new") == people(1, 2)
    assert sorted(name for name, _ in pipeline.sandbox.lists.values()) == ["Gold", "People", "new", "vip"]
    pipeline.assert_balanced()


def test_a_wrong_column_does_not_fill_the_account_with_lists(pipeline):
    """`max_new_lists` stops the run; the message says what to look at."""
    rows = [row(number, f"value {number}") for number in range(30)]
    assert not pipeline.run([TIERED, *rows], **MADE, max_new_lists=5)
    assert "more than 5 lists that are not there (`max_new_lists`)" in pipeline.error
    assert len(pipeline.sandbox.lists) <= 3 + 5
    pipeline.assert_balanced()


@pytest.mark.parametrize("reads", [io.StringIO, LineByLine])
def test_rows_before_a_list_too_many_are_counted_and_kept(pipeline, reads):
    """They were read; so was the row that is one too many, and those that came with it."""
    rows = [row(number, "vip") for number in range(20)] + [row(number, f"value {number}") for number in range(20, 30)]
    assert not pipeline.run([TIERED, *rows], reads=reads, **MADE, max_new_lists=5)
    streams, read = pipeline.report["streams"], pipeline.totals["read"]
    assert streams["people/vip"]["read"] == 20
    assert read == pipeline.totals["delivered"] + pipeline.totals["failed"] >= 26
    failed = [json.loads(line) for line in Path(pipeline.report["failed_file"]).read_text().splitlines()]
    kept = {each["record"]["email"] for each in failed}
    assert len(kept) == len(failed) == pipeline.totals["failed"]
    assert {f"p{number}@x.io" for number in range(26)} <= kept.union(*map(pipeline.members, pipeline.sandbox.lists))
    pipeline.assert_balanced()


def test_a_stream_may_have_segments_of_its_own(pipeline):
    """Beside streams that are one segment each; a general list takes the values that have none."""
    own = {"segment_field": "tier", "segments": {"vip": {"list_id": "VIP001"}, "rest": {"list_id": LIST}}}
    lines = [TIERED, schema("others"), row(0, "vip"), row(1, "rest"), record("o@x.io", "others")]
    assert pipeline.run(lines, segments={"people": own, "others": {"list_id": "GOLD01"}}, list_id=None)
    assert (on(pipeline, "VIP001"), on(pipeline, LIST)) == (people(0), people(1))
    assert on(pipeline, "GOLD01") == ["o@x.io"]
    lines = [TIERED, row(2, "vip"), row(3, "rest")]
    assert pipeline.run(lines, segment_field="tier", segments={"vip": {"list_id": "VIP001"}, "rest": {}})
    assert (on(pipeline, "VIP001"), on(pipeline, LIST)) == (people(0, 2), people(1, 3))


def test_a_stream_without_the_property_is_told_before_anything_is_sent(pipeline):
    """With the properties that there are."""
    assert not pipeline.run([schema(email={}, teir={}), record("a@x.io", teir="vip")], **ROUTED)
    assert "stream `people`: `segment_field` is `tier`, which is none of its properties; did you mean" in pipeline.error
    assert "; they are: " in pipeline.error
    assert pipeline.sandbox.counts["members"] == 0


def test_a_value_inside_an_object_and_records_that_a_stream_map_makes(pipeline):
    """A dotted path; and the slow way of a record ends like the fast one."""
    lines = [schema(email={}, plan={"type": "object", "properties": {"tier": {}}})]
    assert pipeline.run([*lines, record("p0@x.io", plan={"tier": "vip"})], **ROUTED | {"segment_field": "plan.tier"})
    maps = {"people": {"tier": "'vip' if level > 1 else None", "__filter__": "level > 0"}}
    rows = [record(f"p{level}@x.io", level=level) for level in range(4)]
    assert pipeline.run([schema(email={}, level={"type": "integer"}), *rows], **ROUTED, stream_maps=maps)
    assert on(pipeline, "VIP001") == people(0, 2, 3)
    assert pipeline.report["streams"]["people"]["filtered"] == 1
    assert [(each["row"], each["code"]) for each in pipeline.rejects()] == [(2, "segment_missing")]
    pipeline.assert_balanced()


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400"])
def test_a_number_that_no_json_has_is_left_out_and_counted(pipeline, value):
    """As of a stream that is one segment."""
    bodies = []
    pipeline.sandbox.interceptors.append(lambda request: bodies.append(request.body))
    line = json.dumps(row(1, "Gold", score="HERE")).replace('"HERE"', value)
    assert pipeline.run([schema(email={}, tier={}, score={}), line], **ROUTED), pipeline.error
    assert on(pipeline, "GOLD01") == people(1)
    assert pipeline.report["streams"]["people/Gold"]["dropped_fields"] == {"properties.score": 1}
    assert not [body for body in bodies if body and b"null" in body]
    pipeline.assert_balanced()


def test_segments_that_never_came_are_told_in_one_sentence(pipeline):
    """A typing error in a value would export nothing."""
    assert pipeline.run([TIERED, row(0, "vip")], **BY_VALUE)
    (warning,) = pipeline.report["warnings"]
    assert "`segments` names 1 segments that no row of `people` is of by its `tier`: `gold`" in warning


def test_unchanged_people_are_skipped_segment_by_segment(pipeline):
    """Who is unchanged on one list may be new on another."""
    settings = ROUTED | {"unchanged_profiles": "skip"}
    assert pipeline.run([TIERED, row(0, "vip"), row(1, "vip")], **settings)
    assert pipeline.run([TIERED, row(0, "vip"), row(1, "Gold")], **settings)
    streams = pipeline.report["streams"]
    assert (streams["people/vip"]["unchanged"], streams["people/Gold"]["delivered"]) == (1, 1)


def test_too_many_rejected_is_a_share_of_the_whole_stream(pipeline):
    """A few rows of no segment are no reason to stop, many are."""
    astray = [row(number, None) for number in range(25)]
    rows = [row(number, "vip") for number in range(60)]
    assert pipeline.run([TIERED, *rows, *astray, state(1)], **ROUTED)
    assert pipeline.states == [1]
    assert not pipeline.run([TIERED, *rows, *astray, state(1)], **ROUTED, max_rejected_percent=20)
    assert "stream `people`: 25 of 85 rows were rejected" in pipeline.error
    assert pipeline.states == []


def closed(lines, version=1, stream="people"):
    """Lines of a full-table stream, closed by ACTIVATE_VERSION."""
    rows = [{**line, "version": version} if line["type"] == "RECORD" else line for line in lines]
    return [*rows, {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}]


MIRROR = {"sync_mode": "mirror", "max_removal_percent": 100}


def test_one_version_closes_all_segments_of_a_mirrored_stream(pipeline):
    """Who moves from one to the other leaves the first; who leaves both leaves both."""
    first = [TIERED, row(0, "vip"), row(1, "vip"), row(2, "Gold"), row(3, "Gold"), row(0, "Gold")]
    assert pipeline.run(closed(first), **ROUTED, **MIRROR)
    second = [TIERED, row(1, "vip"), row(0, "Gold"), row(1, "Gold"), row(2, "vip")]
    assert pipeline.run(closed(second), **ROUTED, **MIRROR), pipeline.error
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(1, 2), people(0, 1))
    assert pipeline.report["streams"]["people/vip"]["mirror"]["removed"] == 1
    assert not pipeline.run([TIERED, row(1, "vip"), row(1, "Gold")], **ROUTED, **MIRROR)
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(1, 2), people(0, 1))


@pytest.mark.parametrize("wanted", [ROUTED, BY_VALUE], ids=["by_name", "by_value"])
def test_each_list_of_a_mirrored_stream_becomes_its_segment_whoever_was_on_it(pipeline, wanted):
    """`mirror_scope: all`: each list is read and cleared by itself; a list of no segment is left alone."""
    gold = "Gold" if wanted is ROUTED else "gold"
    for list_id in ("VIP001", "GOLD01", LIST):
        by_hand = [schema(), record("by.hand@x.io"), record("p0@x.io")]
        assert pipeline.run(by_hand, list_id=list_id, work_dir=str(pipeline.work_dir) + list_id)
    pipeline.clock.sleep(60)
    rows = [TIERED, row(0, "vip"), row(1, "vip"), row(1, gold), row(2, gold)]
    assert pipeline.run(closed(rows), **wanted, **MIRROR, mirror_scope="all"), pipeline.error
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(0, 1), people(1, 2))
    assert on(pipeline, LIST) == ["by.hand@x.io", *people(0)]
    streams = pipeline.report["streams"]
    assert [streams[f"people/{name}"]["mirror"]["removed"] for name in ("vip", gold)] == [1, 2]
    assert not pipeline.run(closed(rows[:3]), **wanted, **MIRROR, mirror_scope="all")
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(0, 1), people(1, 2))


@pytest.mark.parametrize("wanted", [ROUTED, BY_VALUE], ids=["by_name", "by_value"])
def test_a_mirrored_segment_whose_value_no_longer_comes_keeps_everybody(pipeline, wanted):
    """It may be a broken query: refused, with the numbers and the way out; the others are mirrored."""
    gold = "Gold" if wanted is ROUTED else "gold"
    assert pipeline.run(closed([TIERED, row(0, "vip"), row(1, "vip"), row(2, gold)]), **wanted, **MIRROR)
    assert not pipeline.run(closed([TIERED, row(0, "vip")]), **wanted, **MIRROR)
    why = {
        "Gold": (
            " GOLD01, because the segment is empty: no row's `tier` names it. Members before: 1. "
            "If it has ended, delete the list in Klaviyo, or name in `segments` those that go on"
        ),
        "gold": ", because the segment is empty: no row was delivered or unchanged. To empty a list, do so in Klaviyo",
    }
    assert f"stream `people/{gold}`: nobody was taken off the list{why[gold]}" in pipeline.error
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(0), people(2))


def test_a_mirror_refuses_when_too_many_rows_are_of_no_segment(pipeline):
    """They may be members whose value was lost on the way."""
    rows = [row(number, "vip") for number in range(40)]
    assert pipeline.run(closed([TIERED, *rows]), **ROUTED, **MIRROR)
    lost = [row(number, None) for number in range(30)]
    assert not pipeline.run(closed([TIERED, *lost, *rows[30:]]), **ROUTED, **MIRROR)
    assert len(on(pipeline, "VIP001")) == 40
    assert (
        "stream `people/vip`: nobody was taken off the list, because the segment may not be complete: "
        "30 of 40 rows of `people` were rejected"
    ) in pipeline.error


def test_the_mode_may_be_the_segments_own(pipeline):
    """One segment names who leaves, the other who comes."""
    assert pipeline.run([TIERED, row(0, "vip"), row(1, "vip")], **ROUTED)
    segments = {"gone": {"list_id": "VIP001", "sync_mode": "remove"}, "gold": {"list_id": "GOLD01"}}
    assert pipeline.run([TIERED, row(0, "gone"), row(2, "gold")], **ROUTED, segments=segments)
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(1), people(2))
    pipeline.assert_balanced()


DELETED = {"type": ["string", "null"]}
KEYED = schema(keys=("id",), id={}, email={"type": ["string", "null"]}, tier={}, _sdc_deleted_at=DELETED)


def keyed(number, tier, **properties):
    return row(number, tier, id=number, **properties)


def gone(number, **properties):
    return {"type": "RECORD", "stream": "people", "record": {"id": number, "_sdc_deleted_at": "now", **properties}}


def test_a_delete_marker_with_the_key_alone_finds_the_segments(pipeline):
    """The ledger knows which lists; the row counts once, in the segment that it left."""
    assert pipeline.run([KEYED, keyed(1, "vip"), keyed(2, "vip"), keyed(2, "Gold"), keyed(3, "Gold")], **ROUTED)
    assert pipeline.run([KEYED, gone(1), gone(2), gone(9), state(1)], **ROUTED)
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == ([], people(3))
    assert (pipeline.totals["removed"], pipeline.totals["filtered"], pipeline.totals["read"]) == (2, 1, 3)
    assert pipeline.report["streams"]["people"]["warnings"]
    assert pipeline.states == [1]
    pipeline.assert_balanced()


@pytest.mark.parametrize("marker", [{}, {"email": "p1@x.io"}])
def test_a_delete_marker_finds_all_segments_that_share_a_list(pipeline, marker):
    """Also those that had the person before the last one did."""
    one_list = ROUTED | {"segments": {value: {"list_id": "VIP001"} for value in ("vip", "new", "old")}}
    for value in ("vip", "new", "old"):
        assert pipeline.run([KEYED, keyed(1, value), keyed(2, value)], **one_list)
    assert pipeline.run([KEYED, gone(2, tier="new")], **one_list)
    assert on(pipeline, "VIP001") == people(1, 2)
    assert pipeline.run([KEYED, gone(1, **marker)], **one_list)
    assert on(pipeline, "VIP001") == people(2)
    pipeline.assert_balanced()


def test_a_delete_marker_with_a_value_leaves_that_segment_alone(pipeline):
    """By key or by address; one with an address and no value leaves them all."""
    everybody = [keyed(number, tier) for number in range(4) for tier in ("vip", "Gold")]
    assert pipeline.run([KEYED, *everybody], **ROUTED)
    marks = [gone(0, tier="vip"), gone(1, tier="Gold", email="p1@x.io"), gone(2, email="P2@x.io ")]
    assert pipeline.run([KEYED, *marks], **ROUTED)
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(1, 3), people(0, 3))
    assert pipeline.totals["removed"] == 3
    pipeline.assert_balanced()


def test_a_delete_marker_of_whom_no_segment_has_is_told(pipeline):
    """Nobody is removed for it: the ledger knows of nobody who could be."""
    assert pipeline.run([KEYED, keyed(1, "vip")], **ROUTED)
    assert pipeline.run([KEYED, gone(9)], **ROUTED)
    assert on(pipeline, "VIP001") == people(1)
    (warning,) = pipeline.report["streams"]["people"]["warnings"]
    assert warning == (
        "stream `people`: 1 rows take off people who are in no segment of it, by the ledger; nobody was removed for "
        "them"
    )
    pipeline.assert_balanced()


def test_who_comes_back_in_one_segment_leaves_the_others(pipeline):
    """A row that moves comes from some taps as a delete and an insert."""
    assert pipeline.run([KEYED, keyed(1, "vip"), keyed(2, "vip")], **ROUTED)
    assert pipeline.run([KEYED, gone(1), keyed(1, "Gold"), gone(2), keyed(2, "vip", n=2)], **ROUTED)
    assert (on(pipeline, "VIP001"), on(pipeline, "GOLD01")) == (people(2), people(1))
    assert (pipeline.totals["removed"], pipeline.totals["merged"]) == (1, 1)
    pipeline.assert_balanced()


def test_kept_rows_find_their_segments_again(pipeline):
    """A retry routes them as the first run did, once their cause is mended; those that were of none too."""
    assert pipeline.run([TIERED, row(0, "silver"), record("bad", tier="vip"), record("p2@x.io")], **ROUTED)
    pipeline.sandbox.add_list("SILVER", "silver")
    run_id = pipeline.report["run_id"]
    path = pipeline.work_dir / "rejects" / f"{run_id}.jsonl"
    path.write_text(path.read_text().replace("bad", "p1@x.io"))
    lines = Retry(pipeline.work_dir, run_id, lambda _: ["email", "tier"]).read().decode()
    assert pipeline.run(lines, **ROUTED)
    assert (on(pipeline, "SILVER"), on(pipeline, "VIP001")) == (people(0), people(1))
    assert pipeline.totals["rejected"] == 1


def test_kept_rows_find_their_segments_again_inside_an_object(pipeline):
    """None is left out as one of a segment that the settings do not name."""
    settings = {"segment_field": "club.tier", "segments": {"vip": {}, "gold": {"list_id": "GOLD01"}}}
    lines = [schema(email={}, club={"type": "object"}), record("bad", club={"tier": "gold"})]
    assert pipeline.run(lines, **settings)
    run_id = pipeline.report["run_id"]
    path = pipeline.work_dir / "rejects" / f"{run_id}.jsonl"
    path.write_text(path.read_text().replace("bad", "p1@x.io"))
    again = Retry(pipeline.work_dir, run_id, lambda _: ["email", "club.tier"]).read().decode()
    assert pipeline.run(again, **settings), pipeline.error
    assert on(pipeline, "GOLD01") == people(1)


def test_two_streams_whose_segments_have_one_name_are_refused(pipeline):
    """The report and the ledger could not tell them apart."""
    lines = [schema("people/vip", email={}, tier={}), record("a@x.io", "people/vip", tier="vip")]
    segments = {"people/vip": {"list_id": LIST}, "people": {"segment_field": "tier", "segments": {"vip": {}}}}
    assert not pipeline.run([*lines, TIERED, row(0, "vip")], segments=segments)
    assert "a segment of the name `people/vip`" in pipeline.error


def test_a_crashed_run_is_reported_segment_by_segment(pipeline):
    """The next run asks Klaviyo what became of the rows, and each segment gets its own."""
    pipeline.sandbox.job_status_override("processing", 2)
    assert not pipeline.run([TIERED, row(0, "vip"), row(1, "Gold")], **ROUTED, job_timeout_seconds=5)
    assert {name: each["failed"] for name, each in pipeline.report["streams"].items()} == {
        "people/vip": 1,
        "people/Gold": 1,
    }
    pipeline.assert_balanced()


def test_many_segments_are_bounded_and_exact(pipeline):
    """Interleaved row by row; half-filled batches of all together are bounded."""
    for number in range(100):
        pipeline.sandbox.add_list(f"L{number:05}", f"s{number}")
    rows = [row(number, f"s{number % 100}", note="x" * 900) for number in range(400)]
    assert pipeline.run([TIERED, *rows, state(1)], **ROUTED, batch_size_bytes=200_000), pipeline.error
    assert on(pipeline, "L00007") == people(7, 107, 207, 307)
    assert pipeline.totals["delivered"] == 400
    assert len(pipeline.report["streams"]) == 100
    pipeline.assert_balanced()


tiers = st.sampled_from(["vip", "Gold", "silver", None, 7])


@settings(max_examples=8)
@given(runs=st.lists(st.lists(st.tuples(st.integers(0, 6), tiers), min_size=1, max_size=12), min_size=1, max_size=3))
def test_whatever_the_rows_each_list_is_the_people_of_its_value(tmp_path_factory, runs):
    """Over several runs: a model of two lists, every row with one fate, the sums right."""
    pipeline = tiered(tmp_path_factory.mktemp("tiers"))
    model = {"vip": set(), "Gold": set()}
    for rows in runs:
        assert pipeline.run([TIERED, *(row(*each) for each in rows), state(len(rows))], **ROUTED, batch_size_rows=3)
        for number, tier in rows:
            if tier in model:
                model[tier].add(number)
        assert on(pipeline, "VIP001") == people(*model["vip"])
        assert on(pipeline, "GOLD01") == people(*model["Gold"])
        astray = sum(tier not in model for _, tier in rows)
        assert (pipeline.totals["read"], pipeline.totals["rejected"]) == (len(rows), astray)
        assert sorted(each["row"] for each in pipeline.rejects()) == [
            place for place, (_, tier) in enumerate(rows, start=1) if tier not in model
        ]
        pipeline.assert_balanced()
        assert json.loads(pipeline.stdout) == len(rows)


KEYED = schema(keys=("id",), id={}, email={"type": ["string", "null"]}, tier={}, _sdc_deleted_at={})
changes = st.lists(
    st.one_of(
        st.builds(lambda n, tier: {"id": n, "email": f"p{n}@x.io", "tier": tier}, st.integers(0, 3), tiers),
        st.builds(lambda n: {"id": n, "_sdc_deleted_at": "2026-01-01"}, st.integers(0, 4)),
        st.builds(
            lambda n, tier: {"id": n, "email": f"p{n}@x.io", "tier": tier, "_sdc_deleted_at": "2026-01-01"},
            st.integers(0, 3),
            tiers,
        ),
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(before=changes, after=changes)
@example(
    before=[{"id": 1, "email": "p1@x.io", "tier": "vip"}, {"id": 2, "email": "p2@x.io", "tier": "vip"}],
    after=[
        {"id": 1, "email": "p1@x.io", "tier": "vip"},
        {"id": 2, "_sdc_deleted_at": "2026-01-01"},
        {"id": 2, "email": "p2@x.io", "tier": "vip"},
    ],
)
@example(
    before=[{"id": 2, "email": "p2@x.io", "tier": "vip"}],
    after=[
        {"id": 4, "_sdc_deleted_at": "2026-01-01"},
        {"id": 2, "email": "p2@x.io", "tier": "vip"},
        {"id": 2, "_sdc_deleted_at": "2026-01-01"},
    ],
)
def test_rows_of_a_block_count_in_their_order(tmp_path_factory, before, after):
    """The same as from a tap that writes a line at a time: the last word about a person counts."""
    lists = []
    for reads in (LineByLine, io.StringIO):
        pipeline = tiered(tmp_path_factory.mktemp("order"))
        for number, rows in enumerate((before, after)):
            lines = [KEYED, *({"type": "RECORD", "stream": "people", "record": each} for each in rows), state(number)]
            assert pipeline.run(lines, **ROUTED, reads=reads), pipeline.error
            pipeline.assert_balanced()
        lists.append([on(pipeline, "VIP001"), on(pipeline, "GOLD01")])
    assert lists[0] == lists[1]


def mirrored(*bad):
    """Ten people, of whom some have a row that no stream map can read."""
    opening = {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}
    rows = [row(number, "vip", n="odd" if number in bad else "5") for number in range(10)]
    told = schema(email={"type": ["string", "null"]}, n={"type": "string"}, tier={"type": "string"})
    return [told, opening, *({**each, "version": 1} for each in rows), opening, state(1)]


def test_who_has_a_row_that_cannot_be_mapped_stays(pipeline):
    """As in a stream without segments: the row as it came tells which segment it is of."""
    mirror = ROUTED | {"sync_mode": "mirror", "stream_maps": {"people": {"score": "int(n)"}}}
    assert pipeline.run(mirrored(), **mirror), pipeline.error
    assert pipeline.run(mirrored(3), **mirror), pipeline.error
    assert on(pipeline, "VIP001") == people(*range(10))
    assert pipeline.totals["reject_reasons"] == {"not_mapped": 1}
    assert pipeline.report["streams"]["people/vip"]["rejected"] == 1
    pipeline.assert_balanced()


def test_nobody_leaves_while_a_row_may_be_of_any_segment(pipeline):
    """Where the map that fails is what gives the row its segment."""
    maps = {"people": {"level": "['vip'][int(n) - 5]"}}
    mirror = ROUTED | {"segment_field": "level", "sync_mode": "mirror", "stream_maps": maps}
    assert pipeline.run(mirrored(), **mirror), pipeline.error
    assert not pipeline.run(mirrored(3), **mirror)
    assert "row 4 of `people` has no segment: " in pipeline.error
    assert on(pipeline, "VIP001") == people(*range(10))
    pipeline.assert_balanced()


def test_of_several_segments_the_last_row_of_a_person_is_what_klaviyo_has(tmp_path_factory):
    """Whichever segment the settings name first, and wherever the input is cut."""
    orders = ["sg", "gs", "sgs", "gsg", "ssgg", "gsgs"]
    for reads in (io.StringIO, LineByLine):
        pipeline = Pipeline(tmp_path_factory.mktemp("work"))
        segments = {value: {"list_id": value.upper() * 6} for value in "gs"}
        for value in segments:
            pipeline.sandbox.add_list(value.upper() * 6, value)
        lines = [schema(email={}, tier={}, n={"type": "integer"})]
        for person, order in enumerate(orders):
            lines += [record(f"p{person}@x.io", tier=tier, n=n) for n, tier in enumerate(order)]
        assert pipeline.run(lines, reads=reads, list_id=None, segment_field="tier", segments=segments), pipeline.error
        assert pipeline.totals["delivered"] + pipeline.totals["merged"] == sum(map(len, orders))
        found = [pipeline.sandbox.profiles[f"p{person}@x.io"]["properties"] for person in range(len(orders))]
        assert found == [{"tier": order[-1], "n": len(order) - 1} for order in orders]
