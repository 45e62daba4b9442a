"""Records of a compiled type: never laxer than the schema, and the same profiles, byte for byte, as any other way."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.segment.contract import Contract
from target_klaviyo_segments.segment.mapping import Profile
from target_klaviyo_segments.segment.record_type import RecordType, type_of
from target_klaviyo_segments.segment.typed_mapping import TypedMapper
from tests.segment.reading import mapper

KINDS = st.lists(
    st.sampled_from(["string", "integer", "number", "boolean", "null"]), min_size=1, max_size=3, unique=True
)
TYPES = KINDS | st.sampled_from(["string", "integer", "number"])
NODES = st.builds(lambda kinds: {"type": kinds}, TYPES) | st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "maxLength": st.integers(0, 12),
        "minLength": st.integers(0, 3),
        "minimum": st.integers(-5, 5),
        "maximum": st.integers(0, 2**62),
        "format": st.sampled_from(["date-time", "email"]),
        "description": st.text(max_size=3),
    },
)
NAMES = st.sampled_from(
    ["email", "first_name", "phone_number", "external_id", "tier", "Tier", "ä b", "z", "_sdc_batched_at", "other", "😀"]
)
EMAIL_NODES = st.sampled_from([{"type": ["string", "null"]}, {"type": "string"}, {"type": ["string", "integer"]}])
SCHEMAS = st.fixed_dictionaries(
    {
        "properties": st.builds(
            lambda email, others: {**others, "email": email}, EMAIL_NODES, st.dictionaries(NAMES, NODES, max_size=6)
        )
    },
    optional={
        "type": st.just("object"),
        "required": st.lists(NAMES, max_size=2),
        "additionalProperties": st.booleans(),
    },
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-6, 6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "Ada", "gold", "+12025550123", "0151 23456789", "é😀", "x" * 20, '"properties":{}', ',"properties":{}']
    )
)
EMAILS = st.sampled_from(["a@x.io", "b@x.io", " B@X.io ", "bad", "", None, 7])
RECORDS = st.builds(
    lambda email, others: {**others, **email},
    st.fixed_dictionaries({}, optional={"email": EMAILS}),
    st.dictionaries(NAMES, VALUES, max_size=6),
)
SETTINGS = st.sampled_from(
    [
        {},
        {"unmapped_fields": "drop"},
        {"default_country": "DE", "field_map": {"title": "tier"}},
        {"field_map": {"external_id": "email", "first_name": "other"}},
    ]
)


def lines_of(records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def fitting(schema):
    """Records that mostly keep to a schema: a wrong value in one is the exception."""
    values = {
        "string": st.sampled_from(["", "Ada", "gold", "+12025550123", "0151 23456789", "é😀", ',"properties":{}']),
        "integer": st.integers(0, 5) | st.integers(-(2**70), 2**70),
        "number": st.integers(0, 5) | st.floats(0, 5),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    fields = {}
    for name, node in schema["properties"].items():
        kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
        fields[name] = EMAILS if name == "email" else st.one_of([values[kind] for kind in kinds])
    return st.fixed_dictionaries({}, optional=fields)


@given(SCHEMAS, SETTINGS, st.data())
def test_typed_records_become_the_profiles_that_they_become_as_dictionaries(schema, settings, data):
    """What is decoded to a type keeps to the schema; its payload, on which the fingerprint hangs, is the same bytes."""
    records = data.draw(st.lists(fitting(schema), min_size=1, max_size=3) | st.lists(fitting(schema) | RECORDS))
    kind = RecordType.from_schema(schema, data.draw(st.sampled_from([(), (), ("email",)])))
    names = tuple(schema["properties"])
    plain = mapper(properties=names, **settings)
    typed = TypedMapper.compile(kind, plain.plan, "email")
    found = typed and typed.type.decode(lines_of(records))
    if typed is None or found is None:
        return
    contract = Contract.from_schema("people", schema, (), "email")
    assert [contract.check(record) for record in records] == [None] * len(records)
    many = typed.map_many(found)
    alone = [plain.map(record) for record in records]
    good = [profile for profile in alone if isinstance(profile, Profile)]
    assert many.left == [place for place, profile in enumerate(alone) if not isinstance(profile, Profile)]
    assert list(zip(many.emails, many.payloads, strict=True)) == [(profile.email, profile.payload) for profile in good]
    assert sorted(many.dropped) == sorted(name for profile in good for name in profile.dropped)


def test_records_that_fit_are_not_refused_for_nothing():
    """The fast way is taken: whoever keeps to plain types, with all columns there, is decoded."""
    nodes = {
        "email": {"type": ["string", "null"]},
        "n": {"type": ["integer", "null"], "minimum": 0},
        "t": {"type": "string"},
    }
    kind = RecordType.from_schema({"type": "object", "properties": nodes}, ("t",))
    assert kind.decode(lines_of([{"email": "a@x.io", "n": None, "t": "x"}, {"t": "y", "n": 3}])) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": []},
        {"properties": {"email": {}}},
        {"properties": {"email": {"type": "string", "pattern": "@"}}},
        {"properties": {"email": {"type": "object"}}},
        {"properties": {"email": {"type": ["string", {}]}}},
        {"properties": {"email": {"type": "string", "maxLength": "9"}}},
        {"properties": {"email": {"type": "string", "maxLength": -1}}},
        {"properties": {"email": {"type": "string"}, "n": {"type": "number", "minimum": 0.5}}},
        {"properties": {"email": {"type": "string"}, "n": {"type": "number", "maximum": 2**60}}},
        {"properties": {"email": {"type": "string"}, "n": {"type": "integer", "maximum": 2**64}}},
        {"properties": {"email": {"type": "string"}, "n": {"type": "integer", "minimum": True}}},
        {"properties": {"email": {"type": "string"}, 'quo"te': {"type": "string"}}},
        {"properties": {"email": {"type": "string"}, "\ud800": {"type": "string"}}},
        {"properties": {"email": {"type": "string"}, "_sdc_deleted_at": {"type": "string", "minLength": 1}}},
        {"properties": {"email": {"type": "string"}, "_sdc_deleted_at": {"type": "integer"}}},
        {"properties": {"email": {"type": "string"}, "_sdc_deleted_at": True}},
        {"properties": {"email": {"type": "string"}}, "required": ["id"]},
        {"properties": {"email": {"type": "string"}}, "required": "email"},
        {"properties": {"email": {"type": "string"}}, "minProperties": 2},
        {"properties": {"email": {"type": "string"}}, "type": ["array", "null"]},
        {"properties": {"email": {"type": "string"}}, "allOf": [{"required": ["id"]}]},
    ],
)
def test_what_types_cannot_say_has_no_type(schema):
    """Such a stream goes the way of all others, which knows every keyword."""
    assert RecordType.from_schema(schema, ()) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"email": "a@x.io"}',
        b'{"id": null, "email": "a@x.io"}',
        b'{"id": 1, "email": 5}',
        b'{"id": 1.5, "email": "a@x.io"}',
        b'{"id": true, "email": "a@x.io"}',
        b'{"id": 1, "email": "a@x.io", "stranger": 1}',
        b'{"id": 1, "email": "\\ud800"}',
        b'{"id": 1, "email": "a@x.io", "note": "12345"}',
        b'{"id": -1, "email": "a@x.io"}',
        b"[]",
        b"{",
    ],
)
def test_what_does_not_fit_is_decoded_in_another_way(line):
    """One such record is enough: all that are decoded with it are looked at by the schema's own check."""
    nodes = {
        "id": {"type": "integer", "minimum": 0},
        "email": {"type": "string"},
        "note": {"type": "string", "maxLength": 4},
    }
    kind = RecordType.from_schema({"properties": nodes}, ("id",))
    good = b'{"id": 1, "email": "b@x.io", "note": "1234"}\n'
    assert len(kind.decode(good + good)) == 2
    assert kind.decode(good + line + b"\n") is None


