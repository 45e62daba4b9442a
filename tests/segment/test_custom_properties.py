"""Custom properties, odd values, and JSON that everybody reads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment.mapping import STANDARD_FIELDS
from target_klaviyo_segments.segment.values import DEPTH_MAX
from tests.segment.reading import attributes, custom, dropped, mapper


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text",
        "2026-01-02",
        "caf\u00e9",
        "\x00",
        7,
        10**40,
        1.5,
        1e20,
        True,
        False,
        [],
        {},
        [1, None],
        {"a": [{"b": None}]},
    ],
)
def test_a_custom_property_stays_what_it_is(value):
    """Numbers stay numbers of every digit, nested values keep their nulls."""
    assert custom({"any": value}) == {"any": value}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Decimal("12.10"), b"12.10"),
        (Decimal("1E+20"), b"1E+20"),
        (date(2026, 1, 2), b'"2026-01-02"'),
        ("\ud800", '"\ufffd"'.encode()),
        (["\ud83d\ude00"], '["\U0001f600"]'.encode()),
        ([float("nan"), b"x"], b"[null,null]"),
        ({"a": Decimal("NaN")}, b'{"a":null}'),
    ],
)
def test_an_odd_value_has_a_defined_form(value, sent):
    """What JSON cannot hold becomes what it can, and null among others."""
    assert b'"properties":{"any":' + sent + b"}" in mapper().map({"email": "a@x.io", "any": value}).payload


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("1E+400"),
        b"bytes",
        pytest.param(10**5000, id="5001 digits"),
        object(),
    ],
)
def test_a_value_without_a_form_is_left_out_and_named(value):
    """The others of the row still go."""
    assert dropped({"any": value, "tier": "gold"}) == ("properties.any",)
    assert custom({"any": value, "tier": "gold"}) == {"tier": "gold"}
    assert attributes({"email": "a@x.io", "any": value}) == {}


def test_a_value_nested_too_deeply_is_left_out_and_named():
    """No record's depth ends a run."""
    deep = "x"
    for _ in range(100_000):
        deep = [deep]
    assert dropped({"any": deep}) == ("properties.any",)
    assert DEPTH_MAX == 64


def test_a_lone_surrogate_costs_one_character():
    """In any field and in names; UTF-8 cannot hold it."""
    record = {"email": "a@x.io", "first_name": "\ud800nna", "\udc00": 1, "location": {"city": "B\udfff"}, "n": 1}
    assert attributes(record) == {
        "first_name": "\ufffdnna",
        "location": {"city": "B\ufffd"},
        "properties": {"\ufffd": 1, "n": 1},
    }


@pytest.mark.parametrize("properties", [(), ("location",), ("properties",)], ids=str)
@pytest.mark.parametrize("before", [(), ("location",), ("properties",)], ids=str)
def test_who_gives_a_property_hangs_on_no_order(properties, before):
    """Neither of a record's columns, nor of the records: `location` comes before `properties`."""
    compiled = mapper(properties=properties)
    both = {"location": {"title": "place"}, "properties": {"location_title": "person"}}
    compiled.map({"email": "a@x.io", **{name: both[name] for name in before}})
    for names in (both, reversed(both)):
        profile = compiled.map({"email": "a@x.io", **{name: both[name] for name in names}})
        assert b'"properties":{"location_title":"place"}' in profile.payload


def test_null_is_not_sent():
    """Bulk import ignores null, so it is left away."""
    assert attributes({"email": "a@x.io", "first_name": None, "tier": None, "location": None, "properties": None}) == {}


def test_empty_text_is_sent_for_a_custom_property_only():
    """An empty name says nothing; an empty custom property may be meant."""
    record = {"email": "a@x.io", "first_name": "", "location": {"city": ""}, "tier": ""}
    assert attributes(record) == {"properties": {"tier": ""}}


TEXT = st.text(st.sampled_from('aZ0 "\\\n\x00\x7f\u00e9\u2028\ud800\udfff\U0001f600'), max_size=5)
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.decimals(),
        TEXT,
        st.binary(max_size=3),
        st.dates(),
        st.datetimes(),
        st.times(),
        st.uuids(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(TEXT, st.integers(), st.none()), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.one_of(
    st.sampled_from([*STANDARD_FIELDS, "location", "properties", "_sdc_x", "contact", "contact.email"]),
    TEXT,
    st.integers(),
)


@settings(deadline=None)  # a busy machine is no wrong answer
@given(
    st.dictionaries(names, json_values, max_size=8),
    st.sampled_from(["email", "contact.email", "properties.email"]),
    st.sampled_from([{}, {"first_name": "contact.name", "properties.tier": "title", "location.zip": "location.city"}]),
    st.sampled_from(["send", "drop"]),
)
def test_any_record_becomes_a_profile_in_valid_json_or_a_rejection(record, email_field, field_map, unmapped_fields):
    """No value of any kind raises, and two readers read what comes out."""
    record = {"email": " A@x.io", "contact": {"email": "A@X.io"}, "properties": {"email": "a@X.io"}} | record
    settings = {"email_field": email_field, "field_map": field_map, "unmapped_fields": unmapped_fields}
    result = mapper(**settings).map(record)
    if isinstance(result, Rejection):
        assert result.code.startswith("email_")
    else:
        assert result.email == result.email.strip().lower()
        attributes(record, **settings)
