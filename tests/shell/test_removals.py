"""People off the list: by delete markers, and by streams that name who is to leave."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import LIST, LineByLine, Pipeline, record, schema, state, text
from shop import in_meta
from thorough import thorough

from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.sandbox.app import Response

DELETED = {"type": ["string", "null"]}
PEOPLE = schema(keys=("id",), id={"type": "integer"}, email={"type": ["string", "null"]}, _sdc_deleted_at=DELETED)


def person(number, **properties):
    return record(f"p{number}@x.io", id=number, **properties)


def deleted(number, **properties):
    """As a log-based tap writes it: the key alone."""
    gone = {"id": number, "_sdc_deleted_at": "2026-11-24T00:00:00Z", **properties}
    return {"type": "RECORD", "stream": "people", "record": gone}


def emails(pipeline, list_id=LIST):
    return sorted(pipeline.members(list_id))


def test_a_delete_marker_takes_its_person_off_the_list(pipeline):
    """By the key alone: the ledger remembers who it was. The profile and its consent stay."""
    assert pipeline.run([PEOPLE, person(1), person(2)])
    assert pipeline.run([PEOPLE, deleted(1), state(1)])
    assert emails(pipeline) == ["p2@x.io"]
    assert pipeline.totals["removed"] == 1
    assert pipeline.states == [1]
    assert "p1@x.io" in pipeline.sandbox.profiles
    pipeline.assert_balanced()


@pytest.mark.parametrize("blank", ["", "  "])
@pytest.mark.parametrize("settings", [{}, {"segment_field": "list", "segments": {"s": {"list_id": LIST}}}], ids=str)
def test_an_empty_delete_marker_is_none(tmp_path, settings, blank):
    """A tap without nulls writes one for everybody who is there: the row is as any other."""
    pipeline = Pipeline(tmp_path)
    declared = schema(keys=("id",), id={}, email={"type": "string"}, list={}, _sdc_deleted_at={"type": "string"})
    rows = [person(number, list="s", n=number, _sdc_deleted_at=blank) for number in range(3)]
    assert pipeline.run([declared, *rows], reads=LineByLine, **settings), pipeline.error
    assert pipeline.run([declared, *rows, person(4, list="s", _sdc_deleted_at="2026-11-24")], **settings)
    assert emails(pipeline) == ["p0@x.io", "p1@x.io", "p2@x.io"]
    assert pipeline.totals["removed"] == 1
    pipeline.assert_balanced()


def test_keys_are_kept_before_the_stream_declares_delete_markers(pipeline):
    """A tap's first copy does not; and a table read whole for months may be read from its log one day."""
    plain = schema(keys=("id",), id={"type": "integer"}, email={"type": ["string", "null"]})
    assert pipeline.run([plain, person(1), person(2)])
    assert pipeline.run([PEOPLE, deleted(1)])
    assert emails(pipeline) == ["p2@x.io"]


@pytest.mark.parametrize("keys", [(), ("email",), ("list", "email")])
def test_a_key_that_has_the_address_in_it_is_not_kept(pipeline, keys):
    """It would cost every row, and a delete marker with the key has the address."""
    assert pipeline.run([schema(keys=keys, email={}, list={}), record("p1@x.io", list="a")])
    with closing(Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=lambda: 1.0, warn=print)) as ledger:
        assert ledger.emails_of_keys(LIST, "people", ['["p1@x.io"]', '["a","p1@x.io"]']) == {}
    declared = schema(keys=keys, email={}, list={}, _sdc_deleted_at=DELETED)
    assert pipeline.run([declared, record("p1@x.io", list="a", _sdc_deleted_at="now")])
    assert emails(pipeline) == []


@pytest.mark.parametrize("spelling", ["7", "7.0", "7.00"])
def test_a_number_is_one_key_however_it_is_spelled(pipeline, spelling):
    """A decimal key comes as 7.00 with a tap's first copy and as 7 by its log."""
    put = '{"type":"RECORD","stream":"people","record":{"id":7.00,"email":"p7@x.io"}}\n'
    gone = '{"type":"RECORD","stream":"people","record":{"id":%s,"_sdc_deleted_at":"now"}}\n'
    declared = text([schema(keys=("id",), id={"type": "number"}, email={}, _sdc_deleted_at=DELETED)])
    assert pipeline.run(declared + put + text([person(8)]))
    assert pipeline.run(declared + gone % spelling)
    assert emails(pipeline) == ["p8@x.io"]


