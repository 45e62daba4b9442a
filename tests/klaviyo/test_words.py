"""Klaviyo's words in our logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.klaviyo.words import WORDS_CHARACTERS_MAX, masked, place

AROUND = st.text(max_size=30)


@given(AROUND, st.from_regex(r"[a-z0-9.+_]{1,20}@[a-z0-9.]{1,20}", fullmatch=True), AROUND)
def test_no_email_survives(before, email, after):
    """E-mails go to no log, whatever stands around them."""
    assert email not in masked(f"{before} {email} {after}")


@given(AROUND, st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), AROUND)
def test_no_phone_survives(before, phone, after):
    """Phones go to no log."""
    assert phone not in masked(f"{before} {phone} {after}")


@given(AROUND, st.from_regex(r"pk_[0-9a-zA-Z_]{6,40}", fullmatch=True), AROUND)
def test_no_key_survives(before, key, after):
    """Keys go to no log, even when an answer repeats them."""
    assert key not in masked(f"{before} {key} {after}")


def test_words_stay_readable():
    """What is not personal is kept: it says what to change."""
    assert masked("Invalid email address 'Ann@x.io'\nin row 3") == "Invalid email address '***' in row 3"


def test_a_display_name_form_is_masked():
    """The angle brackets of a mailbox hide nothing."""
    assert masked("<ann@x.io>") == "<***>"


def test_long_words_are_cut():
    """A log line stays a line."""
    text = masked("word " * 1_000)
    assert len(text) == WORDS_CHARACTERS_MAX
    assert text.endswith("…")


def test_an_address_is_not_cut_into_sight():
    """The cut comes after the masking: half an address is one too."""
    assert "ann" not in masked("x" * (WORDS_CHARACTERS_MAX - 3) + " ann.smith@x.io")


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/data/attributes/profiles/data/3/attributes/email", (3, "email")),
        ("/data/attributes/profiles/data/12/attributes/location/zip", (12, "location.zip")),
        ("/data/attributes/profiles/data/12/attributes/properties/a~1b", (12, "properties.a/b")),
        ("/data/attributes/profiles/data/7", (7, None)),
        ("/data/attributes/profiles/data/7/attributes", (7, None)),
        ("/data/attributes/profiles/data/7/type", (7, "type")),
        ("/data/attributes/profiles/data/7x/attributes/email", (None, "profiles.data.7x.attributes.email")),
        ("/data/attributes/profiles/data/99999999999/attributes/email", (None, "profiles.data.***.attributes.email")),
        ("/data/attributes/phone_number", (None, "phone_number")),
        ("/data/attributes", (None, None)),
        ("/data/", (None, None)),
        ("/data", (None, None)),
        ("", (None, None)),
    ],
)
def test_a_pointer_names_row_and_attribute(pointer, expected):
    """Which row is wrong is known from Klaviyo's pointer alone."""
    assert place(pointer) == expected
