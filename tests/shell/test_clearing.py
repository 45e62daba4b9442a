"""`null_fields: clear`: what a row has null leaves Klaviyo, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import LIST, Pipeline, record, schema, state

from target_klaviyo_segments.sandbox.exchange import Response

ANY = {"type": ["string", "null"]}
FIELDS = ("first_name", "phone_number", "external_id", "tier")
PEOPLE = schema(email=ANY, location={}, **dict.fromkeys(FIELDS, ANY))
CLEAR = {"null_fields": "clear"}
FULL = {"first_name": "Ada", "phone_number": "+12025550143", "external_id": "7", "tier": "gold"}
NOTHING = dict.fromkeys(FULL)


def profile(pipeline, email="a@x.io"):
    found = dict(pipeline.sandbox.profiles[email])
    return {name: found[name] for name in (*FIELDS[:3], "location", "properties") if name in found}


def clears(pipeline):
    return sum(entry.path == "/api/profile-import" for entry in pipeline.sandbox.requests)


def test_a_null_takes_away_what_the_target_gave(pipeline, caplog):
    """Custom properties and standard fields; the address stays, and so does what others gave."""
    caplog.set_level("INFO")
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL, title="Dr", note="x")], **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING), state(1)], **CLEAR)
    assert profile(pipeline) == {"properties": {"note": "x"}}
    assert pipeline.sandbox.profiles["a@x.io"]["title"] == "Dr"
    assert pipeline.report["streams"]["people"]["cleared_fields"] == dict.fromkeys(FIELDS[:3], 1)
    assert pipeline.totals["delivered"] == 1
    assert pipeline.states == [1]
    assert any(line.startswith("rejected because: none was; cleared in Klaviyo: ") for line in caplog.messages)
    assert set(pipeline.members()) == {"a@x.io"}


def test_by_default_a_null_takes_nothing_away(pipeline):
    """Nor is anything noted for it: the tables of it stay empty."""
    for values in (FULL, NOTHING):
        assert pipeline.run([PEOPLE, record("a@x.io", **values)])
    assert profile(pipeline)["first_name"] == "Ada"
    assert profile(pipeline)["properties"] == {"tier": "gold"}
    assert clears(pipeline) == 0
    assert pipeline.report["streams"]["people"]["cleared_fields"] == {}


def test_a_property_that_is_not_there_says_nothing(pipeline):
    """Taps that send what changed leave out the rest."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    before = profile(pipeline)
    assert pipeline.run([PEOPLE, record("a@x.io")], **CLEAR)
    assert profile(pipeline) == before


def test_empty_text_clears_a_field_and_is_a_value_of_a_custom_property(pipeline):
    """A CSV file has no nulls."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io", **dict.fromkeys(FULL, ""))], **CLEAR)
    assert profile(pipeline) == {"properties": {"tier": ""}}


def test_what_somebody_else_gave_is_not_cleared(pipeline, tmp_path):
    """The ledger does not know of it, as on the first run; custom properties are unset all the same."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], work_dir=str(tmp_path / "other"))
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], **CLEAR)
    assert profile(pipeline) == {name: FULL[name] for name in FIELDS[:3]} | {"properties": {}}
    assert clears(pipeline) == 0


