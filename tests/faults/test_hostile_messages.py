"""Lines that are JSON and no Singer message, or nearly one: told in one line, the rows before them delivered."""

from __future__ import annotations

import json

import pytest
from pipeline import Pipeline, record, schema, state

GOOD = [schema(), record("a@x.io"), state(1)]
JSONL = {"format": "jsonl", "compression": "none"}


@pytest.fixture
def pipeline(tmp_path):
    """A target on a sandbox without a socket."""
    return Pipeline(tmp_path)


def message(kind, **members):
    return {"type": kind, "stream": "people", **members}


def people(**schema_members):
    return {"type": "object", "properties": {"email": {"type": "string"}}, **schema_members}


def nested(depth):
    """A schema of so many levels, as text."""
    return json.dumps(message("SCHEMA", schema="HERE", key_properties=[])).replace(
        '"HERE"', '{"properties":{"email":{},"n":' + '{"properties":{"a":' * depth + "{}" + "}}" * depth + "}}"
    )


DIGITS = "9" * 5000
STREAMS = ["a\nb\u2028c", ["people"], {"a": 1}, None, 7, True, 1.5]
ODD = {
    "record_null": message("RECORD", record=None),
    "record_number": message("RECORD", record=3),
    "record_true": message("RECORD", record=True),
    "record_text": message("RECORD", record="text"),
    "record_list": message("RECORD", record=[1]),
    **{f"record_stream_{n}": {"type": "RECORD", "stream": s, "record": {}} for n, s in enumerate(STREAMS)},
    **{f"schema_stream_{n}": {"type": "SCHEMA", "stream": s, "schema": people()} for n, s in enumerate(STREAMS)},
    "type_list": {"type": ["RECORD"], "stream": "people"},
    "type_object": {"type": {"RECORD": 1}},
    "type_null": {"type": None},
    "keys_number": message("SCHEMA", schema=people(), key_properties=5),
    "keys_text": message("SCHEMA", schema=people(), key_properties="email"),
    "keys_objects": message("SCHEMA", schema=people(), key_properties=[1, {}]),
    "keys_nested": message("SCHEMA", schema=people(), key_properties=[["email"]]),
    "keys_half": message("SCHEMA", schema=people(), key_properties=["\ud800"]),
    "keys_null": message("SCHEMA", schema=people(), key_properties=None),
    "schema_list": message("SCHEMA", schema=[1]),
    "schema_text": message("SCHEMA", schema="x"),
    "properties_list": message("SCHEMA", schema={"properties": [1]}),
    "property_number": message("SCHEMA", schema=people(properties={"email": {}, "n": 3})),
    "type_of_property_number": message("SCHEMA", schema=people(properties={"email": {}, "n": {"type": 3}})),
    "required_number": message("SCHEMA", schema=people(required=7)),
    "any_of_object": message("SCHEMA", schema=people(anyOf={"a": 1})),
    "pattern_broken": message("SCHEMA", schema=people(properties={"email": {}, "n": {"pattern": "("}})),
    "schema_nested_300": nested(300),
    "schema_nested_900": nested(900),
    "schema_number_of_5000_digits": json.dumps(message("SCHEMA", schema=people(minimum=0))).replace("0}", DIGITS + "}"),
    "state_without_value": {"type": "STATE"},
    "state_nested_500": f'{{"type":"STATE","value":{"[" * 500}{"]" * 500}}}',
    "state_nested_987": f'{{"type":"STATE","value":{"[" * 987}{"]" * 987}}}',
    "state_of_5000_digits": f'{{"type":"STATE","value":{{"a":[{DIGITS}]}}}}',
    "version_without_stream": {"type": "ACTIVATE_VERSION"},
    "version_of_a_list": {"type": "ACTIVATE_VERSION", "stream": [1], "version": "x"},
    "batch_without_all": message("BATCH"),
    "batch_without_manifest": message("BATCH", encoding=JSONL),
    "batch_stream": {"type": "BATCH", "stream": ["people"], "encoding": JSONL, "manifest": []},
    "batch_of_numbers": message("BATCH", encoding=3, manifest=4),
    "batch_of_number_files": message("BATCH", encoding=JSONL, manifest=[3]),
    "batch_of_a_text": message("BATCH", encoding=JSONL, manifest="abc"),
    "batch_of_null": message("BATCH", encoding=JSONL, manifest=None),
    "batch_of_nested": message("BATCH", encoding=JSONL, manifest=[[], {}]),
    "batch_elsewhere": message("BATCH", encoding=JSONL, manifest=["nonsense://x"]),
    "batch_of_a_folder": message("BATCH", encoding=JSONL, manifest=["file:///"]),
    "batch_compressed_by_a_list": message("BATCH", encoding={"format": "jsonl", "compression": []}, manifest=["x"]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_message(pipeline, name):
    """Refused in words or counted; never an exception of another kind, and never a wrong sum."""
    pipeline.run([*GOOD, ODD[name], record("b@x.io"), state(2)])
    pipeline.assert_balanced()
    assert pipeline.states == [] or "a@x.io" in pipeline.members()
    if pipeline.error is None:
        assert pipeline.states[-1] == 2
    else:
        assert len(pipeline.error.splitlines()) == 1
        assert "@" not in pipeline.error


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("schema_stream_4", "a SCHEMA message has a `stream` that is no text"),
        ("record_stream_1", "a RECORD message has a `stream` that is no text"),
        ("batch_stream", "a BATCH message has a `stream` that is no text"),
        ("keys_number", "stream `people`: its `key_properties` are no list of property names"),
        ("keys_text", "stream `people`: its `key_properties` are no list of property names"),
        ("keys_nested", "stream `people`: its `key_properties` are no list of property names"),
        ("keys_half", "stream `people`: its `key_properties` are no list of property names"),
        ("schema_nested_300", "stream `people`: its schema is nested too deeply, more than 200 levels. Report it"),
        (
            "schema_number_of_5000_digits",
            "stream `people`: its schema has a number of more than 4,300 digits. Report it",
        ),
        (
            "batch_without_all",
            "a BATCH message of stream `people` has no `encoding` that says how its files are written",
        ),
        ("batch_without_manifest", "a BATCH message of stream `people` has no `manifest`"),
        ("batch_of_numbers", "a BATCH message of stream `people` has no `encoding`"),
        ("batch_of_number_files", "a BATCH message of stream `people` has no `manifest` that lists its files"),
        ("batch_of_a_text", "a BATCH message of stream `people` has no `manifest` that lists its files"),
        ("batch_of_null", "a BATCH message of stream `people` has no `manifest`"),
        (
            "batch_compressed_by_a_list",
            (
                "a BATCH message of stream `people` has files of format 'jsonl', compression (not shown: it is no "
                "plain word); this target reads"
            ),
        ),
        ("state_nested_500", "the value of a STATE message is nested too deeply, more than 200 levels"),
        ("state_of_5000_digits", "the value of a STATE message has a number of more than 4,300 digits. Report it"),
    ],
)
def test_what_is_said_of_an_odd_message(pipeline, name, words):
    """The stream, where it has a name, and what is wrong; nothing of a message is repeated that may be personal."""
    assert not pipeline.run([*GOOD, ODD[name], record("b@x.io"), state(2)])
    assert pipeline.error.startswith(words)
    assert set(pipeline.members()) <= {"a@x.io"}


