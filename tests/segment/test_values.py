"""One value at a time: what text, a coordinate and a custom property become."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest

from target_klaviyo_segments.segment.values import DEPTH_MAX, coordinate_of, custom_of, name_of, text_of


class Tier(str, Enum):
    GOLD = "gold"


def nested(depth, value=1):
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("as it is ", "as it is "),
        (90210, "90210"),
        (90210.0, "90210"),
        (Decimal("90210.0"), "90210"),
        (Decimal("1E+3"), "1000"),
        (1e20, "100000000000000000000"),
        (10**30, "1" + "0" * 30),
        (1.5, "1.5"),
        (1e-7, "0.0000001"),
        (Decimal("1.50"), "1.50"),
        (-0.0, "0"),
        (True, "true"),
        (False, "false"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc), "2026-01-02T03:04:00+00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Tier.GOLD, "gold"),
        ("\ud800", "\ufffd"),
        ([1], None),
        ({"a": 1}, None),
        ((1,), None),
        (nested(DEPTH_MAX + 1), None),
        (b"x", None),
        (float("nan"), None),
        (float("-inf"), None),
        (Decimal("Infinity"), None),
        (Decimal("1E+1000000"), None),
        pytest.param(10**5000, None, id="5001 digits"),
        (timedelta(1), None),
    ],
)
def test_text(value, expected):
    """Numbers where Klaviyo wants text are written out, without exponent or a trailing .0."""
    assert text_of(value) == expected


@pytest.mark.parametrize(
    ("value", "bound", "expected"),
    [
        (52.52, 90, 52.52),
        (-90, 90, -90),
        (91, 90, None),
        (179.9, 180, 179.9),
        (Decimal("52.5200"), 90, Decimal("52.5200")),
        (" 52.52 ", 90, "52.52"),
        ("-12", 180, "-12"),
        ("", 90, ""),
        ("  ", 90, ""),
        ("91.5", 90, None),
        ("52,52", 90, None),
        ("1e1", 90, None),
        ("nan", 90, None),
        ("\u0665", 90, None),
        (float("nan"), 90, None),
        pytest.param(10**5000, 90, None, id="5001 digits"),
        (True, 90, None),
        ([1], 90, None),
    ],
)
def test_a_coordinate(value, bound, expected):
    """A number or a text of one, within its degrees, or nothing."""
    assert coordinate_of(value, bound) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("nul \x00 stays", "nul \x00 stays"),
        ("\ud83d\ude00 \ud800a", "\U0001f600 \ufffda"),
        ("\udc00", "\ufffd"),
        ("caf\u00e9", "caf\u00e9"),
        (10**40, 10**40),
        (1.5, 1.5),
        (False, False),
        (Decimal("1.10"), Decimal("1.10")),
        (Decimal("sNaN"), None),
        (time(1, 2), "01:02:00"),
        ([1, b"x", float("nan"), None, "a"], [1, None, None, None, "a"]),
        ({"a": {1: [True], None: (1, 2), "\ud800": 1}}, {"a": {"1": [True], "None": [1, 2], "\ufffd": 1}}),
        ([], []),
        ({}, {}),
        (nested(DEPTH_MAX), nested(DEPTH_MAX)),
        (nested(DEPTH_MAX + 1), None),
        (nested(100_000), None),
        ({1, 2}, None),
        (object, None),
    ],
)
def test_a_custom_property(value, expected):
    """Each value has one defined form; what has none is None, and null where it is one of many."""
    assert custom_of(value) == expected


def test_subclasses_become_what_they_are():
    """A text or number of a class of its own is sent as text or number."""
    cleaned = custom_of([Tier.GOLD, type("Float", (float,), {})(1.5)])
    assert [type(value) for value in cleaned] == [str, float]
    assert json.dumps(cleaned) == '["gold", 1.5]'


@pytest.mark.parametrize(
    ("key", "expected"), [("a", "a"), (1, "1"), (1.5, "1.5"), (None, "None"), ("\udfff", "\ufffd")]
)
def test_a_key_is_text(key, expected):
    """JSON knows no other keys."""
    assert name_of(key) == expected
