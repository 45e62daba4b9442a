"""The check of a stream's schema, before anything is sent."""

from __future__ import annotations

import pytest

from target_klaviyo_segments.errors import ContractError, Rejection
from target_klaviyo_segments.segment.contract import Contract, Verdict, unknown_sources

EMAIL = {"type": ["null", "string"]}
# Of a tap that found nothing to tell its columns from.
OWN = ". All of them are the tap's own: see whether it found its file or table, and a row there"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"email": {"type": "string"}}},
        {"properties": {"email": {"type": ["null", "string"]}}},
        {"properties": {"email": {}}},
        {"properties": {"email": True}},
        {"properties": {"email": {"type": ["text"]}}},
        {"properties": {"email": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
        {
            "properties": {"email": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/e"}]}},
            "$defs": {"e": {"type": "string"}},
        },
        {"properties": {"email": {"allOf": [{"type": ["string", "null"]}, {}]}}},
        {"properties": {"email": {"$ref": "#/definitions/a~1b"}}, "definitions": {"a/b": {"type": "string"}}},
        {"properties": {"email": {"$ref": "#/definitions/x%20y/0"}}, "definitions": {"x y": [{"type": "string"}]}},
        {"properties": {"email": {"$ref": "#/properties/email"}}},
        {"properties": {"email": {"$ref": "https://x.io/schema"}}},
        {"properties": {"email": {"$ref": 7, "anyOf": 7}}},
        {"$ref": "#/definitions/row", "definitions": {"row": {"properties": {"email": EMAIL}}}},
        {"allOf": [{"properties": {"id": {}}}, {"properties": {"email": EMAIL}}, 7]},
        {"anyOf": [{"properties": {"email": EMAIL}}, {"$ref": "#"}]},
    ],
)
def test_a_stream_whose_email_may_be_text_is_accepted(schema):
    """Wherever the schema says so: in type, a choice, a reference, or by saying nothing."""
    found = Contract.from_schema("people", schema, (), "email")
    assert "email" in found.properties


@pytest.mark.parametrize(
    "email",
    [
        {"type": "integer"},
        {"type": ["null", "object"]},
        {"anyOf": [{"type": "null"}, {"type": "number"}]},
        {"allOf": [{"type": "string"}, {"type": "number"}]},
        {"type": "string", "oneOf": [{"type": "null"}]},
        {"$ref": "#/definitions/number"},
        False,
    ],
)
def test_an_email_that_is_never_text_is_an_error_before_anything_is_sent(email):
    """It names stream, setting and property."""
    schema = {"properties": {"email": email, "id": {}}, "definitions": {"number": {"type": "number"}}}
    with pytest.raises(ContractError, match="which by its schema is never text; its properties are: ") as caught:
        Contract.from_schema("people", schema, (), "email", setting="segments.people.email_field")
    for word in ("`people`", "`segments.people.email_field`", "`email`", "email, id"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        (
            ["id", "mail"],
            ["`email_field` is `email`, which is none of its properties; did you mean `mail`?; they are: id, mail"],
        ),
        (
            ["_sdc_filename", "_sdc_stream"],
            ["`email_field` is `email`, which is none of its properties; they are: _sdc_filename, _sdc_stream" + OWN],
        ),
        (["id", "name"], ["`email_field` is `email`, which is none of its properties; they are: id, name"]),
        (["EMAIL", "ID"], ["did you mean `EMAIL`?"]),
        ([f"column_{number:02}" for number in range(40)], ["column_00, column_01", "column_29 and 10 more"]),
    ],
)
def test_a_stream_without_the_mapped_email_names_the_properties_there_are(properties, words):
    """So that the setting can be put right at once."""
    with pytest.raises(ContractError) as caught:
        Contract.from_schema("people", {"properties": {name: {} for name in properties}}, (), "email")
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, {"properties": {}}, {"properties": None}, {"allOf": [True]}]
)
def test_a_schema_without_properties_is_an_error(schema):
    """There is nothing the e-mail could be."""
    with pytest.raises(
        ContractError, match="stream `people`: `email_field` is `email`, but its schema has no `properties`"
    ):
        Contract.from_schema("people", schema, (), "email")


def contract(path, properties):
    return Contract.from_schema("people", {"properties": {"email": EMAIL, **properties}}, (), path)


NESTED = {"contact": {"type": ["null", "object"], "properties": {"email": EMAIL, "age": {"type": "integer"}}}}


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        (NESTED, "contact.email"),
        ({"contact": {"type": "object"}}, "contact.email"),
        ({"contact": {}}, "contact.mail.address"),
        ({"contact.email": EMAIL, "contact": {"type": "string"}}, "contact.email"),
        ({"contact": {"anyOf": [{"type": "null"}, NESTED["contact"]]}}, "contact.email"),
    ],
)
def test_the_email_may_lie_inside_an_object(properties, path):
    """By a dotted path, when no property has that very name."""
    assert contract(path, properties).check({"email": None}) is None


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        (NESTED, "contact.mail"),
        (NESTED, "contact.age"),
        (NESTED, "person.email"),
        ({"contact": {"type": "string"}}, "contact.email"),
        ({"contact.email": {"type": "integer"}}, "contact.email"),
    ],
)
def test_a_path_that_leads_to_no_text_is_an_error(properties, path):
    """As for a property."""
    with pytest.raises(ContractError):
        contract(path, properties)


def test_sources_that_the_schema_does_not_have_are_told():
    """Most often a typing error; a dotted path into an object of which nothing is known is none."""
    schema = {"properties": {"given_name": {}, "contact": {"type": "object"}}}
    sources = {
        "field_map.first_name": "given_nme",
        "field_map.last_name": "given_name",
        "append_fields.towns": "contact.city",
    }
    (told,) = unknown_sources("people", schema, sources)
    assert told == (
        "stream `people`: `field_map.first_name` is `given_nme`, which is none of its properties; "
        "did you mean `given_name`? Correct the name, or take it out"
    )


@pytest.mark.parametrize("fault", [None, Rejection("schema_mismatch", "it is too long")])
def test_a_verdict_is_a_contract_that_knows(fault):
    """One by one or many at once, whatever the record is by now."""
    verdict = Verdict(fault)
    assert verdict.check({"email": 1}) is fault
    assert verdict.accept([{}]) == [fault is None]
