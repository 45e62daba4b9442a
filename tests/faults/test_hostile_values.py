"""Records that look like commands, and records that are too much. Values are carried, never interpreted."""

from __future__ import annotations

import json

import pytest
from pipeline import Pipeline, record, schema, state

from tests.faults.network import Network
from tests.faults.runs import new_sandbox

VALUES = [
    "../../../etc/passwd",
    "/dev/zero",
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data",
    "{0}",
    "{0.__class__.__init__.__globals__}",
    "{stream}",
    "%s%s%s%n",
    "%(message)s",
    "${HOME}",
    "$(id)",
    "`id`",
    "; rm -rf /",
    "' OR 1=1 --",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "__class__",
    "\x1b[31mred",
    "line\nbreak\r\n",
    "\u2028\u2029\u202e",
    "NaN",
    "null",
    "\x00",
    "🙂" * 50,
    "e\u0301",
    "",
]
NAMES = [
    "__class__",
    "__proto__",
    "constructor",
    "{0}",
    "%s",
    "a.b.c",
    "a/b",
    "$id",
    "../x",
    "",
    " ",
    "\x00",
    "é",
    "self",
]


@pytest.fixture
def pipeline(tmp_path):
    """A target on a sandbox without a socket."""
    return Pipeline(tmp_path)


def anything(*names):
    """A schema that allows whatever comes."""
    return schema(email={"type": ["string", "null"]}, **{name: {} for name in names})


@pytest.mark.parametrize("value", VALUES)
def test_value_that_looks_like_something(pipeline, value):
    """It arrives as it is."""
    lines = [anything("note"), record("a@x.io", note=value, nested={"deep": [value]}), state(1)]
    assert pipeline.run(lines), pipeline.error
    properties = pipeline.members()["a@x.io"]["properties"]
    assert properties["note"] == value
    assert properties["nested"] == {"deep": [value]}


@pytest.mark.parametrize("name", NAMES)
def test_name_that_looks_like_something(pipeline, name):
    """A property's name is a name."""
    assert pipeline.run([anything(name), record("a@x.io", **{name: "kept"}), record("b@x.io"), state(1)])
    assert pipeline.states == [1]
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    pipeline.assert_balanced()


@pytest.mark.parametrize("value", VALUES)
def test_email_that_looks_like_something(pipeline, value):
    """It is rejected, and its text is only in the rejects file."""
    assert pipeline.run([schema(), record(value), record("b@x.io"), state(1)])
    assert set(pipeline.members()) == {"b@x.io"}
    (row,) = pipeline.rejects()
    assert row["record"]["email"] == value
    if len(value) > 4:
        assert json.dumps(value)[1:-1] not in json.dumps(pipeline.report["streams"])


@pytest.mark.parametrize("stream", ["../../x", "/etc/passwd", "{0}", "%s", "__class__", "a\nb", "\x00", "x" * 5000])
def test_stream_that_looks_like_something(pipeline, stream):
    """A stream's name makes no path and no format."""
    assert pipeline.run([schema(stream), record("a@x.io", stream), record("bad", stream), state(1)]), pipeline.error
    assert set(pipeline.members()) == {"a@x.io"}
    assert pipeline.rejects()[0]["stream"] == stream
    folders = {path.parent.name for path in pipeline.work_dir.rglob("*") if path.is_file()}
    assert folders <= {"work", "reports", "rejects"}


@pytest.mark.parametrize(
    "odd", ['"\\ud83d"', "NaN", "1e400", "9" * 5000, "[" * 900 + "]" * 900], ids=lambda odd: odd[:9]
)
def test_value_that_no_compiled_reader_takes_hides_no_other(pipeline, odd):
    """The consent of such a row, its key and its nulls count."""
    declared = schema(keys=["id"], id={}, email={}, first_name={}, ok={}, note={}, _sdc_deleted_at={})
    given = {"subscribe_channels": ["email"], "consent_field": "ok", "null_fields": "clear"}
    for name in ("Ada", None):
        row = json.dumps(record("a@x.io", id=1, first_name=name, ok=True, note="HERE")).replace('"HERE"', odd)
        assert pipeline.run([declared, row], **given), pipeline.error
        assert pipeline.sandbox.consent("a@x.io").channels == {"email": "SUBSCRIBED"}
        assert pipeline.sandbox.profiles["a@x.io"].get("first_name") == name
    gone = {"type": "RECORD", "stream": "people", "record": {"id": 1, "_sdc_deleted_at": "2026-01-01"}}
    assert pipeline.run([declared, gone], **given), pipeline.error
    assert pipeline.members() == {}


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "-0", "1e-400", "1" + "0" * 30, '"\\ud800"']
)
def test_number_that_no_json_has(pipeline, value):
    """The row has one fate; the rows beside it are delivered."""
    odd = json.dumps(record("a@x.io", note="HERE")).replace('"HERE"', value)
    assert pipeline.run([anything("note"), odd, record("b@x.io", note=1), state(1)]), pipeline.error
    assert "b@x.io" in pipeline.members()
    assert pipeline.states == [1]
    pipeline.assert_balanced()