def test_schema_of_100_levels(pipeline):
    """Deeper than any tap's, and far from any limit of the stack."""
    assert pipeline.run([nested(98), record("a@x.io", n={"a": {"a": 1}}), state(1)]), pipeline.error
    assert set(pipeline.members()) == {"a@x.io"}


@pytest.mark.parametrize("odd", [None, 3, "text", [1]])
@pytest.mark.parametrize(
    "settings", [{"stream_maps": {"people": {"n": "email"}}}, {"flattening_enabled": True}], ids=str
)
def test_record_that_is_no_object_on_the_way_through_the_sdk(pipeline, settings, odd):
    """Rejected as it is without stream maps and flattening."""
    settings = {"flattening_max_depth": 1, **settings}
    assert pipeline.run([*GOOD, message("RECORD", record=odd), record("b@x.io"), state(2)], **settings), pipeline.error
    assert [row["code"] for row in pipeline.rejects()] == ["not_an_object"]
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    assert pipeline.states[-1] == 2
    pipeline.assert_balanced()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("RECORD", "stream"),
        ("RECORD", "record"),
        ("SCHEMA", "schema"),
        ("STATE", "value"),
        ("ACTIVATE_VERSION", "stream"),
    ],
)
def test_message_without_what_it_must_have(pipeline, kind, key):
    """It is told which message, and what is missing."""
    lacking = {"type": kind, "stream": "people", "record": {}, "schema": {}, "value": 1, "version": 1}
    del lacking[key]
    assert not pipeline.run([*GOOD, lacking, state(2)])
    assert pipeline.error == (
        f"a {kind} message has no `{key}`: the tap does not follow the Singer specification. Report it to its authors"
    )
    assert set(pipeline.members()) == {"a@x.io"}


@pytest.mark.parametrize("expression", ["absent", "email.absent", "email / 2", "[][0]"])
def test_stream_map_that_does_not_work_on_a_record(pipeline, expression):
    """The row is rejected, in words without its values; rows on which the map works are delivered."""
    expression = f"{expression} if email == 'a@x.io' else email"
    lines = [*GOOD, record("b@x.io"), state(2)]
    assert pipeline.run(lines, stream_maps={"people": {"n": expression}}, max_rejected_percent=100), pipeline.error
    (row,) = pipeline.rejects()
    assert row["code"] == "not_mapped"
    assert row["record"] == {"email": "a@x.io"}
    assert row["reason"].startswith("its stream map or flattening does not work on it: ")
    assert "a@x.io" not in row["reason"].replace(expression, "")
    assert set(pipeline.members()) == {"b@x.io"}
    pipeline.assert_balanced()
