"""People off the list: by delete markers, and by streams that name who is to leave."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import LIST, Pipeline, record, schema, state

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


def test_a_delete_marker_with_an_address_needs_no_memory(pipeline):
    """Also of somebody whom this target did not put there."""
    assert pipeline.run([PEOPLE, person(1), person(2)])
    (pipeline.work_dir / "ledger.sqlite3").unlink()
    assert pipeline.run([PEOPLE, deleted(1, email=" P1@X.io ")])
    assert emails(pipeline) == ["p2@x.io"]


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
    assert any("a key alone" in warning for warning in pipeline.report["streams"]["people"]["warnings"])


def test_a_delete_marker_of_nobody_is_rejected(pipeline):
    """Neither address nor key."""
    loose = schema(email={}, _sdc_deleted_at=DELETED)
    assert pipeline.run([loose, {"type": "RECORD", "stream": "people", "record": {"_sdc_deleted_at": "now"}}])
    assert [row["code"] for row in pipeline.rejects()] == ["delete_marker_of_nobody"]


def test_a_person_whom_another_segment_has_stays(pipeline):
    """Two streams to one list: who left one of them is still in the other."""
    others = {**PEOPLE, "stream": "others"}
    assert pipeline.run([PEOPLE, person(1), person(2)])
    assert pipeline.run([others, record("p1@x.io", "others", id=1)])
    assert pipeline.run([PEOPLE, deleted(1), deleted(2)])
    assert emails(pipeline) == ["p1@x.io"]
    assert (pipeline.totals["filtered"], pipeline.totals["removed"]) == (1, 1)
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


STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete", "delete by address"]), st.integers(0, 4)), max_size=8)


@settings(max_examples=40, deadline=None)
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


@pytest.mark.parametrize("lines", [[PEOPLE], [PEOPLE, person(1)]])
def test_nobody_leaves_unless_somebody_says_so(pipeline, lines):
    """Upsert adds and updates: an empty or a short segment removes nobody."""
    assert pipeline.run([PEOPLE, *map(person, range(5))])
    assert pipeline.run(lines)
    assert len(emails(pipeline)) == 5
