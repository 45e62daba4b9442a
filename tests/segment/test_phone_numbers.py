"""Phone numbers: E.164 or bad, and the fast check never looser than libphonenumber."""

from __future__ import annotations

from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.segment.identity import normalise_phone
from target_klaviyo_segments.segment.phone import plainly_good, plainly_national

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("+14155552671", None, "+14155552671"),
        ("+1 (415) 555-2671", None, "+14155552671"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("415.555.2671", "us", "+14155552671"),
        (" +4930901820 ", None, "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("+49 (0)30 901820 ext. 5", None, "+4930901820"),
        ("004930901820", None, "+4930901820"),
        ("004930901820", "DE", "+4930901820"),
        ("00234567", "LU", None),
        ("+39 06 6988 4857", None, "+390669884857"),
        ("+80012345678", None, "+80012345678"),
        (14155552671, None, "+14155552671"),
        (4155552671, "US", "+14155552671"),
        (4930901820, "US", "+4930901820"),
        (14155552671.0, None, "+14155552671"),
        (Decimal(14155552671), None, "+14155552671"),
        ("4155552671", None, None),
        ("415555267", "US", None),
        ("call me", "US", None),
        ("+999 123", None, None),
        ("+1415555267", None, None),
        ("+\u0661\u0664\u0661\u0665", None, None),
        ("x" * 65, "US", None),
        ("4155552671", "XX", None),
        (True, "US", None),
        (0, "US", None),
        (-14155552671, None, None),
        (14155552671.5, None, None),
        (float("nan"), "US", None),
        (float("inf"), "US", None),
        pytest.param(10**400, "US", None, id="401 digits"),
        (Decimal("NaN"), "US", None),
        (["+14155552671"], None, None),
    ],
)
def test_a_number_is_e164_or_bad(raw, country, expected):
    """Klaviyo takes E.164 only; a bad phone is None and so is counted."""
    assert normalise_phone(raw, country) == expected


@pytest.mark.parametrize(
    ("raw", "expected"), [("701271", None), ("7012716787", "+917012716787"), ("8448309211", "+918448309211")]
)
def test_peers_numbers_of_india(raw, expected):
    """Numbers that the other exporters got wrong: too short is bad, national is completed."""
    assert normalise_phone(raw, "IN") == expected


@pytest.mark.parametrize("raw", [None, "", "  ", "\u200b"])
def test_no_number_is_not_a_bad_one(raw):
    """A person without a phone is not counted as one with a bad phone."""
    assert normalise_phone(raw, "US") == ""


def library_accepts(text):
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return False
    good = phonenumbers.is_valid_number(number)
    return good and phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == text


@settings(deadline=None)  # a busy machine is no wrong answer
@given(st.sampled_from(CODES), st.data())
def test_the_fast_check_accepts_nothing_that_the_library_refuses(code, data):
    """Fast means earlier, never looser: near real numbers of every calling code, and among any digits."""
    region = data.draw(st.sampled_from(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]))
    kind = data.draw(st.integers(0, 10))
    example = phonenumbers.example_number_for_type(region, kind) or phonenumbers.example_number_for_non_geo_entity(code)
    near = phonenumbers.national_significant_number(example) if example else "123456"
    kept = data.draw(st.integers(0, len(near)))
    text = f"+{code}{near[:kept]}{data.draw(st.from_regex(r'[0-9]{0,11}', fullmatch=True))}"
    if plainly_good(text):
        assert library_accepts(text)


def test_the_fast_check_knows_nearly_every_example_of_the_library():
    """It is worth having: of libphonenumber's own examples it leaves a few to the library."""
    examples = [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in range(11)
        if (number := phonenumbers.example_number_for_type(region, kind))
    ]
    known = [example for example in examples if plainly_good(example)]
    assert all(library_accepts(example) for example in known)
    assert len(known) > 0.95 * len(examples)


def library_reads(text, country):
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@settings(deadline=None)  # a busy machine is no wrong answer
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.data())
def test_the_fast_reading_of_national_numbers_is_the_library_s(country, data):
    """Fast means earlier, never another number: as people write them, near real ones, and with anything before them."""
    example = phonenumbers.example_number_for_type(country, data.draw(st.integers(0, 10)))
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL) if example else "123 456"
    kept = data.draw(st.integers(0, len(written)))
    before = data.draw(st.sampled_from(["", "", "0", "1", "00", "011", "8", "("]))
    text = (
        before
        + written[:kept]
        + data.draw(st.sampled_from([written[kept:], ""]))
        + data.draw(st.from_regex(r"[0-9 .()-]{0,4}", fullmatch=True))
    )
    fast = plainly_national(text, country)
    if fast is not None:
        assert fast == library_reads(text, country)


def test_the_fast_reading_of_national_numbers_knows_most_of_them():
    """It is worth having: the library takes fifty times as long."""
    written = [
        (phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL), country)
        for country in phonenumbers.SUPPORTED_REGIONS
        for kind in (0, 1)
        if (example := phonenumbers.example_number_for_type(country, kind))
    ]
    assert sum(plainly_national(*each) is not None for each in written) > 0.8 * len(written)


@settings(deadline=None)  # a busy machine is no wrong answer
@given(
    st.one_of(
        st.text(st.sampled_from("+0149 ()-x;\u0664\uff0b\ud800")),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.booleans(),
        st.none(),
    )
)
def test_any_value_has_an_answer(raw):
    """No value of any kind raises."""
    number = normalise_phone(raw, "DE")
    assert number is None or number == "" or library_accepts(number)
