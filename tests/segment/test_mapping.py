"""A record becomes a profile: e-mail, standard fields, and their limits."""

from __future__ import annotations

import pytest

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment.mapping import PROFILE_BYTES_MAX, STANDARD_FIELDS, Profile
from tests.segment.reading import attributes, dropped, mapper

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
        "a@x.io", b'{"attributes":{"email":"a@x.io"},"type":"profile"}', ()
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


def sized(size):
    empty = len(mapper().map({"email": "a@x.io", "any": ""}).payload)
    return mapper().map({"email": "a@x.io", "any": "x" * (size - empty)})


def test_a_profile_of_100_kb_is_sent_and_a_larger_one_rejected_with_its_size():
    """Klaviyo takes 100 KB a profile."""
    assert len(sized(PROFILE_BYTES_MAX).payload) == PROFILE_BYTES_MAX
    rejection = sized(PROFILE_BYTES_MAX + 1)
    assert rejection.code == "profile_too_large"
    assert "100,001" in rejection.reason


def test_who_a_record_is_can_be_shown_masked():
    """The value of the mapped property, wherever it is."""
    assert mapper(email_field="contact.mail").masked({"contact": {"mail": "ada@example.com"}}) == "a***@e***.com"