def test_whoever_got_another_key_leaves_by_that_one(pipeline):
    """A row that was deleted and written anew: nothing about the person changed but the key that a marker will name."""
    unchanged = {"unmapped_fields": "drop", "unchanged_profiles": "skip"}
    assert pipeline.run([PEOPLE, person(1), person(2)], **unchanged)
    assert pipeline.run([PEOPLE, record("p1@x.io", id=5), person(2)], **unchanged)
    assert pipeline.totals["unchanged"] == 1
    assert pipeline.run([PEOPLE, deleted(5)], **unchanged)
    assert emails(pipeline) == ["p2@x.io"]


@pytest.mark.parametrize("named", [{}, {"email": "new@x.io"}])
def test_whoever_changed_the_address_leaves_with_both(pipeline, named):
    """The row is deleted that had put both there, and no other has the old one; by the key, or by all of it."""
    assert pipeline.run([PEOPLE, record("old@x.io", id=1), record("kept@x.io", id=2), person(3)])
    assert pipeline.run([PEOPLE, record("new@x.io", id=1), record("kept@x.io", id=4), record("too@x.io", id=2)])
    assert pipeline.run([PEOPLE, deleted(1, **named), deleted(2, **named and {"email": "too@x.io"})])
    assert emails(pipeline) == ["kept@x.io", "p3@x.io"]
    assert (pipeline.totals["removed"], pipeline.totals["filtered"]) == (2, 0)
    pipeline.assert_balanced()


def test_a_delete_marker_with_an_address_needs_no_memory(pipeline):
    """Also of somebody whom this target did not put there."""
    assert pipeline.run([PEOPLE, person(1), person(2)])
    (pipeline.work_dir / "ledger.sqlite3").unlink()
    assert pipeline.run([PEOPLE, deleted(1, email=" P1@X.io ")])
    assert emails(pipeline) == ["p2@x.io"]
    assert (pipeline.totals["removed"], pipeline.totals["filtered"], pipeline.report["warnings"]) == (1, 0, [])


def test_whoever_comes_back_later_in_the_stream_stays(pipeline):
    """The last word counts, whether it names them by key or by address."""
    assert pipeline.run([PEOPLE, person(1), person(2)])
    assert pipeline.run([PEOPLE, deleted(1), deleted(2, email="p2@x.io"), person(1, n=2), person(2, n=2)])
    assert emails(pipeline) == ["p1@x.io", "p2@x.io"]
    assert (pipeline.totals["delivered"], pipeline.totals["merged"]) == (2, 2)
    pipeline.assert_balanced()


def test_whoever_is_put_there_and_deleted_in_the_same_run_is_gone(pipeline):
    """Delivered first, taken off after."""
    assert pipeline.run([PEOPLE, person(1), person(2), deleted(1)])
    assert emails(pipeline) == ["p2@x.io"]
    assert (pipeline.totals["delivered"], pipeline.totals["removed"]) == (2, 1)


def test_a_key_that_nobody_knows_removes_nobody(pipeline):
    """Deleted before the first export: told, and counted as left out."""
    assert pipeline.run([PEOPLE, person(1), deleted(7)])
    assert emails(pipeline) == ["p1@x.io"]
    assert pipeline.totals["filtered"] == 1
    assert pipeline.report["streams"]["people"]["warnings"] == [
        "stream `people`: 1 delete markers have a key alone that no delivered person has; nobody was removed for them"
    ]


def test_a_delete_marker_of_nobody_is_rejected(pipeline):
    """Neither address nor key."""
    loose = schema(email={}, _sdc_deleted_at=DELETED)
    assert pipeline.run([loose, {"type": "RECORD", "stream": "people", "record": {"_sdc_deleted_at": "now"}}])
    assert [(row["code"], row["reason"]) for row in pipeline.rejects()] == [
        ("delete_marker_of_nobody", "the delete marker has neither an e-mail address nor a key")
    ]


def test_a_person_whom_another_segment_has_stays(pipeline):
    """Two streams to one list: who left one of them is still in the other."""
    others = {**PEOPLE, "stream": "others"}
    assert pipeline.run([PEOPLE, person(1), person(2)])
    assert pipeline.run([others, record("p1@x.io", "others", id=1)])
    assert pipeline.run([PEOPLE, deleted(1), deleted(2)])
    assert emails(pipeline) == ["p1@x.io"]
    assert (pipeline.totals["filtered"], pipeline.totals["removed"]) == (1, 1)
    assert pipeline.report["streams"]["people"]["warnings"] == [
        "stream `people`: 1 people who left it stay, for another stream has them too"
    ]
    pipeline.assert_balanced()


