"""Streams as taps send them: several, mixed, changing, mapped, flattened, in files."""

from __future__ import annotations

import json

import pytest
from pipeline import LIST, record, schema, state

EMAIL = {"email": {"type": ["string", "null"]}}


def test_interleaved_streams_fill_their_own_lists(pipeline):
    """`segments` gives each stream its list and its e-mail property."""
    pipeline.sandbox.add_list("VIP001", "Very important")
    lines = [schema("people"), schema("vips", mail={"type": "string"})]
    for number in range(5):
        lines += [
            record(f"p{number}@x.io"),
            {"type": "RECORD", "stream": "vips", "record": {"mail": f"v{number}@x.io"}},
        ]
    segments = {"people": {}, "vips": {"list_id": "VIP001", "email_field": "mail"}}
    assert pipeline.run([*lines, state(1)], segments=segments)
    assert sorted(pipeline.members()) == [f"p{n}@x.io" for n in range(5)]
    assert sorted(pipeline.members("VIP001")) == [f"v{n}@x.io" for n in range(5)]
    assert pipeline.report["streams"]["vips"]["list"] == {"id": "VIP001", "name": "Very important"}
    pipeline.assert_balanced()


def test_two_streams_may_fill_one_list(pipeline):
    """And a person of both is on it once."""
    lines = [schema("a"), schema("b"), record("p@x.io", "a"), record("p@x.io", "b"), record("q@x.io", "b")]
    assert pipeline.run(lines)
    assert sorted(pipeline.members()) == ["p@x.io", "q@x.io"]
    pipeline.assert_balanced()


def test_a_schema_that_changes_in_the_middle_loses_no_row_and_no_order(pipeline):
    """Rows of the old shape are sent before those of the new; the last row of a person wins."""
    lines = [
        schema(**EMAIL, tier={"type": "string"}),
        record("a@x.io", tier="old"),
        record("b@x.io", tier="old"),
        schema(**EMAIL, tier={"type": "string"}, city={"type": "string"}),
        record("a@x.io", tier="new", city="Oslo"),
        schema(**EMAIL, tier={"type": "string"}, city={"type": "string"}),
        record("c@x.io", tier="new", city="Rome"),
    ]
    assert pipeline.run(lines)
    members = pipeline.members()
    assert len(members) == 3
    assert members["a@x.io"]["properties"] == {"tier": "new", "city": "Oslo"}
    assert pipeline.totals["merged"] == 1
    pipeline.assert_balanced()


def test_a_schema_that_loses_its_email_ends_the_run_there(pipeline):
    """What came before is settled, nothing after it is sent."""
    lines = [schema(), record("a@x.io"), state(1), schema(id={"type": "integer"}), record("b@x.io")]
    assert not pipeline.run(lines)
    assert "`email_field`" in pipeline.error
    assert pipeline.totals["read"] == 1
    pipeline.assert_balanced()


def test_activate_version_is_accepted(pipeline):
    """Before the first record, after the last, and for a stream that is not known."""
    versions = [{"type": "ACTIVATE_VERSION", "stream": s, "version": 1} for s in ("people", "others")]
    assert pipeline.run([schema(), *versions, record("a@x.io"), *versions])
    assert set(pipeline.members()) == {"a@x.io"}


def test_stream_maps_work_as_the_sdk_gives_them(pipeline):
    """Renamed, computed and filtered."""
    maps = {"people": {"email": "mail", "tier": "level.upper()", "__filter__": "level != 'none'", "mail": None}}
    rows = [("a@x.io", "gold"), ("b@x.io", "none"), ("c@x.io", "silver")]
    lines = [schema(mail={"type": "string"}, level={"type": "string"})]
    lines += [{"type": "RECORD", "stream": "people", "record": {"mail": mail, "level": level}} for mail, level in rows]
    assert pipeline.run(lines, stream_maps=maps)
    members = pipeline.members()
    assert set(members) == {"a@x.io", "c@x.io"}
    assert members["a@x.io"]["properties"]["tier"] == "GOLD"
    assert pipeline.totals["filtered"] == 1
    pipeline.assert_balanced()


def test_stream_maps_may_leave_out_streams_and_properties(pipeline):
    """Every form that the SDK knows passes the check of the settings."""
    maps = {
        "people": {
            "__alias__": "members",
            "mail": "__NULL__",
            "__else__": None,
            "email": "mail",
            "__key_properties__": [],
        },
        "staff": None,
        "robots": "__NULL__",
        "__else__": "__NULL__",
    }
    lines = [schema(mail={"type": "string"}), record(mail="a@x.io"), schema("others"), record("b@x.io", "others")]
    assert pipeline.run(lines, stream_maps=maps), pipeline.error
    assert set(pipeline.members()) == {"a@x.io"}


