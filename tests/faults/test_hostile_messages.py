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


STREAMS = [["people"], {"a": 1}, None, 7, True, 1.5]
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
    "state_without_value": {"type": "STATE"},
    "version_without_stream": {"type": "ACTIVATE_VERSION"},
    "version_of_a_list": {"type": "ACTIVATE_VERSION", "stream": [1], "version": "x"},
    "batch_without_all": message("BATCH"),
    "batch_of_numbers": message("BATCH", encoding=3, manifest=4),
    "batch_of_number_files": message("BATCH", encoding=JSONL, manifest=[3]),
    "batch_of_a_text": message("BATCH", encoding=JSONL, manifest="abc"),
    "batch_of_null": message("BATCH", encoding=JSONL, manifest=None),
    "batch_of_nested": message("BATCH", encoding=JSONL, manifest=[[], {}]),
    "batch_elsewhere": message("BATCH", encoding=JSONL, manifest=["nonsense://x"]),
    "batch_of_a_folder": message("BATCH", encoding=JSONL, manifest=["file:///"]),
    "batch_compressed_by_a_list": message("BATCH", encoding={"format": "jsonl", "compression": []}, manifest=["x"]),
}
# Each of these ends in an exception that is none of ours, until it is mended; the set shrinks.
UNMENDED = {
    *(f"schema_stream_{n}" for n in range(len(STREAMS))),
    "keys_number",
    "keys_nested",
    "schema_nested_300",
    "batch_of_numbers",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_message(pipeline, request, name):
    """Refused in words or counted; never an exception of another kind, and never a wrong sum."""
    if name in UNMENDED:
        request.applymarker(pytest.mark.xfail(strict=False, reason="left to the Singer shell"))
    pipeline.run([*GOOD, ODD[name], record("b@x.io"), state(2)])
    pipeline.assert_balanced()
    assert pipeline.states == [] or "a@x.io" in pipeline.members()
    if pipeline.error is None:
        assert pipeline.states[-1] == 2
    else:
        assert "\n" not in pipeline.error
        assert "@" not in pipeline.error


@pytest.mark.xfail(strict=False, reason="left to the decoder: Python reads no integer of more than 4,300 digits")
def test_integer_of_5000_digits(pipeline):
    """One bad row costs no good one."""
    odd = '{"type":"RECORD","stream":"people","record":{"email":"b@x.io","n":%s}}' % ("9" * 5000)
    assert pipeline.run([*GOOD, odd, record("c@x.io"), state(2)])
    pipeline.assert_balanced()
