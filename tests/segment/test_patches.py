"""List arithmetic: what a row adds to arrays that Klaviyo has, and takes out of them."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.segment.batch import Batcher, Place, Row
from target_klaviyo_segments.segment.patching import joined
from tests.segment.reading import custom, dropped, mapper, patch

TAGS = {"append_fields": {"segments": "tag"}}
BOTH = {"append_fields": {"segments": "add"}, "unappend_fields": {"segments": "take"}}


@pytest.mark.parametrize(
    ("value", "added"),
    [
        ("vip", ["vip"]),
        (7, [7]),
        (1.5, [1.5]),
        (False, [False]),
        (["vip", "new"], ["vip", "new"]),
        (["vip", 1, True, "vip"], ["vip", 1, True]),
        (["vip", None, ""], ["vip"]),
        (date(2026, 1, 2), ["2026-01-02"]),
        ("\ud800", ["\ufffd"]),
    ],
)
def test_a_value_or_each_of_an_array_is_added(value, added):
    """Each once, true is not 1, and what is nothing adds nothing."""
    assert patch({"tag": value}, **TAGS) == {"append": {"segments": added}}
    assert dropped({"tag": value}, **TAGS) == ()


@pytest.mark.parametrize("value", [None, "", [], [None]])
def test_nothing_adds_nothing(value):
    """Klaviyo's array stays as it is, and the profile has no `meta`."""
    assert patch({"tag": value}, **TAGS) == patch({}, **TAGS) == {}
    assert dropped({"tag": value}, **TAGS) == ()


@pytest.mark.parametrize(
    ("value", "added"), [({"a": 1}, None), ([["a"]], None), (["vip", {"a": 1}], ["vip"]), (float("nan"), None)]
)
def test_what_no_array_of_klaviyos_holds_is_left_out_and_named(value, added):
    """The others of the row still go."""
    assert patch({"tag": value}, **TAGS) == ({"append": {"segments": added}} if added else {})
    assert dropped({"tag": value}, **TAGS) == ("properties.segments",)


def test_an_added_value_is_not_also_a_property():
    """Neither under its own name, nor does a property of the array's name overwrite it."""
    record = {"tag": "vip", "segments": "x", "properties": {"segments": "y", "tag": "z"}, "tier": "gold"}
    assert custom(record, **TAGS) == {"tag": "z", "tier": "gold"}
    assert custom({"tag": "vip"}, **TAGS) == {}


def test_a_value_that_field_map_names_too_goes_both_ways():
    """Asked for twice."""
    settings = {**TAGS, "field_map": {"properties.last": "tag"}}
    assert custom({"tag": "vip"}, **settings) == {"last": "vip"}
    assert patch({"tag": "vip"}, **settings) == {"append": {"segments": ["vip"]}}


def test_the_source_may_be_inside_an_object():
    """A dotted path, as in `field_map`; the rest of the object stays."""
    settings = {"append_fields": {"segments": "crm.tag"}}
    assert patch({"crm": {"tag": "vip", "n": 1}}, **settings) == {"append": {"segments": ["vip"]}}
    assert custom({"crm": {"tag": "vip", "n": 1}}, **settings) == {"crm": {"n": 1}}


def test_values_are_taken_away_by_another_property():
    """What a row both adds and takes away it adds: which of the two Klaviyo does first is not documented."""
    assert patch({"add": "a", "take": ["a", "b"]}, **BOTH) == {
        "append": {"segments": ["a"]},
        "unappend": {"segments": ["b"]},
    }
    assert patch({"add": ["a"], "take": "a"}, **BOTH) == {"append": {"segments": ["a"]}}
    assert patch({"take": "a"}, **BOTH) == {"unappend": {"segments": ["a"]}}


def test_a_profile_of_odd_values_keeps_its_patch():
    """Lone surrogates among other properties make it be encoded again."""
    record = {"email": "a@x.io", "tag": "vip", "note": "\ud800"}
    profile = json.loads(mapper(**TAGS).map(record).payload)
    assert profile["attributes"]["properties"] == {"note": "\ufffd"}
    assert profile["meta"] == {"patch_properties": {"append": {"segments": ["vip"]}}}


def test_a_patch_counts_for_the_size_of_a_profile():
    """100 KB with it."""
    assert mapper(**TAGS).map({"email": "a@x.io", "tag": "x" * 100_000}).code == "profile_too_large"


def payload(record, settings=None):
    return mapper(**(settings or BOTH)).map({"email": "a@x.io", **record}).payload


def test_two_rows_of_a_person_in_a_batch_add_both_their_values():
    """The last row wins all else."""
    batcher = Batcher(rows_max=5, bytes_max=10_000)
    batcher.join = joined
    for number, record in enumerate([{"add": "a", "take": "x", "n": 1}, {"add": "b", "m": 2}, {"take": "a"}]):
        place = batcher.offer(Row(number, "a@x.io", payload(record), b"{}"), number)
        assert place is (Place.REPLACED if number else Place.OPENED)
    (row,) = batcher.open.rows()
    assert batcher.payload_bytes == len(row.payload) + 1
    assert json.loads(row.payload) == {
        "type": "profile",
        "attributes": {"email": "a@x.io"},
        "meta": {"patch_properties": {"append": {"segments": ["b"]}, "unappend": {"segments": ["x", "a"]}}},
    }


def test_rows_that_are_too_large_together_go_one_after_the_other():
    """100 KB are Klaviyo's bound for one profile: the second waits for the next batch."""
    batcher = Batcher(rows_max=5, bytes_max=1_000_000)
    batcher.join = joined
    first, second = (payload({"add": letter * 60_000}) for letter in "ab")
    assert batcher.offer(Row(1, "a@x.io", first, b"{}"), 1) is Place.OPENED
    assert batcher.offer(Row(2, "a@x.io", second, b"{}"), 2) is Place.FULL
    assert batcher.take().payloads == [first]


def test_a_row_without_a_patch_before_it_is_the_row_itself():
    """Nothing is decoded and written again."""
    assert joined(payload({"n": 1}), later := payload({"add": "b"})) is later


def test_joined_numbers_keep_their_digits():
    """A Decimal has more of them than a float."""
    values = [Decimal("0.10000000000000000000001"), 10**30]
    assert b"[0.10000000000000000000001,1000000000000000000000000000000,7]" in joined(
        payload({"add": values}), payload({"add": 7, "n": 1})
    )


VALUES = st.lists(st.sampled_from(["a", "b", 1, True]), max_size=3)
ROWS = st.fixed_dictionaries({"add": VALUES, "take": VALUES, "n": st.integers(0, 3)})


def after(array, payloads):
    """What an array is after patches, each a profile's."""
    known = list(array)
    for each in payloads:
        actions = json.loads(each).get("meta", {}).get("patch_properties", {})
        gone = [(type(v), v) for v in actions.get("unappend", {}).get("segments", [])]
        known = [v for v in known if (type(v), v) not in gone]
        known += [
            v
            for v in actions.get("append", {}).get("segments", [])
            if (type(v), v) not in {(type(k), k) for k in known}
        ]
    return {(type(v), v) for v in known}


@given(VALUES, st.lists(ROWS, min_size=1, max_size=4))
def test_rows_joined_do_what_they_do_one_after_the_other(array, rows):
    """Whatever the array was; the attributes are those of the last row."""
    payloads = [payload(row) for row in rows]
    together = payloads[0]
    for each in payloads[1:]:
        together = joined(together, each)
    assert after(array, [together]) == after(array, payloads)
    assert json.loads(together)["attributes"] == json.loads(payloads[-1])["attributes"]
