"""Streams as taps send them: several, mixed, changing, mapped, flattened, in files."""

from __future__ import annotations

import json

import pytest
from pipeline import LIST, record, schema, state, text

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


BOOKMARKS = (
    '{"b":12345678901234567.89,"a":[1.10,-0.0,1E5],"b2":0.1234567890123456789012,"n":123456789012345678901234567890}'
)
HALF = '{"type":"RECORD","stream":"people","record":{"email":"b@x.io","note":"\\ud83d"}}'
NO_FILES = '{"type":"BATCH","stream":"people","encoding":{"format":"jsonl"},"manifest":[]}'


@pytest.mark.parametrize("beside", [[], [HALF], [NO_FILES]], ids=["records", "half_a_character", "batch"])
@pytest.mark.parametrize("end", ["\n", ""], ids=["whole_line", "last_line"])
def test_a_state_comes_out_as_it_came_in(pipeline, beside, end):
    """With every digit: a bookmark that is rounded up passes rows that the tap has not sent yet."""
    lines = text([schema(), record("a@x.io"), *beside])
    assert pipeline.run(f'{lines}{{"type":"STATE","value":{BOOKMARKS}}}{end}'), pipeline.error
    assert pipeline.stdout == BOOKMARKS + "\n"


@pytest.mark.parametrize(
    ("value", "out"),
    [
        ('{"a": "é😀\\u00e9"}', '{"a": "\\u00e9\\ud83d\\ude00\\u00e9"}'),
        ('{"a":NaN,"b":"\\ud83d"}', '{"a": NaN, "b": "\\ud83d"}'),
    ],
    ids=["letters", "odd"],
)
def test_a_state_is_one_line_of_ascii(pipeline, value, out):
    """Whatever encoding the next program has; and what is no plain JSON goes through as well."""
    assert pipeline.run(text([schema()]) + f'{{"type":"STATE","value":{value}}}\n'), pipeline.error
    assert pipeline.stdout == out + "\n"


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


