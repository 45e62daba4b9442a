"""Records as they are kept, and their keys: whatever is in them, one line of JSON."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone

import msgspec
import pytest

from target_klaviyo_segments.export.keeper import key_reader
from target_klaviyo_segments.export.rejects import record_json


def deep(levels):
    value = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("\ud800", "\ufffd"),
        (["\ud83d", {"\ud83d": "\ud83d"}], ["\ufffd", {"\ufffd": "\ufffd"}]),
        ("\ud83d\ude00", "\U0001f600"),
        (["\ud83d", math.nan, -math.inf], ["\ufffd", None, None]),
        (["\ud83d", OSError("gone")], ["\ufffd", "gone"]),
        ("\u2028", "\u2028"),
        (datetime(2026, 1, 2, tzinfo=timezone.utc), "2026-01-02T00:00:00Z"),
        (deep(60), deep(60)),
        (deep(100_000), None),
        (10**5000, None),
    ],
    ids=[
        "half a character",
        "inside",
        "two halves",
        "no number",
        "no JSON",
        "line separator",
        "date",
        "60 levels",
        "100,000 levels",
        "5,000 digits",
    ],
)
def test_a_record_is_kept_whatever_is_in_it(value, kept):
    """What cannot be written at all is null, and the rest of the record is there."""
    line = record_json({"email": "a@x.io", "n": value})
    assert b"\n" not in line
    assert json.loads(line) == msgspec.json.decode(line) == {"email": "a@x.io", "n": kept}


def test_what_is_no_object_and_too_deep_is_null():
    """Nothing of it can be kept."""
    assert record_json(deep(100_000)) == b"null"


@pytest.mark.parametrize("names", [["id", "day"], ['"', "\\"], ["\x00", "day"], ["id", "id"], ["é", ""]])
def test_keys_of_any_name_are_read(names):
    """Their values as compact JSON, in their order; None where one is missing or null, or the record is unreadable."""
    first, second = names
    keys_of = key_reader(names)
    records = [{first: 1, second: "x", "n": 0}, {second: 1, first: 1}, {first: 1, second: None}, {"n": 1}]
    lines = [msgspec.Raw(json.dumps(record).encode()) for record in records]
    too_deep = b'{"n":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    expected = [json.dumps([record.get(name) for name in names], separators=(",", ":")) for record in records[:2]]
    assert keys_of([*lines, too_deep]) == [*expected, None, None, None]
