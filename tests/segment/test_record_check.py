"""The check of each record against its stream's schema."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment.contract import Contract

EMAIL = {"type": ["null", "string"]}


def contract(*, key_properties=(), validate=True, root=None, **properties):
    schema = {"properties": {"email": EMAIL, **properties}, **(root or {})}
    return Contract.from_schema("people", schema, key_properties, "email", validate=validate)


def reason(schema, value):
    """What is said of a record with a value that must not be said."""
    rejection = contract(any=schema).check({"email": "secret@x.io", "any": value})
    assert isinstance(rejection, Rejection)
    assert rejection.code == "schema_mismatch"
    assert "secret" not in rejection.reason
    return rejection.field, rejection.reason


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"type": "number"}, "secret", "`any` is not of type number"),
        ({"type": ["null", "number"]}, "secret", "`any` is not of type null or number"),
        ({"maxLength": 5}, "secret", "`any` is longer than maxLength 5"),
        ({"minLength": 50}, "secret", "`any` is shorter than minLength 50"),
        ({"pattern": "^a"}, "secret", "`any` does not match the pattern ^a"),
        ({"enum": ["a"]}, "secret", "`any` is none of the values of its enum"),
        ({"const": "a"}, "secret", "`any` is not the value of its const"),
        ({"maximum": 1}, 4711, "`any` is above the maximum 1"),
        ({"minimum": 1}, 0, "`any` is below the minimum 1"),
        ({"exclusiveMaximum": 1}, 1, "`any` is not below exclusiveMaximum 1"),
        ({"exclusiveMinimum": 1}, 1, "`any` is not above exclusiveMinimum 1"),
        ({"maxItems": 1}, ["secret", "b"], "`any` has more than 1 items"),
        ({"minItems": 3}, ["secret"], "`any` has fewer than 3 items"),
        ({"multipleOf": 0.01}, 1.005, "`any` is not a multiple of 0.01"),
        *[
            ({several: [{"type": "null"}, {"maxLength": 1}]}, "secret", f"`any` does not fit {several} of its schema")
            for several in ("anyOf", "oneOf")
        ],
        ({"required": ["b"]}, {"a": "secret"}, "`any.b` is required"),
        ({"properties": {"b": {"type": "integer"}}}, {"b": "secret"}, "`any.b` is not of type integer"),
        ({"items": {"type": "integer"}}, [1, "secret"], "`any.1` is not of type integer"),
        ({"additionalProperties": False}, {"secret": 1}, "`any` has a property that its schema does not allow"),
        ({"additionalProperties": {"type": "integer"}}, {"secret@x.io": "a"}, "`any.*` is not of type integer"),
        ({"uniqueItems": True}, ["secret", "secret"], "`any` does not meet `uniqueItems` of its schema"),
        ({"enum": ["x" * 500]}, "secret", "`any` is none of the values of its enum"),
    ],
)
def test_a_reason_says_the_rule_and_never_the_value(schema, value, said):
    """Reasons may be logged, records may not."""
    assert reason(schema, value) == ("any", said)


def test_a_required_property_is_named():
    """The first that is missing."""
    rejection = contract(root={"required": ["email", "id"]}, id={}).check({"email": "a@x.io"})
    assert rejection == Rejection("schema_mismatch", "`id` is required", "id")


def test_a_rule_of_the_whole_record_names_no_field():
    """Nor the keys that the record brought."""
    rejection = contract(root={"additionalProperties": False}).check({"secret@x.io": 1})
    assert rejection == Rejection("schema_mismatch", "the record has a property that its schema does not allow")
    rejection = contract(root={"additionalProperties": {"type": "integer"}}).check({"secret@x.io": "a"})
    assert rejection == Rejection("schema_mismatch", "`*` is not of type integer")
    rejection = contract(any=False).check({"any": "secret"})
    assert rejection == Rejection("schema_mismatch", "the record is not allowed by its schema")


def test_key_properties_must_be_there_and_may_be_null():
    """singer-sdk's rule; the schema decides about null."""
    people = contract(key_properties=["id", "account"])
    assert people.check({"id": None, "account": 1}) is None
    assert people.check({"email": "a@x.io"}) == Rejection(
        "schema_mismatch", "`id` is required, being a key property", "id"
    )


