"""What an e-mail address and a phone number look like, by the sandbox's own expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from target_klaviyo_segments.sandbox.envelope import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

# https://developers.klaviyo.com/en/docs/profiles_api_overview
EMAIL_CHARACTERS_MAX = 100

_EMAIL_FAULT = Fault("Invalid email address", {"pointer": "/attributes/email"})
_LONG_FAULT = Fault(
    f"Ensure this field has no more than {EMAIL_CHARACTERS_MAX} characters.", {"pointer": "/attributes/email"}
)
_PHONE_FAULT = Fault(
    "Invalid phone number format (Example of a valid format: +12345678901)", {"pointer": "/attributes/phone_number"}
)

# The plain addresses of nearly every row, quickly; the others are looked at again.
_plain = re.compile(r"[A-Za-z0-9_+-]{1,20}(?:\.[A-Za-z0-9_+-]{1,20}){0,2}@(?:[a-z0-9]{1,63}\.)+[a-z]{2,63}").fullmatch
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_any = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?:[^\W\d_]{{2,63}}|xn--[a-z0-9-]{{2,59}})", re.IGNORECASE
).fullmatch
# E.164: https://developers.klaviyo.com/en/docs/profiles_api_overview
_E164 = r"\+[1-9][0-9]{6,14}"
_e164, _e164_lines = re.compile(_E164).fullmatch, re.compile(rf"(?:{_E164}\n)*").fullmatch


def email_fault(email: str) -> Fault | None:
    """What is wrong with an address, as far as its spelling tells. Letters need not be ASCII."""
    if len(email) > EMAIL_CHARACTERS_MAX:
        return _LONG_FAULT
    return None if _plain(email) or _any(email) else _EMAIL_FAULT


def phone_fault(phone: str) -> Fault | None:
    """What is wrong with a phone number."""
    return None if _e164(phone) else _PHONE_FAULT


def emails_good(emails: Sequence[str]) -> bool:
    """Whether nothing is wrong with any."""
    if max(map(len, emails)) > EMAIL_CHARACTERS_MAX:
        return False
    return all(map(_plain, emails)) or not any(map(email_fault, emails))


def phones_good(phones: Sequence[str]) -> bool:
    """Whether nothing is wrong with any."""
    lines = "\n".join([*phones, ""])
    return lines.count("\n") == len(phones) and _e164_lines(lines) is not None
