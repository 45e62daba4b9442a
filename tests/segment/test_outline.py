"""A profile's outline: every field, and nothing of what is in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.segment.outline import outline, shape


def encoded(attributes, **more):
    return json.dumps({"type": "profile", "attributes": attributes, **more}).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada Lovelace", "Xxx Xxxxxxxx"),
        ("ada@example.com", "xxx@xxxxxxx.xxx"),
        ("+436601234567", "+999999999999"),
        ("2026-11-25T10:00:00Z", "9999-99-99X99:99:99X"),
        ("Jürgen ٣", "Xxxxxx 9"),
        ("\n\u0301😀", "xxx"),
        ("", ""),
        ("a" * 61, "x" * 60 + "..."),
    ],
)
def test_a_shape_keeps_the_form_and_nothing_else(text, shown):
    """One sees an address, a number, a date; and not whose, which or when."""
    assert shape(text) == shown


def test_every_field_is_there_by_its_name():
    """Also those inside, and what is done to arrays that Klaviyo has."""
    attributes = {
        "email": "ada@x.io",
        "location": {"city": "Wien", "zip": None},
        "properties": {"tier": "gold", "vip": True, "points": -12.5, "tags": ["a", 1], "address": {"Ada": {"b": "c"}}},
        "first_name": None,
    }
    patches = {"patch_properties": {"append": {"segments": ["vip"]}}}
    assert outline(encoded(attributes, meta=patches)) == {
        "email": "xxx@x.xx",
        "location": {"city": "Xxxx", "zip": None},
        "properties": {
            "tier": "xxxx",
            "vip": "true or false",
            "points": "-99.9",
            "tags": ["x", "9"],
            "address": {"Xxx": {"x": "x"}},
        },
        "first_name": None,
        "meta": {"patch_properties": {"append": {"segments": ["xxx"]}}},
    }


def test_a_name_that_may_be_somebodys_is_masked():
    """A record may bring properties that no schema has."""
    shown = outline(encoded({"properties": {"ada@x.io": "yes", "c 12345": 1, "line_2": "x"}, "location": "Wien"}))
    assert shown == {"properties": {"xxx@x.xx": "xxx", "x 99999": "9", "line_2": "x"}, "location": "Xxxx"}


VALUES = st.recursive(
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(), inner, max_size=7),
    max_leaves=8,
)


def leaves(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value not in (None, "true or false"):
        yield value


@settings(max_examples=25)
@given(VALUES)
def test_no_value_is_shown_whatever_it_is(value):
    """No letter but x and X, no digit but 9."""
    for text in leaves(outline(encoded({"any": value}))["any"]):
        assert all(not each.isalnum() or each in "xX9" for each in text)
        assert text.isprintable()