FLAT = {"flattening_enabled": True, "flattening_max_depth": 1}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
NAMES = {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize("value", [{"a": "x"}, ["x"], None])
@pytest.mark.parametrize("kinds", ["anyOf", "oneOf"])
def test_flattening_loses_nobody_whose_record_keeps_to_the_schema_of_its_tap(pipeline, kinds, value):
    """The SDK writes such a value as text, and says of it that it is none."""
    lines = [schema(email={}, n={kinds: [OBJECT, NAMES, {"type": "null"}]}), record("a@x.io", n=value)]
    assert pipeline.run(lines, **FLAT), pipeline.error
    found = pipeline.members()["a@x.io"]["properties"]
    assert found == ({} if value is None else {"n": json.dumps(value, separators=(",", ":"))})


@pytest.mark.parametrize(
    "node",
    [
        {"enum": ["gold", None]},
        {"anyOf": [{"$ref": "#/definitions/level"}, {"type": "null"}]},
        {"anyOf": [{"type": ["string", "integer"]}, {"type": "null"}]},
        {"type": None},
        {"type": "object", "properties": None},
        {"examples": ["gold"]},
        True,
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("mail", [{"type": "string"}, {"anyOf": [{"type": ["string", "null"]}]}], ids=["text", "anyOf"])
def test_flattening_takes_a_property_of_any_schema(pipeline, node, mail):
    """What has no type is left as it is; so is one inside an object."""
    nested = {"type": "object", "properties": {"n": node, "m": {"type": "integer"}}}
    declared = schema(email=mail, n=node, o=nested)
    declared["schema"]["definitions"] = {"level": {"type": "string"}}
    value = {} if isinstance(node, dict) and "properties" in node else "gold"
    assert pipeline.run([declared, record("a@x.io", n=value, o={"n": value, "m": 1})], **FLAT), pipeline.error
    text = "gold" if value else "{}"
    properties = pipeline.members()["a@x.io"]["properties"]
    assert properties == {"n": text, "o__n": text, "o__m": 1}


def test_what_is_not_checked_of_a_schema_is_told_once(pipeline):
    """Of the tap's own schema, where flattening takes a part of it away and where it does not."""
    odd = {"pattern": "a\\Z"}
    lines = [schema(email={"type": "string"}, n={"anyOf": [odd]}, m={"type": "string", **odd}), record("a@x.io", n="x")]
    assert pipeline.run(lines, **FLAT), pipeline.error
    assert sorted(pipeline.report["streams"]["people"]["warnings"]) == [
        f"stream `people`: `properties.{place}.pattern` cannot be used, so it is not checked"
        for place in ("m", "n.anyOf.0")
    ]


def test_flattening_loses_nobody_whose_schema_requires_an_object(pipeline):
    """It is there in the record, and no more in what is made of it."""
    declared = schema(email={}, n=OBJECT)
    declared["schema"] |= {"required": ["email", "n"], "additionalProperties": False}
    without = {"type": "RECORD", "stream": "people", "record": {"email": "b@x.io"}}
    lines = [declared, record("a@x.io", n={"a": "x"}), without, record("c@x.io", n={"a": 1})]
    assert pipeline.run(lines, **FLAT), pipeline.error
    assert pipeline.members()["a@x.io"]["properties"] == {"n__a": "x"}
    reasons = {row["record"]["email"]: row["reason"] for row in pipeline.rejects()}
    assert reasons == {"b@x.io": "`n` is required", "c@x.io": "`n.a` is not of type string"}
    pipeline.assert_balanced()


@pytest.mark.parametrize(
    ("expression", "value"),
    [("n + 1", 6), ("n > 3", True), ("n / 2", 2.5), ("[n]", [5]), ("record['n']", 5), ("int(n)", 5), ("str(n)", "5")],
)
@pytest.mark.parametrize("name", ["x", "n"])
def test_a_column_that_a_stream_map_makes_costs_nobody(pipeline, name, expression, value):
    """The SDK takes most of them for text, and keeps the type of a column that there was."""
    lines = [schema(email={}, n={"type": "integer"}), record("a@x.io", n=5), record("b@x.io", n="five")]
    assert pipeline.run(lines, stream_maps={"people": {name: expression}}), pipeline.error
    assert pipeline.members()["a@x.io"]["properties"][name] == value
    assert {row["code"] for row in pipeline.rejects()} <= {"schema_mismatch", "not_mapped"}
    pipeline.assert_balanced()


def test_a_stream_map_that_takes_a_column_away_costs_nobody(pipeline):
    """Whatever in the schema counted with it."""
    declared = schema(email={}, n={})
    declared["schema"] |= {"minProperties": 2, "allOf": [{"required": ["n"]}]}
    assert pipeline.run([declared, record("a@x.io", n=1)], stream_maps={"people": {"n": None}}), pipeline.error
    assert set(pipeline.members()) == {"a@x.io"}


@pytest.mark.parametrize("own", [{"n": None}, {"n": "int(n)"}, {"__else__": None, "email": "email"}], ids=str)
def test_a_stream_map_mends_a_column(pipeline, own):
    """A record that contradicts its schema is good when what is made of it does not."""
    lines = [schema(email={}, n={"type": "integer"}, m={"type": "integer"}), record("a@x.io", n="5")]
    assert pipeline.run([*lines, record("b@x.io", n=5, m=6)], stream_maps={"people": own}), pipeline.error
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}


@pytest.mark.parametrize("own", [{}, {"segment_field": "seg", "segments": {"s": {"list_id": "Y6nRLr"}}}], ids=str)
def test_a_record_of_a_mapped_stream_is_rejected_for_a_fault_of_its_own(pipeline, own):
    """In the words of its tap's schema, whatever the SDK says of what was made of it."""
    lines = [schema(email={}, seg={}, n={"type": "integer"}), record("a@x.io", seg="s", n="five")]
    maps = {"stream_maps": {"people": {"x": "email > 'a'"}}}
    lines.append(record("b@x.io", seg="s", n=5))
    assert pipeline.run(lines, max_rejected_percent=100, **maps, **own), pipeline.error
    assert [(row["record"]["email"], row["reason"]) for row in pipeline.rejects()] == [
        ("a@x.io", "`n` is not of type integer")
    ]
    assert set(pipeline.members()) == {"b@x.io"}
    pipeline.assert_balanced()


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
