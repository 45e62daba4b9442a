"""E-mail addresses: one form for equal people, and none that mail cannot be sent to."""

from __future__ import annotations

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment import identity
from target_klaviyo_segments.segment.identity import mask, normalise_email


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a@x.io", "a@x.io"),
        ("Anna.Smith@Example.COM", "anna.smith@example.com"),
        ("  a@x.io\t\n", "a@x.io"),
        ("\ufeffa@x.io", "a@x.io"),
        ("\u200ba@x.io\u200b \u2060", "a@x.io"),
        ("\u00a0a@x.io\u00a0", "a@x.io"),
        ("o'neil+news@my-shop.co.uk", "o'neil+news@my-shop.co.uk"),
        ("J\u00fcrgen@EX\u00c4MPLE.de", "j\u00fcrgen@ex\u00e4mple.de"),
        ("a@xn--exmple-cua.de", "a@ex\u00e4mple.de"),
        ("\u7528\u6237@\u4f8b\u5b50.\u5e7f\u544a", "\u7528\u6237@\u4f8b\u5b50.\u5e7f\u544a"),
        ("a#b@x.io", "a#b@x.io"),
        ("x" * 60 + "@" + "y" * 36 + ".io", "x" * 60 + "@" + "y" * 36 + ".io"),
    ],
)
def test_a_good_address_comes_out_trimmed_and_in_lower_case(raw, expected):
    """The same person written in two ways is one person; a non-ASCII address is as good as another."""
    assert normalise_email(raw) == expected


@pytest.mark.parametrize("raw", [None, "", "   ", "\u200b\ufeff"])
def test_no_address_is_missing(raw):
    """An empty e-mail is told apart from a wrong one."""
    assert normalise_email(raw) == Rejection("email_missing", "there is no e-mail address")


@pytest.mark.parametrize("raw", [7, True, 1.5, ["a@x.io"], {"email": "a@x.io"}, b"a@x.io"])
def test_what_is_no_text_is_no_address(raw):
    """A tap that sends something else than text is told so."""
    assert normalise_email(raw) == Rejection("email_not_text", "the e-mail address is not text")


@pytest.mark.parametrize(
    "raw",
    [
        "plain",
        "a@",
        "@x.io",
        "a@x",
        "a@@x.io",
        "a b@x.io",
        "a@x..io",
        ".a@x.io",
        "a.@x.io",
        "a..b@x.io",
        "a@-x.io",
        "a@x-.io",
        "a@x.i-o.",
        "a@x.123",
        "a@[127.0.0.1]",
        '"a b"@x.io',
        "Anna <a@x.io>",
        "a@x.io,b@x.io",
        "a@shop.local",
        "a@localhost",
        "a\ud800@x.io",
        "a\x00@x.io",
        "a@" + "x" * 64 + ".io",
        "a@x.io\nb",
    ],
)
def test_a_bad_address_is_rejected_without_being_repeated(raw):
    """Klaviyo refuses a whole job for one bad address; a reason may be logged, an address may not."""
    rejection = normalise_email(raw)
    assert rejection == Rejection("email_invalid", "the e-mail address is not valid")


def test_a_long_address_is_told_apart():
    """Klaviyo's bound is on the form that it keeps, so the library's own does not tell of it."""
    assert normalise_email("x" * 60 + "@" + "y" * 37 + ".io") == Rejection(
        "email_invalid", "the e-mail address is longer than 100 characters"
    )


@settings(max_examples=50, deadline=None)  # drawing from so open a pattern is slow
@given(st.from_regex(identity._plain.__self__, fullmatch=True))
def test_the_fast_check_accepts_nothing_that_the_library_refuses(text):
    """Fast means earlier, never looser."""
    if len(text) <= 64:
        assert normalise_email(text) == validate_email(text, check_deliverability=False).normalized.lower() == text


def test_the_reserved_endings_are_the_library_s():
    """They are written down so that the library need not be imported for plainly good addresses."""
    assert sorted({name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES}) == list(identity.RESERVED_ENDINGS)


TEXT = st.text(
    st.sampled_from("aZ0._+-'@ \u00df\u0130\u0301\u00e9\u1e9e\u03a3\uff21\u200b\ufeff\ud800\u7528"), max_size=12
)


@settings(deadline=None)  # a busy machine is no wrong answer
@given(st.one_of(st.emails(), TEXT, st.builds("{}@{}.{}".format, TEXT, TEXT, TEXT), st.none(), st.integers()))
def test_an_accepted_address_is_its_own_normal_form(raw):
    """Normalising twice changes nothing, so it does not matter who did it first."""
    result = normalise_email(raw)
    if isinstance(result, str):
        assert len(result) <= 100
        assert normalise_email(result) == result


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("ada.lovelace@example.com", "a***@e***.com"),
        (" Ada@mail.example.co.uk ", "A***@m***.uk"),
        ("not an address", "n***"),
        ("@", "***@***"),
        ("a@b", "a***@***b"),
        ("a@b." + "c" * 40, "a***@b***." + "c" * 10),
        ("", "no address"),
        (None, "no address"),
        (5, "no address"),
    ],
)
def test_a_mask_keeps_enough_to_recognise_and_no_more(raw, shown):
    """For logs: the row can be found, the person cannot."""
    assert mask(raw) == shown