def test_a_bad_value_is_no_null(pipeline):
    """The number that Klaviyo has is better than none."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io", **{**FULL, "phone_number": "12"})], **CLEAR)
    assert profile(pipeline)["phone_number"] == FULL["phone_number"]


@pytest.mark.parametrize("replaces", [False, True], ids=["merged", "replaced"])
def test_a_part_of_the_address_goes_and_the_others_stay(pipeline, replaces):
    """Whether Klaviyo takes a location that is sent in part for the whole is not documented: either way."""
    pipeline.sandbox.partial_location_replaces = replaces
    given = {"city": "Graz", "zip": "8010", "latitude": 47.07}
    assert pipeline.run([PEOPLE, record("a@x.io", location=given)], **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io", location={**given, "zip": None})], **CLEAR)
    assert profile(pipeline)["location"] == {"city": "Graz", "latitude": 47.07}
    assert pipeline.report["streams"]["people"]["cleared_fields"] == {"location.zip": 1}
    assert pipeline.run([PEOPLE, record("a@x.io", location=None)], **CLEAR)
    assert "location" not in profile(pipeline)


def test_a_field_that_a_setting_names_is_cleared_by_its_source(pipeline):
    """By a property of another name, and by a path into objects, also when the whole object is null."""
    mapped = {"field_map": {"first_name": "given", "last_name": "name.last", "properties.level": "name.level"}, **CLEAR}
    lines = schema(email=ANY, given=ANY, name={})
    assert pipeline.run([lines, record("a@x.io", given="Ada", name={"last": "L", "level": 1})], **mapped)
    assert pipeline.run([lines, record("a@x.io", given=None, name=None)], **mapped)
    left = pipeline.sandbox.profiles["a@x.io"]
    assert (left.get("first_name"), left.get("last_name"), left["properties"]) == (None, None, {})


def test_a_later_value_takes_back_the_null(pipeline):
    """In the same run, and in one batch or two."""
    rows = [record("a@x.io", **NOTHING), record("b@x.io"), record("a@x.io", **{**NOTHING, "first_name": "Bea"})]
    for size in (1, 10):
        assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
        assert pipeline.run([PEOPLE, *rows], batch_size_rows=size, **CLEAR)
        assert profile(pipeline) == {"first_name": "Bea", "properties": {}}


def test_what_another_segment_gives_stays(pipeline):
    """As with lists: whoever has it keeps it."""
    segments = {"people": {}, "others": {}}
    others = {**PEOPLE, "stream": "others"}
    assert pipeline.run(
        [PEOPLE, record("a@x.io", **FULL), others, record("a@x.io", "others", first_name="Ada")],
        segments=segments,
        **CLEAR,
    )
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], segments=segments, **CLEAR)
    assert profile(pipeline)["first_name"] == "Ada"
    assert "phone_number" not in profile(pipeline)
    assert pipeline.run([others, record("a@x.io", "others", first_name=None)], segments=segments, **CLEAR)
    assert "first_name" not in profile(pipeline)


def test_segments_of_one_stream_clear_each_for_itself(pipeline):
    """A person who is in two of them keeps a field until both have it null."""
    pipeline.sandbox.add_list("OTHER1", "Others")
    routed = {"segment_field": "tier", "segments": {"a": {}, "b": {"list_id": "OTHER1"}}}
    pair = [record("a@x.io", tier="a", first_name="Ada"), record("a@x.io", tier="b", first_name="Ada")]
    assert pipeline.run([PEOPLE, *pair], **routed, **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io", tier="a", first_name=None)], **routed, **CLEAR)
    assert profile(pipeline)["first_name"] == "Ada"
    assert pipeline.run([PEOPLE, record("a@x.io", tier="b", first_name=None)], **routed, **CLEAR)
    assert "first_name" not in profile(pipeline)


def test_who_is_skipped_as_unchanged_is_known_for_what_they_have(pipeline):
    """They were sent before the setting was switched on, and have it all the same."""
    skip = {"unchanged_profiles": "skip"}
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **skip)
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **skip, **CLEAR)
    assert pipeline.totals["unchanged"] == 1
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], **skip, **CLEAR)
    assert profile(pipeline) == {"properties": {}}


def test_switched_off_and_on_again_it_begins_anew(pipeline):
    """What was sent in between is not known: a value of that time is never cleared for an older null."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)])
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], **CLEAR)
    assert profile(pipeline)["first_name"] == "Ada"


def test_nobody_is_created_by_clearing(pipeline):
    """Who was deleted in Klaviyo meanwhile stays deleted; the others' fields are cleared."""
    assert pipeline.run(
        [PEOPLE, *(record(f"{name}@x.io", **{**FULL, "phone_number": None, "external_id": name}) for name in "ab")],
        **CLEAR,
    )
    find = pipeline.sandbox.interceptors
    find.append(
        lambda request: Response(200, {}, b'{"data":[],"links":{}}') if request.path == "/api/profiles" else None
    )
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], **CLEAR)
    assert clears(pipeline) == 0
    find.clear()
    assert pipeline.run([PEOPLE, record("b@x.io", **NOTHING)], **CLEAR)
    assert "first_name" not in profile(pipeline, "b@x.io")


