"""Many records at once are the same as one by one: the fast way is checked against the plain one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.errors import Rejection
from target_klaviyo_segments.segment.batch import Batcher, Columns, Row
from target_klaviyo_segments.segment.contract import Contract
from target_klaviyo_segments.segment.identity import (
    normalise_email,
    normalise_emails,
    normalise_phone,
    normalise_phones,
)
from target_klaviyo_segments.segment.mapping import Mapper
from target_klaviyo_segments.segment.phone import all_plainly_good, all_plainly_national, plainly_good
from tests.segment.reading import mapper

EMAILS = st.sampled_from(
    ["a@x.io", " B@X.io ", "ünï@x.io", "bad", "", None, 7, "a@b.test", "c@x.io\nd@x.io", "q" * 60 + "@x.io"]
)
PHONES = st.sampled_from(
    ["+12025550123", "+12025550199", "+4915123456789", "0151 23456789", "12", "", None, 12025550123]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "email": EMAILS,
        "phone_number": PHONES,
        "first_name": st.sampled_from(["Ada", "", None, 5, ["x"]]),
        "zip": VALUES,
        "tier": VALUES,
        "properties": VALUES,
        "location": st.none() | st.fixed_dictionaries({"city": VALUES, "level": VALUES}),
        "_sdc_batched_at": VALUES,
        "other": VALUES,
        "\ud800": st.just(1),
    },
)
SETTINGS = st.sampled_from(
    [
        {},
        {"field_map": {"location.zip": "zip", "properties.level": "tier"}},
        {"unmapped_fields": "drop", "properties": ("email", "tier")},
        {"email_field": "properties.mail", "field_map": {"first_name": "properties.name"}},
        {"append_fields": {"tiers": "tier"}, "unappend_fields": {"tiers": "other", "zips": "location.city"}},
        {"null_fields": "clear"},
        {
            "null_fields": "clear",
            "append_fields": {"tiers": "tier"},
            "field_map": {"location.city": "location.level", "properties.note": "zip", "title": "other"},
        },
        {"default_country": "DE", "properties": ("email", "phone_number", "first_name", "other", "_sdc_batched_at")},
    ]
)


@given(st.lists(RECORDS, max_size=6), SETTINGS, st.data())
def test_many_records_become_the_profiles_that_each_alone_becomes(records, settings, data):
    """Payloads are the same JSON, dropped fields the same; what is left is what must be looked at alone."""
    good = [data.draw(st.booleans()) or True for _ in records]
    many = mapper(**settings).map_many(records, good)
    taken = [record for place, record in enumerate(records) if place not in set(many.left)]
    alone = [mapper(**settings).map(record) for record in taken]
    assert many.emails == [profile.email for profile in alone]
    assert list(map(json.loads, many.payloads)) == [json.loads(profile.payload) for profile in alone]
    assert sorted(many.dropped) == sorted(name for profile in alone for name in profile.dropped)


def test_records_that_failed_the_check_are_left():
    """They are rejected one by one, with their reasons."""
    many = mapper().map_many([{"email": "a@x.io"}, {"email": "b@x.io"}, {"email": "bad"}], [True, False, True])
    assert many.emails == ["a@x.io"]
    assert many.left == [1, 2]


@pytest.mark.parametrize("odd", ["\ud800", "x" * 100_001, 10**5000], ids=["surrogate", "size", "digits"])
def test_when_one_profile_is_odd_all_are_left(odd):
    """Too large, or not to be encoded: each is looked at alone, and the good ones are sent all the same."""
    many = mapper().map_many([{"email": "a@x.io"}, {"email": "b@x.io", "odd": odd}], [True, True])
    assert many == ([], [], [], [0, 1])


@given(st.lists(EMAILS, max_size=5))
def test_many_addresses_are_judged_as_each_alone(emails):
    """Also one that holds a line feed and would be two."""
    assert normalise_emails(emails) == [normalise_email(email) for email in emails]


@given(st.lists(PHONES | st.sampled_from(["+12025550123\n+12025550199", "+999", "+1"]), min_size=1, max_size=5))
def test_many_numbers_are_good_only_when_each_is(numbers):
    """Not to be sure is allowed, to be wrong is not."""
    if all_plainly_good(numbers):
        assert all(isinstance(number, str) and plainly_good(number) for number in numbers)


@given(
    st.lists(
        PHONES
        | st.sampled_from(
            ["(202) 555-0123", "202.555.0199", "1 202 555 0123", "030 901820", "00493090", "5\n6", "-", [1]]
        )
        | st.from_regex(r"00?[0-9]{5,12}", fullmatch=True),
        max_size=6,
    ),
    st.sampled_from(["US", "DE", "it", "GB", "JP", "ZZ", None]),
)
def test_many_numbers_are_normalised_as_each_alone(numbers, country):
    """From abroad, at home, bad, none, and what is no text."""
    assert normalise_phones(numbers, country) == [normalise_phone(number, country) for number in numbers]


def test_numbers_at_home_are_seen_at_once():
    """Those of a whole column, unless one of them is not plainly good."""
    assert all_plainly_national(["(202) 555-0123", "202.555.0199"], "US") == ["+12025550123", "+12025550199"]
    assert all_plainly_national(["030 901820"] * 2, "DE") == ["+4930901820"] * 2
    assert all_plainly_national(["(202) 555-0123", "1 202 555 0199"], "US") is None
    assert all_plainly_national(["202 555 0123"], "ZZ") is None


@pytest.mark.parametrize(
    ("numbers", "sure"),
    [
        (["+12025550123", "+12025550199"], True),
        (["+4915123456789"] * 3, True),
        (["+12025550123", "+4915123456789"], False),
        (["+12025550123", None], False),
        (["+99912345678"], False),
        (["+8001234567890"], False),
    ],
)
def test_numbers_of_one_calling_code_are_seen_at_once(numbers, sure):
    """The commonest case is the fast one."""
    assert all_plainly_good(numbers) is sure


@given(st.lists(st.dictionaries(st.sampled_from(["id", "email", "n"]), VALUES, max_size=3), max_size=5), st.booleans())
def test_many_records_are_accepted_as_each_alone(records, validate):
    """Keys that are missing, values of a wrong type, text that is no text."""
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "email": {}, "n": {"type": ["string", "null"]}},
    }
    contract = Contract.from_schema("people", schema, ["id"], "email", validate=validate)
    assert contract.accept(records) == [contract.check(record) is None for record in records]


def test_a_record_that_cannot_be_read_is_not_accepted():
    """The compiled check raises at a lone surrogate; the others are accepted all the same."""
    contract = Contract.from_schema("people", {"properties": {"email": {"type": "string"}}}, [], "email")
    assert contract.accept([{"email": "a"}, {"email": "\ud800"}, {"email": 1}]) == [
        contract.check(record) is None for record in ({"email": "a"}, {"email": "\ud800"}, {"email": 1})
    ]


def test_names_that_lead_elsewhere_are_learned_up_to_a_bound():
    """Columns of taps (`_sdc_...`) that no schema names, without end."""
    compiled = Mapper.compile(
        properties=(), email_field="email", field_map={}, unmapped_fields="send", default_country=None
    )
    for number in range(300):
        profile = compiled.map({"email": "a@x.io", f"_sdc_{number}": 1, "tier": "gold"})
        assert not isinstance(profile, Rejection)
        assert json.loads(profile.payload)["attributes"] == {"email": "a@x.io", "properties": {"tier": "gold"}}


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), min_size=1, max_size=6), max_size=8),
    st.integers(1, 12),
    st.integers(40, 200),
)
def test_rows_added_together_are_those_added_one_by_one(groups, rows_max, bytes_max):
    """Together or not at all: the batch is the one that rows alone would have made."""
    together, alone = (Batcher(rows_max=rows_max, bytes_max=bytes_max) for _ in range(2))
    first = Row(0, "first@x.io", b"x", b"{}")
    together.offer(first, 1)
    alone.offer(first, 1)
    for group in groups:
        rows = [
            Row(number, f"{person}@x.io", b"x" * size, b"%d" % number) for number, (person, size) in enumerate(group)
        ]
        columns = Columns(*map(list, zip(*rows, strict=True)))
        assert list(columns.rows()) == rows
        if together.extend(columns):
            for row in rows:
                alone.offer(row, 1)
        assert list(together.open.rows()) == list(alone.open.rows())
        assert together.open.payload_bytes == alone.open.payload_bytes <= bytes_max
        assert len(together.open) <= max(rows_max, 1)
        assert together.rows_left == rows_max - len(together.open)
        assert together.full == (together.rows_left <= 0)


def test_nothing_is_added_to_a_batch_that_is_not_open():
    """The first row opens it, by itself: its number is the one that holds STATE back."""
    batcher = Batcher(rows_max=5, bytes_max=100)
    assert not batcher.extend(Columns([1], ["a@x.io"], [b"{}"], [b"{}"]))
    assert batcher.rows_left == 0
    assert not batcher.full


def test_records_that_are_all_plainly_right_are_mapped_by_columns():
    """The commonest case: every field is there and good."""
    records = [
        {"email": f"p{n}@x.io", "first_name": "Ada", "phone_number": f"+1202555010{n}", "tier": "gold"}
        for n in range(3)
    ]
    many = mapper(properties=tuple(records[0])).map_many(records, [True] * 3)
    assert [json.loads(payload)["attributes"] for payload in many.payloads] == [
        {
            "email": record["email"],
            "first_name": "Ada",
            "phone_number": record["phone_number"],
            "properties": {"tier": "gold"},
        }
        for record in records
    ]


def test_a_part_of_rows_is_rows():
    """As a batch takes them when it cannot take all."""
    rows = Columns([1, 2, 3], ["a", "b", "c"], [b"1", b"2", b"3"], [b"x", b"y", b"z"])
    assert list(rows.part(1).rows()) == [Row(2, "b", b"2", b"y"), Row(3, "c", b"3", b"z")]
    assert rows.part(0, 1) == ([1], ["a"], [b"1"], [b"x"])


def test_a_field_that_some_records_lack_is_put_where_it_is():
    """Missing, null, empty and to be converted: each value for itself."""
    values = ["Ada", None, "", 7]
    records = [{"email": f"p{n}@x.io", "first_name": value} for n, value in enumerate(values)] + [{"email": "p4@x.io"}]
    many = mapper(properties=("email", "first_name")).map_many(records, [True] * 5)
    found = [json.loads(payload)["attributes"].get("first_name") for payload in many.payloads]
    assert found == ["Ada", None, None, "7", None]