def test_a_stream_can_name_who_is_to_leave(pipeline):
    """`sync_mode: remove`; nobody is created for it."""
    assert pipeline.run([PEOPLE, *map(person, range(4))])
    assert pipeline.run([PEOPLE, person(1), person(3), person(9), record("bad", id=8), state(1)], sync_mode="remove")
    assert emails(pipeline) == ["p0@x.io", "p2@x.io"]
    assert (pipeline.totals["removed"], pipeline.totals["rejected"]) == (3, 1)
    assert "p9@x.io" not in pipeline.sandbox.profiles
    assert pipeline.states == [1]
    pipeline.assert_balanced()


def test_modes_are_of_each_segment(pipeline):
    """One stream adds, another removes, one after the other or at once."""
    segments = {"people": {}, "leavers": {"sync_mode": "remove"}}
    leavers = {**PEOPLE, "stream": "leavers"}
    assert pipeline.run([PEOPLE, person(1), leavers, record("p1@x.io", "leavers", id=1), person(2)], segments=segments)
    assert emails(pipeline) == ["p2@x.io"]


@pytest.mark.parametrize("together", [True, False])
def test_two_streams_may_name_who_is_to_leave_one_list(pipeline, together):
    """Whom both name leaves once and is in nobody's way; who another segment has leaves too, for the row says so."""
    assert pipeline.run(
        [PEOPLE, *map(person, range(4)), {**PEOPLE, "stream": "others"}, record("p2@x.io", "others", id=2)]
    )
    first = [{**PEOPLE, "stream": "left"}, *(record(f"p{n}@x.io", "left", id=n) for n in (1, 2))]
    second = [{**PEOPLE, "stream": "gone"}, *(record(f"p{n}@x.io", "gone", id=n) for n in (2, 3))]
    for lines in [[*first, *second, state(1)]] if together else [[*first, state(1)], [*second, state(1)]]:
        assert pipeline.run(lines, sync_mode="remove")
        assert pipeline.states == [1]
        assert pipeline.totals["removed"] == pipeline.totals["read"]
        pipeline.assert_balanced()
    assert emails(pipeline) == ["p0@x.io"]


def test_many_leave_in_thousands(pipeline):
    """Ids are looked up once, a hundred at a time, and taken off a thousand at a time."""
    everybody = [PEOPLE, *map(person, range(2_500))]
    assert pipeline.run(everybody)
    before = len(pipeline.sandbox.requests)
    assert pipeline.run(everybody, sync_mode="remove")
    requests = pipeline.sandbox.requests[before:]
    assert sum(entry.method == "DELETE" for entry in requests) == 3
    assert sum(entry.path == "/api/profiles" for entry in requests) == 25
    assert emails(pipeline) == []


def test_removed_people_are_not_taken_for_unchanged(pipeline):
    """Who comes back is put back, also when nothing about them changed."""
    for lines, mode in (
        ([PEOPLE, person(1)], "upsert"),
        ([PEOPLE, person(1)], "remove"),
        ([PEOPLE, person(1)], "upsert"),
    ):
        assert pipeline.run(lines, sync_mode=mode, unchanged_profiles="skip")
    assert emails(pipeline) == ["p1@x.io"]
    assert pipeline.totals["delivered"] == 1


def test_when_klaviyo_does_not_remove_the_state_stays_back(pipeline):
    """The rows failed, and the next run says it again."""
    assert pipeline.run([PEOPLE, person(1)])
    pipeline.sandbox.scopes = frozenset({"accounts:read", "lists:read", "profiles:read", "profiles:write"})
    assert not pipeline.run([PEOPLE, deleted(1), state(1)])
    assert pipeline.states == []
    assert pipeline.totals["failed"] == 1
    assert "lists:write" in pipeline.error
    pipeline.assert_balanced()


def test_who_was_sent_again_without_the_key_is_still_known_by_it(pipeline):
    """As `--retry` sends rows, and a tap that names no key properties this time."""
    assert pipeline.run([PEOPLE, person(1), person(2)])
    assert pipeline.run([schema(), person(1, name="Ada")])
    assert pipeline.run([PEOPLE, deleted(1), state(1)]), pipeline.error
    assert emails(pipeline) == ["p2@x.io"]
    pipeline.assert_balanced()


def test_whom_klaviyo_refuses_to_take_off_is_told(pipeline):
    """They are on the list still, so the rows failed and STATE stays back."""
    assert pipeline.run([PEOPLE, person(1), person(2)])

    def refuse(request):
        ids = [each["id"] for each in json.loads(request.body)["data"]] if request.method == "DELETE" else []
        return Response(400, {"Content-Type": "application/json"}, in_meta(ids)) if ids else None

    pipeline.sandbox.interceptors.append(refuse)
    assert not pipeline.run([PEOPLE, deleted(1), state(1)])
    assert pipeline.error == (
        "stream `people`: Klaviyo refuses to take 1 people off the list. They are on it still: run again, "
        "and report it when it stays"
    )
    assert emails(pipeline) == ["p1@x.io", "p2@x.io"]
    assert pipeline.states == []
    pipeline.assert_balanced()


STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete", "delete by address"]), st.integers(0, 4)), max_size=8)


@thorough(16)
@given(st.lists(STEPS, min_size=1, max_size=4), st.integers(1, 3), st.sampled_from(["send", "skip"]))
def test_the_list_is_what_the_last_words_say(tmp_path_factory, runs, rows, unchanged):
    """Whatever is put and deleted, in whatever order, over several runs."""
    pipeline = Pipeline(tmp_path_factory.mktemp("work"))
    there: set[int] = set()
    for steps in runs:
        lines = [PEOPLE]
        for action, number in steps:
            there = there | {number} if action == "put" else there - {number}
            by_address = {"email": f"p{number}@x.io"} if action == "delete by address" else {}
            lines.append(person(number) if action == "put" else deleted(number, **by_address))
        assert pipeline.run([*lines, state(1)], batch_size_rows=rows, unchanged_profiles=unchanged), pipeline.error
        assert emails(pipeline) == [f"p{number}@x.io" for number in sorted(there)]
        assert pipeline.states == [1]
        pipeline.assert_balanced()


SEGMENTS = ["a", "b", "c"]
MOVES = st.tuples(st.sampled_from(SEGMENTS), st.sampled_from(["put", "delete", "delete by address"]), st.integers(0, 3))


@thorough(20)
@given(st.lists(st.lists(MOVES, min_size=1, max_size=4), min_size=1, max_size=6), st.sampled_from(["send", "skip"]))
def test_whoever_several_segments_have_stays_while_one_of_them_has_them(tmp_path_factory, runs, unchanged):
    """Three streams to one list, in runs of their own or together, each with keys of its own for the same people."""
    pipeline = Pipeline(tmp_path_factory.mktemp("work"))
    there = {name: set() for name in SEGMENTS}
    for moves in runs:
        lines = [{**PEOPLE, "stream": name} for name in SEGMENTS]
        for name, action, number in moves:
            there[name] = there[name] | {number} if action == "put" else there[name] - {number}
            key = (number + SEGMENTS.index(name)) % 4
            email = None if action == "delete" else f"p{number}@x.io"
            gone = {} if action == "put" else {"_sdc_deleted_at": "now"}
            lines.append(record(email, name, id=key, **gone))
        assert pipeline.run(lines, unchanged_profiles=unchanged, unmapped_fields="drop"), pipeline.error
        assert emails(pipeline) == [f"p{number}@x.io" for number in sorted(set().union(*there.values()))]
        pipeline.assert_balanced()


def test_a_key_that_another_segment_has_for_somebody_else_takes_nobody_else_off(pipeline):
    """Who was handed over to another segment is known by the key of that one."""
    others = {**PEOPLE, "stream": "others"}
    assert pipeline.run([others, record("ann@x.io", "others", id=7), record("bob@x.io", "others", id=1)])
    assert pipeline.run([PEOPLE, record("ann@x.io", id=1)])
    assert pipeline.run([PEOPLE, deleted(1)])
    assert pipeline.run([others, {**deleted(1), "stream": "others"}])
    assert emails(pipeline) == ["ann@x.io"]
    assert pipeline.run([others, {**deleted(7), "stream": "others"}])
    assert emails(pipeline) == []


def test_whom_a_second_segment_has_unchanged_is_remembered_as_its_own(pipeline):
    """`unchanged_profiles: skip` asks for more than what Klaviyo has: who leaves the first is still in the second."""
    for name in ("people", "others"):
        lines = [{**PEOPLE, "stream": name}, record("p1@x.io", name, id=1)]
        for _ in range(2):
            assert pipeline.run(lines, unchanged_profiles="skip")
        assert pipeline.totals["unchanged"] == 1
    assert pipeline.run([PEOPLE, deleted(1)], unchanged_profiles="skip")
    assert emails(pipeline) == ["p1@x.io"]


@pytest.mark.parametrize("lines", [[PEOPLE], [PEOPLE, person(1)]])
def test_nobody_leaves_unless_somebody_says_so(pipeline, lines):
    """Upsert adds and updates: an empty or a short segment removes nobody."""
    assert pipeline.run([PEOPLE, *map(person, range(5))])
    assert pipeline.run(lines)
    assert len(emails(pipeline)) == 5
