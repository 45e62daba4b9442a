"""What a null takes away: custom properties in the profile itself, standard fields as bits."""

from __future__ import annotations

import json

import pytest

from target_klaviyo_segments.segment.fields import STANDARD_FIELDS
from target_klaviyo_segments.segment.nulls import BITS, Marks, fields_of, given_fields
from tests.segment.reading import custom, mapper, patch

CLEAR = {"null_fields": "clear"}
MAPPED = {"field_map": {"first_name": "given", "properties.level": "crm.level", "location.city": "crm.city"}, **CLEAR}


def unset(record, **settings):
    return patch(record, **{**CLEAR, **settings}).get("unset", [])


def nulls(record, **settings):
    """Standard fields of which a record says that they have no value."""
    given = {"email": "a@x.io", **record}
    compiled = mapper(**{**CLEAR, **settings})
    (marks,) = compiled.nulls.marks([json.dumps(given).encode()], [compiled.map(given).payload])
    return fields_of(marks.nulls)


@pytest.mark.parametrize(
    ("record", "names"),
    [
        ({"tier": None, "n": 1}, ["tier"]),
        ({"tier": ""}, []),
        ({"tier": [None]}, []),
        ({"properties": {"tier": None, "n": 1}}, ["tier"]),
        ({"properties": {"tier": None}, "tier": "gold"}, []),
        ({"properties": {"tier": "gold"}, "tier": None}, []),
        ({"properties": None, "location": None}, []),
        ({"location": {"level": None, "city": None}}, ["location_level"]),
        ({"_sdc_x": None, "first_name": None, "email": "a@x.io"}, []),
        ({"tier": float("nan")}, []),
        ({"\ud800": None}, ["\ufffd"]),
    ],
)
def test_a_custom_property_that_is_null_is_unset(record, names):
    """Where nothing else of the record gives it a value; what is nothing for Klaviyo unsets nothing."""
    assert unset(record) == names


@pytest.mark.parametrize(
    ("record", "names", "fields"),
    [
        ({"given": None}, [], ["first_name"]),
        ({"first_name": None}, ["first_name"], []),
        ({"crm": {"level": None, "city": None}}, ["level"], ["location.city"]),
        ({"crm": None}, ["crm", "level"], ["location.city"]),
        ({"crm": {}}, [], []),
        ({"crm.level": None, "crm": {"level": 1}}, ["level"], []),
    ],
)
def test_what_a_setting_names_is_cleared_by_its_source(record, names, fields):
    """A property of another name, or a path: a null on it is a null at its end."""
    assert sorted(unset(record, **MAPPED)) == names
    assert nulls(record, **MAPPED) == fields


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        ({"first_name": None, "title": "", "phone_number": " "}, ["phone_number", "first_name", "title"]),
        ({"phone_number": "bad"}, []),
        ({"location": {"city": None, "zip": "", "latitude": 1}}, ["location.city", "location.zip"]),
        ({"location": {"city": None}, "location.city": "Graz"}, []),
        ({"email": None}, []),
    ],
)
def test_a_standard_field_that_is_null_or_empty_is_told(record, fields):
    """An unusable value is none of both, and the address is never cleared."""
    if record.get("email", "") is None:
        assert "email" not in nulls({"mail": "a@x.io", **record}, email_field="mail")
    else:
        assert nulls(record) == fields


def test_a_null_location_is_a_null_of_every_part():
    """But for parts that come from elsewhere."""
    assert nulls({"location": None, "town": "Graz"}, field_map={"location.city": "town"}) == [
        field for field in STANDARD_FIELDS if field.startswith("location.") and field != "location.city"
    ]


def test_dropped_fields_are_not_unset():
    """`unmapped_fields: drop` never gave them."""
    assert unset({"tier": None}, unmapped_fields="drop") == []


def test_a_null_of_a_tag_does_nothing():
    """Neither to the array nor as a property of the column's name."""
    settings = {"append_fields": {"tags": "tag"}, **CLEAR}
    assert patch({"tag": None, "tags": None}, **settings) == {}
    assert custom({"tag": None, "tags": None}, **settings) == {}


def test_bits_are_those_of_the_ledger_for_ever():
    """They are stored: a field's number never changes."""
    assert list(BITS) == [
        *(
            "email",
            "phone_number",
            "external_id",
            "first_name",
            "last_name",
            "organization",
            "title",
            "locale",
            "image",
        ),
        *("location.address1", "location.address2", "location.city", "location.country", "location.region"),
        *("location.zip", "location.timezone", "location.ip", "location.latitude", "location.longitude"),
    ]
    assert list(BITS.values()) == [2**place for place in range(len(BITS))]


def test_what_a_profile_gives_is_read_off_it():
    """Custom properties are none of it."""
    sent = mapper().map({"email": "a@x.io", "title": "Dr", "city": "x", "location": {"zip": "1"}}).payload
    assert fields_of(given_fields(sent)) == ["email", "title", "location.zip"]
    assert Marks(1, 2) == (1, 2)


def test_a_record_whose_keys_are_data_fills_no_memory():
    """Beyond ten thousand names none is learned, and each is still read right."""
    names = [f"k{number}" for number in range(10_050)]
    assert unset(dict.fromkeys(names)) == sorted(names)


def test_the_order_of_columns_changes_nobody():
    """Of records that a program wrote that reads from a map, say."""
    one, other = (mapper(**CLEAR).map({"email": "a@x.io", **dict.fromkeys(names)}) for names in ("ab", "ba"))
    assert one == other


def test_a_part_of_the_location_that_another_property_gives_says_nothing():
    """`field_map` names where the city comes from."""
    assert nulls({"location": {"city": None}, "town": "Oslo"}, field_map={"location.city": "town"}) == []


@pytest.mark.parametrize(
    "line", [b'{"n": "\\ud800", "first_name": null}', b'{"n": ' + b"[" * 3000 + b"]" * 3000 + b"}"]
)
def test_a_record_that_the_fast_decoder_refuses_says_nothing(line):
    """And ends no run."""
    compiled = mapper(**CLEAR)
    (marks,) = compiled.nulls.marks([line], [compiled.map({"email": "a@x.io"}).payload])
    assert fields_of(marks.nulls) in ([], ["first_name"])


def test_a_value_that_the_fast_decoder_refuses_hides_no_null():
    """An integer of 5,000 digits beside it."""
    compiled = mapper(**CLEAR)
    line = b'{"n": ' + b"9" * 5000 + b', "first_name": null, "title": "Dr"}'
    (marks,) = compiled.nulls.marks([line], [compiled.map({"email": "a@x.io"}).payload])
    assert fields_of(marks.nulls) == ["first_name"]
