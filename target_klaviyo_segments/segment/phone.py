"""Says at once that a phone number in E.164 is good, by libphonenumber's own patterns; unsure about the rest. Pure.

libphonenumber takes 50 us for a number; one regular expression a calling code, made of the same metadata, takes
less than one. It follows `phonenumbers.is_valid_number`, so it never accepts what the library would not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phonenumbers import PhoneMetadata, PhoneNumberDesc

_START = re.compile(r"\+[0-9]{3}")
_BETWEEN_DIGITS = str.maketrans("", "", " ().-")
_NON_GEOGRAPHIC = "001"
_KINDS = (
    "mobile",
    "fixed_line",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


def _unsure(_numbers: str) -> None:
    """The answer for numbers that no calling code begins."""


class _Check(NamedTuple):
    """The check of one calling code: of a number, and of many, a line each."""

    one: Callable[[str], object]
    lines: Callable[[str], object]


_NO_CODE = _Check(_unsure, _unsure)


class _ByStart(dict[str, _Check]):
    """First four characters of a number to its check, made when first asked for; at most 1,000 of them."""

    def __missing__(self, start: str) -> _Check:
        if not _START.fullmatch(start):
            return _NO_CODE
        from phonenumbers import COUNTRY_CODE_TO_REGION_CODE  # noqa: PLC0415  # 15 ms that a run without phones saves

        code = next((code for end in (2, 3, 4) if (code := int(start[1:end])) in COUNTRY_CODE_TO_REGION_CODE), None)
        check = self[start] = _NO_CODE if code is None else _code_check(code, COUNTRY_CODE_TO_REGION_CODE[code])
        return check


_checks = _ByStart()


def plainly_good(number: str) -> bool:
    """Whether the text is a valid number in E.164; False means not sure."""
    return number[:1] == "+" and _checks[number[:4]].one(number) is not None


def plainly_national(text: str, country: str) -> str | None:
    """A number as it is written in its country, in E.164; None means not sure.

    Only what the library takes as it stands: nothing that it might read as a prefix or a calling code before it.
    """
    digits = text.translate(_BETWEEN_DIGITS)
    home = _homes[country]
    if home is None or not (digits.isascii() and digits.isdecimal()) or home.before(digits):
        return None
    number = home.code + digits.removeprefix(home.trunk)
    return number if plainly_good(number) else None


def all_plainly_good(numbers: Sequence[object]) -> bool:
    """Whether all are valid numbers in E.164 of one calling code; False means not sure. Takes half of the time."""
    try:
        lines = "\n".join(cast("Sequence[str]", numbers)) + "\n"
    except TypeError:  # one is no text
        return False
    return lines.count("\n") == len(numbers) and _checks[lines[:4]].lines(lines) is not None


def all_plainly_national(texts: Sequence[str], country: str) -> list[str] | None:
    """`plainly_national` of many; None when it is not sure of one of them."""
    home = _homes[country]
    digits = ("\n".join(texts) + "\n").translate(_BETWEEN_DIGITS)
    if home is None or digits.count("\n") != len(texts) or home.lines(digits) is None:
        return None
    numbers = [home.code + each.removeprefix(home.trunk) for each in digits[:-1].split("\n")]
    return numbers if all_plainly_good(numbers) else None


class _Home(NamedTuple):
    """A country's calling code, what stands before its national numbers, and what else may and makes us unsure.

    `lines` matches many numbers, a line each, when that stands before none of them.
    """

    code: str
    trunk: str
    before: Callable[[str], object]
    lines: Callable[[str], object]


class _ByCountry(dict[str, _Home | None]):
    """Countries, each looked up when first asked for; those of libphonenumber and no more."""

    def __missing__(self, country: str) -> _Home | None:
        from phonenumbers import PhoneMetadata  # noqa: PLC0415  # as above

        found = PhoneMetadata.metadata_for_region(country.upper(), None)
        if found is None:
            return None
        national = found.national_prefix_for_parsing or ""
        trunk = national if national.isdecimal() and not found.national_prefix_transform_rule else ""
        prefixes = [found.international_prefix, "" if trunk else national, str(found.country_code)]
        before = "|".join(f"(?:{prefix})" for prefix in prefixes if prefix)
        lines = re.compile(f"(?:(?!00|{before})[0-9]+\n)+")  # 00 may be meant for another country
        home = self[country] = _Home(f"+{found.country_code}", trunk, re.compile(before).match, lines.fullmatch)
        return home


_homes = _ByCountry()


def _code_check(code: int, regions: tuple[str, ...]) -> _Check:
    """The check of one calling code, shared by its regions: NANP has 25 under +1."""
    if regions[0] == _NON_GEOGRAPHIC:
        return _NO_CODE
    key = f"+{code}"
    if key not in _checks:
        number = rf"\+{code}(?:{_national(regions)})"
        lines = re.compile(f"(?:{number}\n)+", re.ASCII | re.MULTILINE)
        _checks[key] = _Check(re.compile(number, re.ASCII).fullmatch, lines.fullmatch)
    return _checks[key]


def _national(regions: tuple[str, ...]) -> str:
    """The national numbers of regions under one code, asked in the order in which libphonenumber asks them.

    A region with leading digits takes every number that begins so, valid or not; later regions never see it.
    """
    from phonenumbers import PhoneMetadata  # noqa: PLC0415  # same

    known = [PhoneMetadata.metadata_for_region(region, None) for region in regions]
    metadata = [each for each in known if each is not None]
    # Digits that look like the main region's national prefix: the library may strip them, so it must decide.
    taken = [prefix for each in metadata[:1] if (prefix := each.national_prefix_for_parsing)]
    choices = []
    for each in metadata:
        before = f"(?!{'|'.join(taken)})" if taken else ""
        leading = f"(?={each.leading_digits})" if each.leading_digits else ""
        choices.append(f"{before}{leading}(?={_pattern([each.general_desc])}$)(?:{_pattern(_kinds(each))})")
        if each.leading_digits:
            taken.append(each.leading_digits)
    return "|".join(choices)


def _kinds(metadata: PhoneMetadata) -> list[PhoneNumberDesc | None]:
    return [getattr(metadata, kind) for kind in _KINDS]


def _pattern(descs: Sequence[PhoneNumberDesc | None]) -> str:
    """Any of the patterns, each with its lengths, which libphonenumber asks besides the pattern."""
    choices = []
    for desc in descs:
        if desc is not None and desc.national_number_pattern:
            lengths = _runs([length for length in desc.possible_length if length > 0])
            choices.append(f"(?=(?:{lengths})$)(?:{desc.national_number_pattern})")
    return f"(?:{'|'.join(dict.fromkeys(choices))})"


def _runs(lengths: Sequence[int]) -> str:
    """The lengths as few repetitions as they can be: 4, 5, 6 and 9 are `{4,6}` and `{9,9}`."""
    starts = [length for length in lengths if length - 1 not in lengths]
    ends = [length for length in lengths if length + 1 not in lengths]
    return "|".join(f"[0-9]{{{start},{end}}}" for start, end in zip(starts, ends, strict=True))
