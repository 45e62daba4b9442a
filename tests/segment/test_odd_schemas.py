"""Real taps' schemas: an odd keyword is left out with a warning, and stops no run."""

from __future__ import annotations

import socket

import pytest

from target_klaviyo_segments.segment.contract import Contract
from target_klaviyo_segments.segment.schema import flattenable

EMAIL = {"type": ["null", "string"]}


def contract(root=None, **properties):
    return Contract.from_schema("people", {"properties": {"email": EMAIL, **properties}, **(root or {})}, (), "email")


@pytest.mark.parametrize(
    ("properties", "root", "left_out"),
    [
        ({"a": {"type": ["strin", "null"]}}, {}, ["properties.a.type"]),
        ({"a": None}, {}, ["properties.a"]),
        ({"a": {"pattern": "a\\Z"}}, {}, ["properties.a.pattern"]),
        ({"a": {"anyOf": [{"type": "x"}, None]}}, {}, ["properties.a.anyOf.0.type", "properties.a.anyOf.1"]),
        ({"a": {"anyOf": []}}, {}, ["properties.a.anyOf"]),
        ({"a": {"not": {"type": "x"}}}, {}, ["properties.a.not"]),
        ({"a": {"oneOf": [{"type": "x"}, {}]}}, {}, ["properties.a.oneOf"]),
        ({"a": {"items": [{"type": "x"}]}}, {}, ["properties.a.items"]),
        ({"a": {"items": {"type": "x"}}}, {}, ["properties.a.items"]),
        ({"a": {"additionalProperties": {"type": "x"}}}, {}, ["properties.a.additionalProperties.type"]),
        ({"a": {"additionalProperties": 3}}, {}, ["properties.a.additionalProperties"]),
        ({"a": {"properties": 3}}, {}, ["properties.a.properties"]),
        ({"a": {"properties": {"properties": {"type": "q"}}}}, {}, ["properties.a.properties.properties.type"]),
        ({"a": {"$ref": 3}}, {}, ["properties.a.$ref"]),
        ({"a": {"$ref": "#/nowhere"}, "b": {"$ref": "#name"}}, {}, ["properties.a.$ref", "properties.b.$ref"]),
        ({"a": {"$ref": "#/properties/email/type/7/x"}}, {}, ["properties.a.$ref"]),
        ({"a": {"not": {"$ref": "http://127.0.0.1:9/x"}}}, {}, ["properties.a.not"]),
        ({"a": {"$ref": "file:///etc/passwd"}}, {}, ["properties.a.$ref"]),
        ({"a": {"maximum": float("nan")}}, {}, ["properties.a.maximum"]),
        ({}, {"required": True}, ["required"]),
        ({}, {"$id": 7}, ["$id"]),
        ({}, {"patternProperties": {"a\\Z": {}}}, ["patternProperties"]),
        ({}, {"definitions": {"b": {"type": "q"}}}, ["definitions.b.type"]),
        ({"a": {"items": [{}]}}, {"$schema": "https://json-schema.org/draft/2020-12/schema"}, ["properties.a.items"]),
    ],
)
def test_what_cannot_be_used_is_left_out_and_named(properties, root, left_out):
    """The rest of the schema still counts, and no row is lost to what was left out."""
    people = contract(root, **properties)
    assert people.warnings == tuple(
        f"stream `people`: `{path}` cannot be used, so it is not checked" for path in left_out
    )
    assert people.check({"email": "a@x.io", "a": ["anything"], "b": 1}) is None
    assert people.check({"email": 7}).field == "email"


ENDLESS = {"type": "string"}
for _ in range(5_000):
    ENDLESS = {"properties": {"a": ENDLESS}}


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"a": {"enum": ["\ud800"]}}, id="surrogate"),
        pytest.param({"a": {"$id": "http://x.io/z", "items": {"$ref": "#/properties/email"}}}, id="other base"),
        pytest.param({f"p{number}": {"type": "x"} for number in range(300)}, id="too many"),
        pytest.param({"a": ENDLESS}, id="endless"),
    ],
)
def test_a_schema_that_cannot_be_used_at_all_checks_nothing(properties):
    """Said once; the rule for the e-mail stays."""
    people = contract(**properties)
    assert people.warnings == ("stream `people`: the whole schema cannot be used, so it is not checked",)
    assert people.check({"email": 7, "a": 1}) is None


