"""Filters: what they find, and what is no filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.sandbox.envelope import Refusal
from target_klaviyo_segments.sandbox.filters import read_filter

PROFILES = "/api/profiles"
LOOKUP = {"email": frozenset({"any", "equals"}), "created": frozenset({"greater-than"})}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('equals(email,"P1@x.io")', ["p1@x.io"]),
        ("equals(email,'p1@x.io')", ["p1@x.io"]),
        ('any(email,["p2@x.io", "p1@x.io", "nobody@x.io"])', ["p1@x.io", "p2@x.io"]),
        ('equals(external_id,"e2")', ["p2@x.io"]),
        ('any(phone_number,["+12025550101"])', ["p1@x.io"]),
        ('equals(_kx,"token")', []),
        ('equals(email,"p1@x.io"),equals(external_id,"e1")', ["p1@x.io"]),
        ('and(equals(email,"p1@x.io"),equals(external_id,"e2"))', []),
        ("greater-than(created,2026-09-21T14:13:20Z)", []),
        ("greater-than(created,2026-09-21T14:13:19Z),less-than(updated,2027-01-01)", ["p0@x.io", "p1@x.io", "p2@x.io"]),
        ('any(id,["01ARZ3NDEKTSV4RRFFQ69G5FAV"])', []),
    ],
)
def test_profiles_are_found(caller, text, found):
    """By identifiers and dates, alone and together."""
    rows = [{"email": f"p{n}@x.io", "external_id": f"e{n}", "phone_number": f"+1202555010{n}"} for n in range(3)]
    caller.load(*rows)
    answer = caller.get(PROFILES, filter=text)
    assert [person["attributes"]["email"] for person in answer.json["data"]] == found


GLOBAL = "subscriptions.email.marketing.suppression"
OF_LISTS = "subscriptions.email.marketing.list_suppressions"


@pytest.fixture
def suppressed(caller):
    """Of three people one bounced, and then unsubscribed; one left a list alone."""
    caller.load(*({"email": f"p{n}@x.io"} for n in range(3)))
    caller.box.consent("p1@x.io").suppressions |= {"HARD_BOUNCE": 1_000.0, "UNSUBSCRIBE": 3_000.0}
    caller.box.consent("p2@x.io").list_suppressions["Y6nRLr"] = 2_000.0
    return caller


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'equals({GLOBAL}.reason,"HARD_BOUNCE")', ["p1@x.io"]),
        (f'equals({GLOBAL}.reason,"USER_SUPPRESSED")', []),
        (f"greater-or-equal({GLOBAL}.timestamp,1970-01-01T00:50:00Z)", ["p1@x.io"]),
        (f"greater-than({GLOBAL}.timestamp,1970-01-01T00:50:00Z)", []),
        (
            f'and(equals({GLOBAL}.reason,"HARD_BOUNCE"),greater-than({GLOBAL}.timestamp,1970-01-01T00:30:00Z))',
            [],  # one suppression meets both, or none does
        ),
        (f'equals({OF_LISTS}.list_id,"Y6nRLr")', ["p2@x.io"]),
        (f'equals({OF_LISTS}.list_id,"Y6nRLr"),equals({OF_LISTS}.reason,"UNSUBSCRIBE")', ["p2@x.io"]),
        (f'equals({OF_LISTS}.list_id,"Y6nRLr"),less-than({OF_LISTS}.timestamp,1970-01-01T00:30:00Z)', []),
        (f'equals({GLOBAL}.reason,"UNSUBSCRIBE"),equals(email,"p0@x.io")', []),
    ],
)
def test_profiles_are_found_by_their_suppressions(suppressed, text, found):
    """Of everything, or of one list."""
    assert [each["attributes"]["email"] for each in suppressed.everything(PROFILES, filter=text)] == found


@pytest.mark.parametrize(
    "text",
    [
        f'equals({GLOBAL}.reason,"UNSUBSCRIBE"),equals({OF_LISTS}.list_id,"Y6nRLr")',
        f'equals({OF_LISTS}.reason,"UNSUBSCRIBE")',
        f"greater-than({GLOBAL}.timestamp,2020-01-01),less-than({GLOBAL}.timestamp,2021-01-01)",
    ],
)
def test_filters_of_suppressions_that_do_not_go_together(suppressed, text):
    """Both kinds, single lists without a list, two instants."""
    answer = suppressed.get(PROFILES, filter=text)
    assert (answer.status, answer.json["errors"][0]["source"]) == (400, {"parameter": "filter"})


@pytest.mark.parametrize(("kind", "last"), [(GLOBAL, "p1@x.io"), (OF_LISTS, "p2@x.io")])
def test_profiles_by_when_they_were_suppressed(suppressed, kind, last):
    """The latest at the end, or in front."""
    for sign, place in (("", -1), ("-", 0)):
        people = suppressed.get(PROFILES, sort=f"{sign}{kind}.timestamp").json["data"]
        assert people[place]["attributes"]["email"] == last


def test_profiles_are_found_by_id(caller):
    """Klaviyo's own."""
    caller.load({"email": "a@x.io"}, {"email": "b@x.io"})
    wanted = caller.box.profiles["b@x.io"]["id"]
    (person,) = caller.get(PROFILES, filter=f'equals(id,"{wanted}")').json["data"]
    assert person["attributes"]["email"] == "b@x.io"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "email",
        "equals(email)",
        "equals(email,a@x.io)",
        'equals(email,"a@x.io"',
        'equals(email,"a@x.io"))',
        'equals(email,"a@x.io") equals(email,"b@x.io")',
        'equals(email,"a@x.io)',
        'any(email,"a@x.io")',
        "any(email,[])",
        'any(email,["a@x.io",])',
        'equals(email,["a@x.io"])',
        'contains(email,"a")',
        'equals(first_name,"A")',
        'or(equals(email,"a@x.io"),equals(email,"b@x.io"))',
        'not(equals(email,"a@x.io"))',
        "greater-than(created,yesterday)",
        'greater-than(created,"yesterday")',
        "greater-than(joined_group_at,2026-01-01)",
    ],
)
def test_what_is_no_filter_is_refused(caller, text):
    """400, naming the parameter."""
    answer = caller.get(PROFILES, filter=text)
    assert answer.status == 400
    assert answer.json["errors"][0]["source"] == {"parameter": "filter"}


def test_a_hundred_values_at_most(caller):
    """How many Klaviyo takes is not documented: one page of answers."""
    values = ",".join(f'"p{n}@x.io"' for n in range(101))
    assert caller.get(PROFILES, filter=f"any(email,[{values}])").status == 400
    assert caller.get(PROFILES, filter=f"any(email,[{values.partition(',')[2]}])").status == 200


def test_a_plus_that_is_not_encoded_is_a_space(caller):
    """As in every query string: who forgets it finds nobody."""
    caller.load({"email": "a+b@x.io"})
    assert caller.send("GET", PROFILES, 'filter=equals(email,"a+b@x.io")').json["data"] == []
    assert len(caller.send("GET", PROFILES, 'filter=equals(email,"a%2Bb@x.io")').json["data"]) == 1


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_values_in_quotes_are_read_as_they_were_written(values):
    """Commas, brackets, quotes and backslashes are text there."""
    quoted = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    (condition,) = read_filter(f"any(email,[{quoted}])", LOOKUP)
    assert list(condition.values) == values


@given(st.text(alphabet="equalsnyd-(),[]\"' mi0129T:Z", max_size=40))
def test_no_text_breaks_the_reader(text):
    """A filter or a refusal, nothing else."""
    try:
        read_filter(text, LOOKUP)
    except Refusal as refusal:
        assert refusal.status == 400