def test_stream_maps_of_streams_that_did_not_come_are_warned_of(pipeline):
    """A filter of a misspelt stream filters nothing."""
    used = {"people": {}, "p*": {}, "copy": {"__source__": "people"}, "__else__": None}
    unused = {"peple": {"__filter__": "email != 'a@x.io'"}, "other": {"__source__": "poeple"}, "staff-*": None}
    assert pipeline.run([schema(), record("a@x.io")], stream_maps=used | unused), pipeline.error
    told = "which the tap did not send; it sent people"
    assert [each for each in pipeline.report["warnings"] if "stream_maps" in each] == [
        f"`stream_maps` names the stream `peple`, {told}; did you mean `people`?",
        f"`stream_maps` names the stream `poeple`, {told}; did you mean `people`?",
        f"`stream_maps` names the stream `staff-*`, {told}",
    ]


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"id": None}, "Removing key property 'id' is not permitted"),
        ({"__else__": "all"}, "Option '__else__=all' is not supported"),
        ({"__alias__": "a b"}, "Failed to evaluate simpleeval expressions a b"),
    ],
)
def test_stream_maps_that_do_not_go_with_the_schema_are_refused_in_words(pipeline, own, words):
    """The SDK's, in one line, with the stream; the report has them too."""
    assert not pipeline.run([schema(keys=["id"], **EMAIL, id={}), record("a@x.io", id=1)], stream_maps={"people": own})
    assert pipeline.error.startswith("stream `people` cannot be mapped by `stream_maps`: ")
    assert words in pipeline.error
    assert pipeline.error.endswith(". Correct them")
    assert pipeline.report["message"] == pipeline.error


def test_flattening_works_as_the_sdk_gives_it(pipeline):
    """Nested objects become columns; the e-mail may be one of them."""
    properties = {"person": {"type": "object", "properties": {"mail": {"type": "string"}, "age": {"type": "integer"}}}}
    lines = [
        schema(**properties),
        {"type": "RECORD", "stream": "people", "record": {"person": {"mail": "a@x.io", "age": 36}}},
    ]
    settings = {"flattening_enabled": True, "flattening_max_depth": 1, "email_field": "person__mail"}
    assert pipeline.run(lines, **settings)
    assert pipeline.members()["a@x.io"]["properties"] == {"person__age": 36}


def test_with_and_without_an_identity_map_the_outcome_is_the_same(pipeline, tmp_path):
    """The short way of a record and the SDK's own end alike."""
    lines = [
        schema(**EMAIL, age={"type": ["integer", "null"]}, tags={}),
        *(record(f"p{n % 40}@x.io", age=n, tags=[n, {"deep": [1.5, None]}]) for n in range(60)),
        record("not an address", age=1),
        record("x@x.io", age="old"),
        state("end"),
    ]
    outcomes = []
    for maps in ({}, {"stream_maps": {"people": {"__filter__": "True"}}}):
        other = type(pipeline)(tmp_path / str(len(maps)))
        assert other.run(lines, **maps), other.error
        totals = {name: other.totals[name] for name in ("read", "delivered", "rejected", "merged", "filtered")}
        outcomes.append((other.members(), totals, other.states))
    people = [{email: member["properties"] for email, member in outcome[0].items()} for outcome in outcomes]
    assert people[0] == people[1]
    assert outcomes[0][1:] == outcomes[1][1:]


def test_an_export_is_split_at_its_limit(pipeline):
    """`max_profiles_per_export`; the report has each export."""
    rows = [record(f"p{n}@x.io") for n in range(25)]
    assert pipeline.run([schema(), *rows], max_profiles_per_export=10)
    exports = pipeline.report["streams"]["people"]["exports"]
    assert [export["profiles"] for export in exports] == [10, 10, 5]
    assert len(pipeline.members()) == 25


def test_more_rejects_than_allowed_fail_the_run_and_hold_the_state(pipeline):
    """`max_rejected_percent`, from twenty on; when every row contradicts the schema the way out is named."""
    rows = [record(f"p{n}@x.io", age="old") for n in range(30)]
    assert not pipeline.run([schema(**EMAIL, age={"type": "integer"}), *rows, state(1)])
    assert pipeline.error == (
        "stream `people`: 30 of 30 rows were rejected, more than `max_rejected_percent` (50) allows; no STATE was "
        f"written since. Mend the rows of {pipeline.report['rejects_file']}, or raise the setting. every row of "
        "`people` contradicts the schema that the tap gave; if the rows are right, set `validate_records` to false"
    )
    assert pipeline.states == []
    assert pipeline.run([schema(**EMAIL, age={"type": "integer"}), *rows, state(1)], validate_records=False)
    assert len(pipeline.members()) == 30
    assert pipeline.states == [1]


def test_on_invalid_record_fail_stops_at_the_first(pipeline):
    """With stream, row, masked address and reason; the record is in the rejects file."""
    assert not pipeline.run([schema(), record("a@x.io"), record("bad"), record("c@x.io")], on_invalid_record="fail")
    assert pipeline.error == (
        "row 2 of stream `people` (b***) is rejected (email_invalid): the e-mail address is not valid. "
        "`on_invalid_record` is fail; set it to reject to go on without such rows"
    )
    assert [row["row"] for row in pipeline.rejects()] == [2]
    pipeline.assert_balanced()