@pytest.fixture
def listener():
    """A local server that nobody should call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$recursiveRef", "$schema"])
@pytest.mark.parametrize("draft", ["draft-04", "draft-07", "2019-09", "2020-12"])
def test_nothing_is_fetched(listener, draft, keyword):
    """Checking a record makes no request, by whatever keyword a schema asks for one."""
    elsewhere = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    people = contract({"$schema": draft}, a={"$id": "http://x.io/a", keyword: elsewhere}, b={"type": "string"})
    assert people.check({"email": "a@x.io", "a": 1, "b": "b"}) is None
    people.check({"email": "a@x.io", "a": 1, "b": 2})
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("declared", [None, "http://json-schema.org/draft-04/schema#"])
def test_booleans_of_draft_4_bound_without_their_value(declared):
    """Several taps write them and name no draft."""
    people = contract({"$schema": declared} if declared else {}, ltv={"maximum": 10, "exclusiveMaximum": True})
    assert people.warnings == ()
    assert people.check({"ltv": 9.99}) is None
    assert people.check({"ltv": 10}).field == "ltv"


def test_a_property_named_like_a_keyword_is_a_property():
    """`exclusiveMaximum: true` as a property says nothing of the draft, `$ref` nothing of references."""
    people = contract(exclusiveMaximum=True, properties={"type": "string"}, a={"exclusiveMinimum": 3}, **{"$ref": {}})
    assert people.warnings == ()
    assert people.check({"a": 3}).reason == "`a` is not above exclusiveMinimum 3"
    assert people.check({"properties": 3}).field == "properties"


@pytest.mark.parametrize(
    ("declared", "schema", "bad"),
    [
        ("http://json-schema.org/draft-06/schema#", {"const": 1}, 2),
        ("http://json-schema.org/draft-07/schema#", {"if": {}, "then": {"const": 1}}, 2),
        ("https://json-schema.org/draft/2019-09/schema", {"dependentRequired": {"a": ["b"]}}, {"a": 1}),
        ("https://json-schema.org/draft/2020-12/schema", {"prefixItems": [{"type": "integer"}]}, ["x"]),
        ("http://somewhere.else/schema", {"const": 1}, 2),
        (7, {"const": 1}, 2),
    ],
)
def test_the_draft_that_a_schema_names_is_honoured(declared, schema, bad):
    """An unknown one is read as draft 7."""
    people = contract({"$schema": declared}, any=schema)
    assert people.warnings == ()
    assert people.check({"any": bad}).field == "any"


def test_a_recursive_reference_is_followed():
    """As pipelinewise's taps write arrays of arrays."""
    deep = {"type": ["null", "integer", "array"], "items": {"$ref": "#/definitions/deep"}}
    people = contract({"definitions": {"deep": deep}}, any={"items": {"$ref": "#/definitions/deep"}})
    assert people.check({"any": [[1, [2]], None]}) is None
    assert people.check({"any": [[1, ["x"]]]}).reason == "`any.0.1.0` is not of type null or integer or array"


def test_odd_formats_and_unknown_keywords_mean_nothing():
    """`format` is not checked: dates stay the text they are."""
    people = contract(any={"format": "singer.decimal", "widget": 7}, day={"type": "string", "format": "date"})
    assert people.warnings == ()
    assert people.check({"any": "x", "day": "no day"}) is None


def test_the_schema_of_the_stream_stays_as_it_was():
    """It is singer-sdk's too."""
    schema = {"$schema": "x", "properties": {"email": {"type": "string", "pattern": "a\\Z"}}}
    Contract.from_schema("people", schema, (), "email")
    assert schema == {"$schema": "x", "properties": {"email": {"type": "string", "pattern": "a\\Z"}}}


@pytest.mark.parametrize(
    "broken", [{"type": "x"}, {"anyOf": [{}, {"type": "x"}]}, {"properties": {"0": {"type": "x"}}}]
)
@pytest.mark.parametrize("name", ["0", "1", "00", "+1", "", "type", "9" * 30])
def test_only_the_unusable_schema_is_left_out(broken, name):
    """Whatever the property's name, its siblings are checked, and those whose names look alike to the compiler."""
    others = {other: {"type": "integer"} for other in ("0", "01", "", "type", "last")}
    people = contract(**others | {name: broken})
    (warning,) = people.warnings
    assert f"`properties.{name}." in warning
    for other in others.keys() - {name}:
        assert people.check({other: "no integer"}) is not None
    assert people.check({name: "anything"}) is None


def test_an_unusable_schema_of_a_property_without_a_name():
    """Something else than a schema."""
    people = contract(**{"": 3, "0": 4, "1": {"type": "integer"}})
    assert people.check({"": 1, "0": 1}) is None
    assert people.check({"1": "x"}).field == "1"
    assert len(people.warnings) == 2


def test_flattening_reads_types_alone():
    """What its code would stumble over is taken away; the rest is as it was, also inside."""
    text, odd = {"type": "string", "maxLength": 9}, {"enum": ["a"]}
    schema = {"type": "object", "required": ["n"], "properties": {"a": text, "b": odd, "c": True, "d": {"type": 7}}}
    schema["properties"]["e"] = {"type": ["null", "object"], "properties": {"a": text, "b": odd}}
    schema["properties"]["f"] = {"type": "object", "properties": None}
    flat = flattenable(schema)
    assert flat.pop("properties") == {
        "a": text,
        "b": {},
        "c": {},
        "d": {},
        "e": {"type": ["null", "object"], "properties": {"a": text, "b": {}}},
        "f": {"type": "object"},
    }
    assert flat == {"type": "object", "required": ["n"]}
    assert schema["properties"]["b"] is odd