BROKEN = [{"type": None}, {"anyOf": [None]}, {"properties": {"0": 3}}, {"items": [3]}]


def assert_broken_schema_is_passed_over(pipeline, name, broken):
    assert pipeline.run([schema(email={}, **{name: broken}), record("a@x.io"), state(1)]), pipeline.error
    assert set(pipeline.members()) == {"a@x.io"}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", ["a/b", "~0", "properties", "anyOf", "items"])
def test_broken_schema_of_a_property(pipeline, name, broken):
    """What cannot be checked is not checked, and said so."""
    assert_broken_schema_is_passed_over(pipeline, name, broken)


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", ["0", "1", ""])
def test_broken_schema_of_an_oddly_named_property(pipeline, name, broken):
    """The same, whatever its name."""
    assert_broken_schema_is_passed_over(pipeline, name, broken)


@pytest.mark.parametrize("reference", ["{url}/schema.json", "{url}/x#/definitions/a", "file:///etc/passwd"])
@pytest.mark.parametrize("key", ["$ref", "$schema", "$id"])
def test_schema_that_points_elsewhere(pipeline, reference, key):
    """No schema makes the program fetch or read anything."""
    with Network(new_sandbox()) as elsewhere:
        odd = anything("note")
        odd["schema"]["properties"]["note"] = {key: reference.format(url=elsewhere.url)}
        odd["schema"][key] = reference.format(url=elsewhere.url)
        pipeline.run([odd, record("a@x.io", note=1), state(1)])
        assert elsewhere.requests == []
    pipeline.assert_balanced()


def test_record_of_100000_properties(pipeline):
    """Too large for a profile: rejected alone."""
    wide = {f"property_{number}": number for number in range(100_000)}
    assert pipeline.run([anything(), record("a@x.io", **wide), record("b@x.io"), state(1)]), pipeline.error
    assert pipeline.totals["rejected"] == 1
    assert set(pipeline.members()) == {"b@x.io"}
    pipeline.assert_balanced()


def test_schema_of_10000_properties(pipeline):
    """It compiles."""
    wide = {f"property_{number}": {"type": ["integer", "null"]} for number in range(10_000)}
    lines = [schema(email={"type": "string"}, **wide), record("a@x.io", property_7=7), state(1)]
    assert pipeline.run(lines), pipeline.error
    assert pipeline.members()["a@x.io"]["properties"] == {"property_7": 7}


def test_line_of_15_megabytes(pipeline):
    """Under the limit of a line and far over that of a profile."""
    assert pipeline.run([anything(), record("a@x.io", note="x" * 15_000_000), record("b@x.io"), state(1)])
    (row,) = pipeline.rejects()
    assert (row["code"], row["reason"]) == (
        "profile_too_large",
        "its profile has 15,000,075 bytes, and Klaviyo takes 100,000",
    )
    assert set(pipeline.members()) == {"b@x.io"}


def test_line_of_20_megabytes(pipeline):
    """Over the limit: the run ends there, and the rows before it are delivered."""
    assert not pipeline.run([anything(), record("b@x.io"), state(1), record("a@x.io", note="x" * 20_000_000)])
    assert "longer than 16,777,216 bytes" in pipeline.error
    assert set(pipeline.members()) == {"b@x.io"}
    assert pipeline.states == [1]


@pytest.mark.parametrize("streams", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_1000_streams(pipeline, streams):
    """Each has its batch; memory is bounded for all together. A fifth of them with every change."""
    lines = []
    for number in range(streams):
        lines += [schema(f"s{number}"), record(f"p{number}@x.io", f"s{number}")]
    assert pipeline.run([*lines, state(1)]), pipeline.error
    assert len(pipeline.members()) == streams
    pipeline.assert_balanced()