@pytest.mark.parametrize("record", [None, [], "text", 7])
@pytest.mark.parametrize("validate", [True, False])
def test_a_record_that_is_no_object_is_rejected(record, validate):
    """Whatever the settings say: nothing can be made of it."""
    assert contract(validate=validate).check(record) == Rejection("not_an_object", "the record is not an object")


def test_without_validation_every_object_passes():
    """`validate_records: false` is for streams whose schema their own records contradict."""
    loose = contract(validate=False, any={"type": "integer"}, key_properties=["id"])
    assert loose.check({"any": "text"}) is None
    assert loose.warnings == ()


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), [float("nan")]],
)
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": "number", "multipleOf": 0.01, "maximum": 5},
        {"type": "string", "pattern": "^a"},
        {"enum": ["a"]},
        {},
    ],
)
def test_no_number_alone_loses_no_person(schema, value):
    """Mapping leaves NaN and infinity out."""
    schema = {"items": schema} if isinstance(value, list) else schema
    assert contract(any=schema).check({"email": "a@x.io", "any": value}) is None


@pytest.mark.parametrize("record", [{"any": "\ud800"}, {"\ud800": 1}, {"any": "\ud83d\ude00"}])
def test_a_lone_surrogate_alone_loses_no_person(record):
    """Mapping has a form for it; a rule that it breaks is still a rule."""
    people = contract(any={"type": "string", "maxLength": 1, "pattern": "."})
    assert people.check(record) is None
    assert people.check({**record, "any": "\ud800\ud800\ud800"}).reason == "`any` is longer than maxLength 1"


@pytest.mark.parametrize("value", [datetime.now(timezone.utc), datetime.now(timezone.utc).time(), UUID(int=7), ("a",)])
def test_values_that_stream_maps_make_are_what_they_were_in_json(value):
    """A date that was made of text is text."""
    people = contract(any={"type": ["string", "array"], "minLength": 2})
    assert people.check({"email": "a@x.io", "any": value, 7: 1}) is None


def test_a_record_that_is_nested_deeper_than_a_stack_is_no_error():
    """Its fate is mapping's to decide when nothing else is wrong. A decoder lets about 1,000 levels pass."""
    deep = "x"
    for _ in range(5_000):
        deep = [deep]
    people = contract(any={"items": {"$ref": "#/properties/any"}})
    assert people.check({"email": "a@x.io", "any": [deep]}) is None
    assert people.check({"email": 7, "any": [deep]}) is not None


def test_what_nobody_can_explain_stays_refused():
    """A regular expression that Python does not read has no words, but the compiled check has its verdict."""
    people = contract(root={"patternProperties": {"^\\p{L}$": {"type": "integer"}}}, when={"type": "string"})
    assert people.check({"\u00e9": "text"}) == Rejection(
        "schema_mismatch", "the record does not match the stream's schema"
    )
    assert people.check({"when": datetime.now(timezone.utc)}) is None


@pytest.mark.parametrize(
    ("value", "good"), [(19.99, True), (1.13, True), (0.07, True), (Decimal("2.55"), True), (1.001, False)]
)
def test_cents_are_multiples_of_a_cent(value, good):
    """Python's own floats say otherwise."""
    assert (contract(any={"multipleOf": 0.01}).check({"any": value}) is None) is good


records = st.dictionaries(
    st.sampled_from(["email", "n", "s", "list"]),
    st.one_of(
        st.none(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text("a\u00e9\U0001f600", max_size=6),
        st.lists(st.integers(), max_size=4),
    ),
)


@settings(deadline=None)  # a busy machine is no wrong answer
@given(records)
def test_the_verdict_is_that_of_jsonschema(record):
    """The fast check and the explained one are one check."""
    properties = {
        "email": EMAIL,
        "n": {"type": ["null", "number"], "minimum": 3},
        "s": {"type": "string", "maxLength": 4},
        "list": {"type": "array", "maxItems": 2},
    }
    found = Contract.from_schema("people", {"properties": properties}, (), "email").check(record)
    assert (found is None) == jsonschema.Draft7Validator({"properties": properties}).is_valid(record)
