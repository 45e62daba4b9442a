"""Where each property goes: field_map, names, nested objects, and who wins."""

from __future__ import annotations

import json

import pytest

from target_klaviyo_segments.segment.fields import STANDARD_FIELDS, field_map_problems
from target_klaviyo_segments.segment.mapping import Mapper


def sent(record, *, properties=(), email_field="email", field_map=None, unmapped_fields="send"):
    mapper = Mapper.compile(
        properties=properties or record,
        email_field=email_field,
        field_map=field_map or {},
        unmapped_fields=unmapped_fields,
        default_country=None,
    )
    found = json.loads(mapper.map(record).payload)["attributes"]
    del found["email"]
    return found


MAIL = {"email": "a@x.io"}


def test_the_rest_becomes_custom_properties():
    """Unmapped columns go along, `id` too: it is the source's, never Klaviyo's."""
    assert sent({**MAIL, "id": 7, "tier": "gold"}) == {"properties": {"id": 7, "tier": "gold"}}


def test_the_rest_is_dropped_when_asked():
    """`drop` sends Klaviyo's fields, mapped properties and an object `properties`, nothing else."""
    record = {
        **MAIL,
        "first_name": "A",
        "tier": "x",
        "level": 1,
        "properties": {"p": 1},
        "location": {"city": "B", "x": 1},
    }
    assert sent(record, field_map={"properties.tier": "level"}, unmapped_fields="drop") == {
        "first_name": "A",
        "location": {"city": "B"},
        "properties": {"tier": 1, "p": 1},
    }


@pytest.mark.parametrize("properties", [(), ("_sdc_batched_at", "_smart_x")])
def test_columns_about_the_row_are_never_sent(properties):
    """They are the warehouse's, whether the schema names them or not."""
    assert sent({**MAIL, "_sdc_batched_at": "x", "_smart_x": 1}, properties=properties) == {}


def test_a_property_that_the_schema_does_not_name_is_sent_each_time():
    """The way is found when it first comes and kept."""
    mapper = Mapper.compile(
        properties=(), email_field="email", field_map={}, unmapped_fields="send", default_country=None
    )
    payloads = [mapper.map({**MAIL, "new": 1}).payload for _ in range(2)]
    assert payloads[0] == payloads[1]
    assert b'"properties":{"new":1}' in payloads[0]


def test_records_whose_keys_are_data_are_mapped_without_learning_them_all():
    """Memory does not grow with the input; the answer stays the same."""
    mapper = Mapper.compile(
        properties=(), email_field="email", field_map={}, unmapped_fields="send", default_country=None
    )
    for start in range(0, 12_000, 1_000):
        profile = mapper.map({**MAIL, **{f"k{number}": 1 for number in range(start, start + 1_000)}})
        assert len(json.loads(profile.payload)["attributes"]["properties"]) == 1_000
    assert len(mapper._router._own) <= 10_000


def test_the_mapped_email_is_not_sent_again():
    """Another property called `email` is then the record's own."""
    record = {"attributes_email": "a@x.io", "email": "old@x.io", "n": 1}
    assert sent(record, email_field="attributes_email") == {"properties": {"email": "old@x.io", "n": 1}}


def test_field_map_sends_a_property_once_under_its_new_name():
    """Not as a custom property as well."""
    record = {**MAIL, "given": "A", "town": "B", "level": 3}
    field_map = {"first_name": "given", "location.city": "town", "properties.tier": "level"}
    assert sent(record, field_map=field_map) == {
        "first_name": "A",
        "location": {"city": "B"},
        "properties": {"tier": 3},
    }


def test_one_property_may_fill_several_fields():
    """The e-mail as well."""
    field_map = {"external_id": "email", "first_name": "name", "properties.name": "name"}
    assert sent({**MAIL, "name": "A"}, field_map=field_map) == {
        "external_id": "a@x.io",
        "first_name": "A",
        "properties": {"name": "A"},
    }


def test_field_map_wins_over_the_property_of_the_same_name():
    """A field that is mapped takes nothing else; the other standard-named property is then custom."""
    record = {**MAIL, "first_name": "own", "given": "mapped", "tier": "own", "level": "mapped"}
    field_map = {"first_name": "given", "properties.tier": "level"}
    wanted = {"first_name": "mapped", "properties": {"first_name": "own", "tier": "mapped"}}
    assert sent(record, field_map=field_map) == wanted
    assert sent(dict(reversed(record.items())), field_map=field_map) == wanted


def test_a_standard_named_property_that_is_mapped_elsewhere_goes_only_there():
    """`organization` as title is no organization."""
    assert sent({**MAIL, "organization": "X"}, field_map={"title": "organization"}) == {"title": "X"}


@pytest.mark.parametrize("turn", [dict, lambda record: dict(reversed(record.items()))])
def test_a_property_wins_over_what_lies_inside_an_object(turn):
    """In whatever order they come."""
    record = {
        **MAIL,
        "tier": "own",
        "location_planet": "own",
        "location.city": "own",
        "properties": {"tier": "inside", "x": 1},
        "location": {"city": "inside", "zip": 7, "planet": "inside"},
    }
    assert sent(turn(record)) == {
        "location": {"city": "own", "zip": "7"},
        "properties": {"tier": "own", "location_planet": "own", "x": 1},
    }


