"""Klaviyo's words, made fit for a log: without the people and keys that they may name; what its links name. Pure."""

from __future__ import annotations

import re

import msgspec

WORDS_CHARACTERS_MAX = 300
MASK = "***"

_KEY = re.compile(r"\b(?:pk_\w+|(?:Klaviyo-API-Key|Bearer)\s+\S+)", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"'`<>(),;\[\]{}]+")
_PHONE = re.compile(r"\+?\d[\d\s().-]{5,}\d")
# How an import's refusal names its rows: https://developers.klaviyo.com/en/reference/bulk_import_profiles
_ROW = re.compile(r"/data/attributes/profiles/data/([0-9]{1,6})(?:/|$)")


def masked(text: str) -> str:
    """One line of Klaviyo's words, with e-mails, phones and keys masked.

    What looks like one is masked too, such as the example in "Example of a valid format: +12345678901".
    """
    text = _KEY.sub(MASK, " ".join(text.split()))
    text = _PHONE.sub(MASK, _WORD.sub(_without_email, text))
    return text if len(text) <= WORDS_CHARACTERS_MAX else f"{text[: WORDS_CHARACTERS_MAX - 1]}…"


def place(pointer: str) -> tuple[int | None, str | None]:
    """Row of an import and attribute (`location.zip`) that a JSON pointer names; None for what it does not name."""
    row = _ROW.match(pointer)
    rest = pointer[row.end() :] if row else pointer.removeprefix("/data").lstrip("/")
    rest = "" if rest == "attributes" else rest.removeprefix("attributes/")
    name = masked(rest.replace("/", ".").replace("~1", "/").replace("~0", "~"))
    return int(row[1]) if row else None, name or None


def _without_email(word: re.Match[str]) -> str:
    return MASK if "@" in word.group() else word.group()


def linked(relationships: msgspec.Raw, name: str) -> tuple[str, ...]:
    """Ids that a relationship of a resource names, if it names any: it is not shown everywhere."""
    shown = msgspec.json.decode(relationships)
    found = shown.get(name) if isinstance(shown, dict) else None
    named = found.get("data") if isinstance(found, dict) else None
    ids = [each.get("id") for each in named if isinstance(each, dict)] if isinstance(named, list) else []
    return tuple(each for each in ids if isinstance(each, str))