def test_whom_klaviyo_refuses_keeps_the_field_and_is_told(pipeline):
    """One person's refusal stops nobody else's; it is asked for again when a row says it again."""
    rows = [record(f"{name}@x.io", **{**FULL, "phone_number": None, "external_id": name}) for name in "abc"]
    assert pipeline.run([PEOPLE, *rows], **CLEAR)
    refused = pipeline.sandbox.profiles["b@x.io"]["id"].encode()
    pipeline.sandbox.profile_refusal = lambda raw: "not this one" if refused in raw else None
    nulls = [PEOPLE, *(record(f"{name}@x.io", **NOTHING) for name in "abc")]
    assert pipeline.run(nulls, **CLEAR)
    assert ["first_name" in profile(pipeline, f"{name}@x.io") for name in "abc"] == [False, True, False]
    (warning,) = pipeline.report["streams"]["people"]["warnings"]
    assert "refuses to clear fields of 1 people" in warning
    assert pipeline.run([PEOPLE], **CLEAR)
    assert "first_name" in profile(pipeline, "b@x.io")
    pipeline.sandbox.profile_refusal = None
    assert pipeline.run(nulls, **CLEAR)
    assert "first_name" not in profile(pipeline, "b@x.io")


def test_when_klaviyo_clears_nobodys_fields_the_run_says_so(pipeline):
    """Then it is not about the people: nothing is given up, and a later run clears them."""
    rows = [record(f"p{n}@x.io", first_name="Ada") for n in range(25)]
    assert pipeline.run([PEOPLE, *rows], **CLEAR)
    pipeline.sandbox.profile_refusal = lambda _raw: "no"
    assert not pipeline.run([PEOPLE, *(record(f"p{n}@x.io", first_name=None) for n in range(25)), state(1)], **CLEAR)
    assert "Klaviyo clears nobody's fields" in pipeline.error
    assert pipeline.states == [1]
    pipeline.sandbox.profile_refusal = None
    assert pipeline.run([PEOPLE], **CLEAR)
    assert not any("first_name" in person for person in pipeline.sandbox.profiles.values())


@pytest.mark.parametrize("answer", [(503, b""), (200, b"<html>hello</html>"), (200, b"{}"), (204, b"")])
def test_what_could_not_be_cleared_is_cleared_by_the_next_run(pipeline, answer):
    """The rows are delivered and their STATE is out; the ledger knows what is left to do."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    status, body = answer
    pipeline.sandbox.interceptors.append(
        lambda request: Response(status, {}, body) if request.path == "/api/profile-import" else None
    )
    assert not pipeline.run([PEOPLE, record("a@x.io", **NOTHING), state(1)], retry_max_seconds=1, **CLEAR)
    assert "Create or Update Profile" in pipeline.error
    assert (pipeline.states, pipeline.totals["delivered"]) == ([1], 1)
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run([PEOPLE], **CLEAR)
    assert profile(pipeline) == {"properties": {}}
    assert pipeline.report["streams"]["people"]["cleared_fields"] == dict.fromkeys(FIELDS[:3], 1)


def test_a_value_that_comes_before_it_was_cleared_is_kept(pipeline):
    """The next run's row has it again: nothing is due any more."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    pipeline.sandbox.interceptors.append(
        lambda request: Response(503, {}, b"") if request.path == "/api/profile-import" else None
    )
    pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], retry_max_seconds=1, **CLEAR)
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run([PEOPLE, record("a@x.io", **{**NOTHING, "first_name": "Bea"})], **CLEAR)
    assert profile(pipeline) == {"first_name": "Bea", "properties": {}}


