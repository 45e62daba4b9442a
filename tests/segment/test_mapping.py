"""A record becomes a profile: fields, custom properties, and JSON that everybody reads."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment.mapping import PROFILE_BYTES_MAX, STANDARD_FIELDS, Mapper, Profile
from target_klaviyo_segments.segment.values import DEPTH_MAX


def mapper(*, properties=(), email_field="email", field_map=None, unmapped_fields="send", default_country=None):
    return Mapper.compile(
        properties=properties,
        email_field=email_field,
        field_map=field_map or {},
        unmapped_fields=unmapped_fields,
        default_country=default_country,
    )


def refuse_constant(name):
    raise AssertionError(f"{name} is not JSON")


def attributes(record, **settings):
    """What Klaviyo would read of a record, by two readers."""
    profile = mapper(**settings).map(record)
    assert isinstance(profile, Profile)
    resource = json.loads(profile.payload.decode(), parse_constant=refuse_constant)
    msgspec.json.decode(profile.payload)
    assert resource.keys() == {"type", "attributes"}
    assert resource["type"] == "profile"
    found = resource["attributes"]
    assert found.pop("email") == profile.email
    return found


def custom(record, **settings):
    return attributes({"email": "a@x.io", **record}, **settings).get("properties", {})


def dropped(record, **settings):
    return mapper(**settings).map({"email": "a@x.io", **record}).dropped


TEXT_FIELDS = [field for field, kind in STANDARD_FIELDS.items() if kind == "text"]


def nest(field, value):
    outer, _, inner = field.rpartition(".")
    return {outer: {inner: value}} if outer else {inner: value}


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize(("value", "text"), [("Text", "Text"), (90210, "90210"), (90210.0, "90210"), (True, "true")])
def test_every_text_field_takes_the_property_of_its_name_as_text(field, value, text):
    """Klaviyo refuses a number where it wants text; a peer lost a whole file to one numeric zip."""
    wanted = nest(field, text)
    assert attributes({"email": "a@x.io", field: value}) == wanted
    assert attributes({"email": "a@x.io", **nest(field, value)}) == wanted
    assert attributes({"email": "a@x.io", "column": value}, field_map={field: "column"}) == wanted


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x", float("nan")])
def test_a_value_that_is_no_text_is_left_out_and_named(field, value):
    """A list in a name costs the name, not the person."""
    assert dropped({"column": value}, field_map={field: "column"}) == (field,)
    assert attributes({"email": "a@x.io", "column": value}, field_map={field: "column"}) == {}


def test_phone_and_coordinates_take_the_property_of_their_name():
    """The fields that are not text, each by its name."""
    record = {"email": "a@x.io", "phone_number": "030 901820", "location": {"latitude": 52.52, "longitude": "13.405"}}
    assert attributes(record, default_country="DE") == {
        "phone_number": "+4930901820",
        "location": {"latitude": 52.52, "longitude": "13.405"},
    }


@pytest.mark.parametrize("phone", ["701271", "soon", 12, True])
def test_a_bad_phone_costs_the_phone_only(phone):
    """The person goes out without it, and it is counted by name."""
    assert dropped({"phone_number": phone, "tier": "gold"}, default_country="IN") == ("phone_number",)
    assert attributes({"email": "a@x.io", "phone_number": phone, "tier": "gold"}) == {"properties": {"tier": "gold"}}


def test_a_valid_phone_can_be_sent():
    """A peer could not serialise one."""
    assert attributes({"email": "a@x.io", "phone_number": "7012716787"}, default_country="IN") == {
        "phone_number": "+917012716787"
    }


@pytest.mark.parametrize("phone", [None, "", "  "])
def test_no_phone_is_not_counted_as_bad(phone):
    """Only what was there and unusable is named."""
    assert dropped({"phone_number": phone}) == ()
    assert attributes({"email": "a@x.io", "phone_number": phone}) == {}


@pytest.mark.parametrize(("latitude", "longitude"), [(91, -181), ("north", "x"), (float("inf"), [1]), (True, False)])
def test_a_bad_coordinate_is_left_out_and_named(latitude, longitude):
    """Each alone; the rest of the location stays."""
    record = {"location": {"city": "Berlin", "latitude": latitude, "longitude": longitude}}
    assert dropped(record) == ("location.latitude", "location.longitude")
    assert attributes({"email": "a@x.io", **record}) == {"location": {"city": "Berlin"}}


def test_a_last_name_arrives_whole():
    """A peer sent it letter by letter."""
    assert attributes({"email": "a@x.io", "last_name": "Doe"}) == {"last_name": "Doe"}


def test_a_record_needs_no_name():
    """A peer crashed on one; the e-mail is enough."""
    assert mapper().map({"email": "a@x.io"}) == Profile(
        "a@x.io", b'{"type":"profile","attributes":{"email":"a@x.io"}}', ()
    )


@pytest.mark.parametrize("email", ["J\u00fcrgen@ex\u00e4mple.de", " \ufeffJ\u00dcRGEN@ex\u00e4mple.de\u200b"])
def test_a_non_ascii_address_arrives_normalised(email):
    """It is as good as another, in UTF-8 and not escaped away."""
    profile = mapper().map({"email": email})
    assert profile.email == "j\u00fcrgen@ex\u00e4mple.de"
    assert profile.email.encode() in profile.payload


@pytest.mark.parametrize(
    ("email", "code"), [(None, "email_missing"), (" ", "email_missing"), (7, "email_not_text"), ("x", "email_invalid")]
)
def test_a_row_without_a_good_address_is_rejected_by_its_property(email, code):
    """The rejection names the property that the user mapped."""
    rejection = mapper(email_field="mail").map({"mail": email})
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.field) == (code, "mail")


def test_an_absent_address_is_missing():
    """No key is as null."""
    assert mapper().map({}).code == "email_missing"


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


def test_null_is_not_sent():
    """Bulk import ignores null, so it is left away."""
    assert attributes({"email": "a@x.io", "first_name": None, "tier": None, "location": None, "properties": None}) == {}


def test_empty_text_is_sent_for_a_custom_property_only():
    """An empty name says nothing; an empty custom property may be meant."""
    record = {"email": "a@x.io", "first_name": "", "location": {"city": ""}, "tier": ""}
    assert attributes(record) == {"properties": {"tier": ""}}


def sized(size):
    empty = len(mapper().map({"email": "a@x.io", "any": ""}).payload)
    return mapper().map({"email": "a@x.io", "any": "x" * (size - empty)})


def test_a_profile_of_100_kb_is_sent_and_a_larger_one_rejected_with_its_size():
    """Klaviyo takes 100 KB a profile."""
    assert len(sized(PROFILE_BYTES_MAX).payload) == PROFILE_BYTES_MAX
    rejection = sized(PROFILE_BYTES_MAX + 1)
    assert rejection.code == "profile_too_large"
    assert "100,001" in rejection.reason


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
