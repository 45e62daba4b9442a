"""Who a row is: e-mail and phone in the one form in which equal people are equal. Pure.

No message says a value: a reason may be logged, an address may not.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment.phone import all_plainly_good, all_plainly_national, plainly_good, plainly_national
from target_klaviyo_segments.segment.values import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

EMAIL_CHARACTERS_MAX = 100  # https://developers.klaviyo.com/en/docs/profiles_api_overview

# White space, zero-width characters, direction marks and the BOM: what copying and pasting leaves around an address.
_AROUND = (
    "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
    + "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_PLAIN_CHARACTERS_MAX = 64  # so no part can be over its own limit of 63 or 64
# The library's own special names, here so that it is imported only for an address that is not plainly good.
RESERVED_ENDINGS = ("arpa", "invalid", "local", "localhost", "onion", "test")
_reserved = "|".join(RESERVED_ENDINGS)
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"  # https://www.rfc-editor.org/rfc/rfc5322#section-3.2.3
_pattern = rf"{_ATOM}(?:\.{_ATOM})*@(?:[a-z0-9]+[.-])+(?<!-)(?!(?:{_reserved})$)[a-z]{{2,}}"
_plain = re.compile(_pattern).fullmatch
_all_plain = re.compile(f"(?:{_pattern}\n)*", re.MULTILINE).fullmatch  # a tenth of the time, over many at once
_like_address = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]").search

_NO_ADDRESS = Rejection("email_missing", "there is no e-mail address")

_PHONE_DIGITS_MAX = 15
_PHONE_CHARACTERS_MAX = 64  # longer is prose, and would fill the memory of earlier answers


def normalise_email(raw: object) -> str | Rejection:
    """The address trimmed and in lower case, when it is one that mail can be sent to."""
    if type(raw) is str and _plain(raw) and len(raw) <= _PLAIN_CHARACTERS_MAX:
        return raw
    if not isinstance(raw, str):
        return _NO_ADDRESS if raw is None else Rejection("email_not_text", "the e-mail address is not text")
    text = raw.strip(_AROUND).lower()
    if not text:
        return _NO_ADDRESS
    if _plain(text) and len(text) <= _PLAIN_CHARACTERS_MAX:
        return text
    if len(text) > EMAIL_CHARACTERS_MAX:
        return Rejection("email_invalid", f"the e-mail address is longer than {EMAIL_CHARACTERS_MAX} characters")
    return _judged(text)


def normalise_emails(raw: Sequence[object]) -> list[str | Rejection]:
    """`normalise_email` of each; much faster where all are plainly good."""
    plain = cast("list[str]", raw)
    try:
        lines = "\n".join(plain) + "\n"
    except TypeError:  # one is no text
        return list(map(normalise_email, raw))
    if lines.count("\n") == len(raw) and max(map(len, plain)) <= _PLAIN_CHARACTERS_MAX and _all_plain(lines):
        return list(plain)
    return list(map(normalise_email, raw))


def has_address(text: str) -> bool:
    """Whether it looks as if an address were in it, one that mail can be sent to or not."""
    return _like_address(text) is not None


def mask(raw: object) -> str:
    """What a log may show of an address: enough for its owner's colleagues to recognise it, `a***@e***.com`."""
    if not isinstance(raw, str) or not raw.strip(_AROUND):
        return "no address"
    name, at, domain = raw.strip(_AROUND).partition("@")
    host, dot, end = domain.rpartition(".")
    return f"{name[:1]}***" + (f"@{host[:1]}***{dot}{end[:10]}" if at else "")


@lru_cache(maxsize=10_000)
def _judged(text: str) -> str | Rejection:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # 20 ms that most runs do not need

    try:
        address = validate_email(
            text,
            allow_smtputf8=True,
            allow_quoted_local=False,
            allow_domain_literal=False,
            check_deliverability=False,
        )
    except EmailNotValidError:
        return Rejection("email_invalid", "the e-mail address is not valid")
    return address.normalized.lower()


def normalise_phone(raw: object, default_country: str | None) -> str | None:
    """The number in E.164; None when it is bad; empty text when there is none (null or blank text).

    Args:
        raw: Text, or the number that a tap made of it: without its "+" it is read as national first, then with "+".
        default_country: Two letters of the country in which national numbers are read; without it they are bad.
    """
    if type(raw) is str and plainly_good(raw):
        return raw
    if raw is None:
        return ""
    if isinstance(raw, str):
        text = raw.strip(_AROUND)
        return _parsed_text(text, default_country) if len(text) <= _PHONE_CHARACTERS_MAX else None
    digits = _digits(raw)
    return digits and ((default_country and _parsed(digits, default_country)) or _parsed(f"+{digits}", None))


def normalise_phones(raw: Sequence[object], default_country: str | None) -> list[str | None]:
    """`normalise_phone` of each; much faster where those from abroad, or those at home, are all plainly good."""
    texts = [text for text in raw if isinstance(text, str)]
    abroad = [text for text in texts if text[:1] == "+"]
    answers = dict(zip(abroad, abroad, strict=True)) if abroad and all_plainly_good(abroad) else {}
    if default_country and len(abroad) < len(texts):
        home = [text for text in texts if text[:1] != "+" and text]
        answers |= zip(home, all_plainly_national(home, default_country) or (), strict=False)
    return [
        answers[text] if isinstance(text, str) and text in answers else normalise_phone(text, default_country)
        for text in raw
    ]


def _digits(raw: object) -> str | None:
    """A whole number's digits; E.164 has 15 at most."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal)):
        return None
    text = text_of(raw) or ""
    return text if text.isdecimal() and len(text) <= _PHONE_DIGITS_MAX else None


def _parsed_text(text: str, default_country: str | None) -> str | None:
    if not text:
        return ""
    if text.startswith("00"):
        abroad = _parsed(f"+{text[2:]}", None)
        if abroad:
            return abroad
    return (default_country and plainly_national(text, default_country)) or _parsed(text, default_country)


@lru_cache(maxsize=10_000)
def _parsed(text: str, country: str | None) -> str | None:
    import phonenumbers  # noqa: PLC0415  # same

    try:
        number = phonenumbers.parse(text, country and country.upper())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