def test_field_map_wins_over_what_lies_inside_an_object():
    """Even where the mapped property is empty: who wins is settled before any record comes."""
    record = {**MAIL, "level": None, "properties": {"tier": 1, 2: 3}, "location": {"city": "inside", 5: None}}
    assert sent(record, field_map={"properties.tier": "level", "location.city": "level"}) == {"properties": {"2": 3}}


def test_location_keeps_what_klaviyo_has_no_place_for():
    """As custom properties with the name of the object before theirs."""
    assert sent({**MAIL, "location": {"city": "B", "planet": "Earth", "moon": None}}) == {
        "location": {"city": "B"},
        "properties": {"location_planet": "Earth"},
    }


@pytest.mark.parametrize("name", ["location", "properties"])
def test_location_and_properties_that_are_no_objects_are_custom_properties(name):
    """A text is still the user's data."""
    assert sent({**MAIL, name: "Berlin"}) == {"properties": {name: "Berlin"}}
    assert sent({**MAIL, name: "Berlin"}, unmapped_fields="drop") == {}
    assert sent({**MAIL, name: "Berlin"}, field_map={f"properties.{name}": "nothing"}) == {}


CONTACT = {"contact": {"email": "A@x.io", "name": {"first": "A", "last": "D"}, "vip": True}}


def test_a_dotted_path_reads_inside_objects_and_takes_the_value_away():
    """What is mapped is sent once; what else the object holds stays a custom property."""
    found = sent(CONTACT, email_field="contact.email", field_map={"first_name": "contact.name.first"})
    assert found == {"first_name": "A", "properties": {"contact": {"name": {"last": "D"}, "vip": True}}}


def test_an_object_of_which_nothing_is_left_is_not_sent():
    """No empty shells."""
    assert sent({"contact": {"name": {"mail": "a@x.io"}}}, email_field="contact.name.mail") == {}


def test_a_path_that_leads_nowhere_takes_nothing_away():
    """An object without the value, a text in its place, or nothing at all."""
    field_map = {"first_name": "contact.name.first"}
    assert sent({**MAIL, "contact": {"vip": 1}}, field_map=field_map) == {"properties": {"contact": {"vip": 1}}}
    assert sent({**MAIL, "contact": "text"}, field_map=field_map) == {"properties": {"contact": "text"}}
    assert sent(MAIL, field_map=field_map) == {}


@pytest.mark.parametrize("properties", [("email", "contact.name", "contact"), ("email", "contact")])
def test_a_property_of_the_dotted_name_goes_before_the_path(properties):
    """Whether the schema names it or only the record has it."""
    record = {**MAIL, "contact.name": "literal", "contact": {"name": "inside"}}
    found = sent(record, properties=properties, field_map={"first_name": "contact.name"})
    assert found["first_name"] == "literal"
    assert "contact.name" not in found.get("properties", {})


def test_paths_into_location_and_properties_leave_the_rest_in_place():
    """The object is still Klaviyo's, without what is mapped."""
    record = {"properties": {"mail": "a@x.io", "tier": 1}, "location": {"town": "B", "zip": "1"}}
    assert sent(record, email_field="properties.mail", field_map={"location.city": "location.town"}) == {
        "location": {"zip": "1", "city": "B"},
        "properties": {"tier": 1},
    }


def test_with_drop_the_rest_of_an_object_is_dropped():
    """Only what is mapped goes."""
    assert sent(CONTACT, email_field="contact.email", unmapped_fields="drop") == {}


def test_an_object_mapped_whole_stays_whole():
    """Asked for by its own name, it is sent as it is."""
    field_map = {"properties.all": "contact", "properties.vip": "contact.vip"}
    found = sent(CONTACT, email_field="contact.email", field_map=field_map)
    assert found == {"properties": {"all": CONTACT["contact"], "vip": True}}


def test_every_field_of_klaviyo_and_any_custom_property_can_be_mapped():
    """The check of the settings knows the same table."""
    field_map = {field: "column" for field in STANDARD_FIELDS if field != "email"} | {"properties.a.b": "column"}
    assert field_map_problems(field_map) == []


@pytest.mark.parametrize(
    ("field_map", "words"),
    [
        (
            {"frist_name": "x"},
            [
                "names `frist_name`, which is no profile field of Klaviyo's; did you mean `first_name`?",
                "`properties.frist_name`",
            ],
        ),
        ({"CITY": "x"}, ["`CITY`"]),
        ({"location.town": "x"}, ["`location.town`", "custom property"]),
        ({"properties.": "x"}, ["`properties.`", "`properties.tier`"]),
        ({"email": "x"}, ["cannot set `email`: name the property with the e-mail address in `email_field`"]),
        ({"first_name": 7}, ["`field_map.first_name` must name a property of the records"]),
        ({"first_name": " "}, ["`field_map.first_name`"]),
        ({7: "x"}, ["`field_map` names Klaviyo's fields by text, and `7` is none"]),
    ],
)
def test_a_wrong_field_map_is_told_in_words(field_map, words):
    """One problem, with what was probably meant."""
    (problem,) = field_map_problems(field_map)
    assert all(word in problem for word in words)


def test_every_problem_of_a_field_map_is_told():
    """Not only the first."""
    assert len(field_map_problems({"nope": "x", "title": ""})) == 2