def test_the_plan_is_in_the_report_and_stops_the_run_when_asked(pipeline, tmp_path):
    """`on_plan_limit`: used, plan and needed."""
    tight = type(pipeline)(tmp_path / "tight", plan_profiles=(95, 100))
    rows = [record(f"p{n}@x.io") for n in range(10)]
    assert tight.run([schema(), *rows])
    assert tight.report["plan"] == {"used": 95, "maximum": 100, "needed": 10}
    assert "95 of 100" in tight.report["warnings"][0]
    tight = type(pipeline)(tmp_path / "tighter", plan_profiles=(95, 100))
    assert not tight.run([schema(), *rows], on_plan_limit="fail", batch_size_rows=4)
    assert (
        "the people to send may exceed the Klaviyo plan: 95 of 100 profiles are used, and 8 or more are" in tight.error
    )
    assert tight.error.endswith("Raise the plan, or set `on_plan_limit` to warn")
    assert tight.totals["delivered"] == 4
    tight.assert_balanced()


def test_the_rejects_file_is_its_owners_alone_and_exists_only_when_needed(pipeline):
    """It holds personal data."""
    assert pipeline.run([schema(), record("a@x.io")])
    assert pipeline.report["rejects_file"] is None
    assert not (pipeline.work_dir / "rejects").exists()
    assert pipeline.run([schema(), record("a@x.io"), record(None, name="Zoë \ud800")])
    (path,) = (pipeline.work_dir / "rejects").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    (row,) = pipeline.rejects()
    assert (row["stream"], row["row"], row["code"], row["field"]) == ("people", 2, "email_missing", "email")


def test_each_run_leaves_its_own_report(pipeline):
    """`report.json` is the last one."""
    pipeline.run([schema(), record("a@x.io")])
    pipeline.run([schema()])
    reports = sorted(
        json.loads(path.read_text())["totals"]["read"] for path in (pipeline.work_dir / "reports").iterdir()
    )
    assert reports == [0, 1]
    assert pipeline.totals["read"] == 0
    assert pipeline.report["account"]["id"]
    assert pipeline.report["streams"]["people"]["list"]["id"] == LIST


def test_a_stream_that_segments_names_and_the_tap_does_not_send_is_told(pipeline):
    """Perhaps it is not selected in the tap."""
    lines = [schema(stream="orders"), record("a@x.io", "orders"), state(1)]
    assert pipeline.run(lines, segments={"newsletter": {}})
    (warning,) = pipeline.report["warnings"]
    assert warning == "`segments` names the stream `newsletter`, which the tap did not send; it sent orders"
    assert pipeline.states == [1]


def test_a_misspelt_stream_fails_the_run(pipeline):
    """It would export nothing and look well, and the STATE would skip its rows for ever."""
    people = [schema(), record("b@x.io"), state(1)]
    letters = [schema(stream="newsletter"), record("a@x.io", "newsletter"), state(2)]
    assert not pipeline.run([*people, *letters], segments={"people": {}, "newsleter": {}})
    assert pipeline.error == (
        "the 1 rows of stream `newsletter` were not exported: `segments` names `newsleter`, which the tap did not "
        "send, and no STATE was written since. Correct the name; or, where two streams are meant, deselect "
        "`newsletter` in the tap"
    )
    assert list(pipeline.members()) == ["b@x.io"]
    assert pipeline.states == [1]
    assert pipeline.report["warnings"] == []
    pipeline.assert_balanced()


@pytest.mark.parametrize(
    "lines",
    [
        [schema(stream="persons"), record("a@x.io", "persons"), state(1), schema(stream="person"), state(2)],
        [schema(stream="person"), schema(stream="persons"), record("a@x.io", "persons"), state(1), state(2)],
        [schema(stream="persons"), state(2)],
    ],
    ids=["later", "before", "no rows"],
)
def test_a_stream_that_is_called_nearly_as_another_is_left_out(pipeline, lines):
    """Where both come, or nothing came of it, nothing is misspelt."""
    assert pipeline.run(lines, segments={"person": {}})
    assert pipeline.states[-1] == 2
    assert pipeline.members() == {}


def test_a_source_that_the_schema_does_not_have_is_told(pipeline):
    """A typing error in `field_map` would leave the field empty for everybody."""
    lines = [schema(email={}, given_name={"type": "string"}), record("a@x.io", given_name="Ada")]
    assert pipeline.run(lines, field_map={"first_name": "given_nme"})
    (warning,) = pipeline.report["streams"]["people"]["warnings"]
    assert warning == (
        "stream `people`: `field_map.first_name` is `given_nme`, which is none of its properties; "
        "did you mean `given_name`? Correct the name, or take it out"
    )