@pytest.mark.parametrize(
    "settings",
    [
        {"field_map": {"properties.level": "tier"}},
        {"field_map": {"first_name": "contact.name"}},
        {"append_fields": {"tiers": "tier"}},
        {"null_fields": "clear"},
    ],
)
def test_where_columns_alone_do_not_lead_there_is_no_typed_way(settings):
    """Renamed, from inside objects, list arithmetic, nulls that clear."""
    kind = RecordType.from_schema({"properties": {name: {"type": "string"} for name in ("email", "tier")}}, ())
    assert TypedMapper.compile(kind, mapper(properties=("email", "tier"), **settings).plan, "email") is None


def test_a_profile_that_is_too_large_is_left_to_the_other_way():
    """Which rejects it with its size, and sends the others."""
    kind = RecordType.from_schema({"properties": {name: {"type": "string"} for name in ("email", "note")}}, ())
    typed = TypedMapper.compile(kind, mapper(properties=("email", "note")).plan, "email")
    records = kind.decode(lines_of([{"email": "a@x.io"}, {"email": "b@x.io", "note": "x" * 100_001}]))
    assert typed.map_many(records) is None


def test_a_delete_marker_does_not_fit():
    """Its person leaves: nothing of the record is mapped."""
    nodes = {"email": {"type": "string"}, "_sdc_deleted_at": {"type": ["string", "null"]}}
    kind = RecordType.from_schema({"properties": nodes}, ())
    assert len(kind.decode(lines_of([{"email": "a@x.io"}, {"email": "b@x.io", "_sdc_deleted_at": None}]))) == 2
    assert kind.decode(lines_of([{"email": "a@x.io", "_sdc_deleted_at": "2026-01-01"}])) is None


@pytest.mark.parametrize(("kinds", "fits"), [("string", True), (["string", "null"], True), ("null", False)])
def test_an_empty_delete_marker_fits(kinds, fits):
    """Taps without nulls write one in every row; where it may be text."""
    kind = RecordType.from_schema({"properties": {"email": {"type": "string"}, "_sdc_deleted_at": {"type": kinds}}}, ())
    assert (kind.decode(lines_of([{"email": "a@x.io", "_sdc_deleted_at": ""}])) is not None) == fits
    assert kind.decode(lines_of([{"email": "a@x.io", "_sdc_deleted_at": " "}])) is None


def test_the_order_of_columns_changes_nobody():
    """A tap that writes them in another order, as one that reads from a map does, sends nobody again."""
    one, other = ({"email": "a@x.io", "tier": "gold", "age": 7}, {"age": 7, "tier": "gold", "email": "a@x.io"})
    assert mapper().map(one) == mapper().map(other)


def test_a_type_of_several_kinds_takes_each():
    """As a column that was a number once and is text now."""
    found = msgspec.json.Decoder(list[type_of({"type": ["integer", "string", "null", "boolean"], "maxLength": 3})])
    assert found.decode(b'[1, "abc", null, true]') == [1, "abc", None, True]
    with pytest.raises(msgspec.ValidationError):
        found.decode(b'["abcd"]')