def test_a_refused_row_clears_nothing(pipeline):
    """What a row says counts once it is delivered."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    pipeline.sandbox.refuse_rows(lambda _row: ("invalid", "not today"))
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], **CLEAR)
    assert profile(pipeline)["first_name"] == "Ada"
    assert clears(pipeline) == 0


@pytest.mark.parametrize(("workers", "count"), [(1, 760), (8, 130)])
def test_many_are_cleared_within_klaviyos_limits(pipeline, workers, count):
    """One request each, 75 a second and 750 a minute, after look-ups of a hundred; told when it takes a while."""
    lines = [[PEOPLE, *(record(f"p{n}@x.io", first_name=name) for n in range(count))] for name in ("Ada", None)]
    assert pipeline.run(lines[0], **CLEAR)
    began, before = pipeline.clock.now(), len(pipeline.sandbox.requests)
    assert pipeline.run(lines[1], max_in_flight=workers, **CLEAR)
    requests = [entry for entry in pipeline.sandbox.requests[before:] if entry.path.startswith("/api/profile")]
    answers = [entry.status for entry in requests if entry.path == "/api/profile-import"]
    assert sum(entry.path == "/api/profiles" for entry in requests) == -(-count // 100)
    assert answers.count(200) == count
    assert not any("first_name" in person for person in pipeline.sandbox.profiles.values())
    if workers == 1:  # one clock for several threads that wait would make them bunch
        assert len(answers) == count
        assert pipeline.clock.now() - began >= 60
        (warning,) = pipeline.report["streams"]["people"]["warnings"]
        assert "760 people had fields to be cleared" in warning


def test_who_left_the_list_keeps_what_is_due(pipeline):
    """The profile stays in Klaviyo when its person leaves the list, and so does what was given to it."""
    assert pipeline.run([PEOPLE, record("a@x.io", **FULL)], **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io")], sync_mode="remove", **CLEAR)
    assert pipeline.run([PEOPLE, record("a@x.io", **NOTHING)], **CLEAR)
    assert profile(pipeline) == {"properties": {}}


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.sampled_from(["Ada", "Bea", "", None]),
        "phone_number": st.sampled_from(["+12025550143", "bad", None]),
        "tier": st.sampled_from(["gold", "", None]),
        "location": st.none()
        | st.dictionaries(st.sampled_from(["city", "zip", "level"]), st.sampled_from(["x", None])),
    },
)
RUNS = st.lists(
    st.tuples(st.lists(VALUES, max_size=3), st.sampled_from(["fine", "fine", "fine", "crash", "cancelled"])),
    min_size=1,
    max_size=4,
)


def model(known, row):
    """What a person has once a row is delivered and what it has null is cleared."""
    after = dict(known)
    for name in ("first_name", "phone_number", "tier"):
        if name in row and (row[name] is None or (row[name] == "" and name != "tier")):
            after.pop(name, None)
        elif name in row and row[name] != "bad":
            after[name] = row[name]
    place = row.get("location", {})
    for key in ("city", "zip", "level"):
        given = {key: None} if place is None and key != "level" else place or {}
        if key in given:
            after.pop(key, None)
            if given[key] is not None:
                after[key] = given[key]
    return after


@settings(max_examples=12, deadline=None)
@given(RUNS, st.integers(1, 3), st.sampled_from(["send", "skip"]), st.booleans())
def test_klaviyo_has_what_the_delivered_rows_say(tmp_path_factory, runs, size, unchanged, replaces):
    """Whatever they set and null, over several runs of which some fail: nothing that was not given is touched."""
    pipeline = Pipeline(tmp_path_factory.mktemp("work"), limits=False)
    pipeline.sandbox.partial_location_replaces = replaces
    known = {}
    for rows, fate in runs:
        if fate == "cancelled":
            pipeline.sandbox.cancel_jobs(9)
        if fate == "crash":
            pipeline.sandbox.interceptors.append(
                lambda request: Response(500, {}, b"") if request.path == "/api/profile-import" else None
            )
        lines = [PEOPLE, *(record("a@x.io", **row) for row in rows)]
        pipeline.run(lines, batch_size_rows=size, unchanged_profiles=unchanged, retry_max_seconds=0, **CLEAR)
        pipeline.sandbox.interceptors.clear()
        pipeline.sandbox._fates.clear()
        if fate != "cancelled":
            for row in rows[-1:]:
                known = model(known, row)
    assert pipeline.run([PEOPLE], unchanged_profiles=unchanged, **CLEAR)
    if known or "a@x.io" in pipeline.sandbox.profiles:
        found = pipeline.sandbox.profiles["a@x.io"]
        has = {name: found[name] for name in ("first_name", "phone_number") if name in found}
        has |= found["properties"]
        has |= found.get("location", {})
        has["level"] = has.pop("location_level", None)
        assert {name: value for name, value in has.items() if value is not None} == known
    assert set(pipeline.members(LIST)) <= {"a@x.io"}
