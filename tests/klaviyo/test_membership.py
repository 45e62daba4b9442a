"""Who is on a list, and under what id: asked of a sandbox."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import LIST, Shop

from target_klaviyo_segments.errors import NotFound
from target_klaviyo_segments.klaviyo import membership
from target_klaviyo_segments.klaviyo.answers import read_joined, read_people
from target_klaviyo_segments.klaviyo.membership import JoinedRange, JoinedSpan, look_ups

START = datetime(2026, 9, 21, 14, 13, 20, tzinfo=timezone.utc)  # when the shop's clock begins
ODD = ["o'hara+a%2b&c=d#e@x.io", "ada+tag@x.io", "jörg@bücher.example", "a{b}|c@x.io"]


@pytest.fixture
def shop():
    return Shop(limits=False)


def test_250_people_are_looked_up_100_at_a_time(shop):
    """With the ids that Klaviyo has; whom it does not know is left out."""
    people = [f"p{number}@x.io" for number in range(250)]
    shop.join(*people)
    found = shop.client.profile_ids([*people, "nobody@x.io"])
    assert found == shop.ids
    assert shop.asked("GET", "/api/profiles") == 3


def test_250_leavers_are_found_whatever_a_page_holds(connect, reply):
    """As many as were asked for, not as many as the first page has."""
    people = [f"p{number}@x.io" for number in range(250)]

    def answer(sent):
        query = parse_qs(urlsplit(sent.url).query)
        asked, start = _values(query["filter"][0]), int(query.get("page[cursor]", ["0"])[0])
        page = [{"type": "profile", "id": each.upper(), "attributes": {"email": each}} for each in asked]
        following = f"{sent.url.partition('&page%5Bcursor')[0]}&page%5Bcursor%5D={start + 40}"
        links = {"next": following if start + 40 < len(page) else None}
        return reply(200, {"data": page[start : start + 40], "links": links})

    connected = connect(answer)
    assert connected.client.profile_ids(people) == {each: each.upper() for each in people}
    assert len(connected.wire.sent) == 3 + 3 + 2


@pytest.mark.parametrize("email", ODD)
def test_an_odd_address_is_looked_up_as_it_is(shop, email):
    """Plus signs, percents, ampersands and letters that are not ASCII survive the way."""
    shop.join(email, "other@x.io")
    assert shop.client.profile_ids([email]) == {email: shop.ids[email]}


def test_an_address_comes_back_as_it_was_asked_for(connect, reply):
    """Klaviyo may spell it otherwise; a profile whose own e-mail is another one is not taken for the person."""
    profiles = [
        {"type": "profile", "id": "01A", "attributes": {"email": "Ada@X.io"}},
        {"type": "profile", "id": "01B", "attributes": {"email": "other@x.io"}},
        {"type": "profile", "id": "01C", "attributes": {"email": None}},
    ]
    client = connect([reply(200, {"data": profiles})]).client
    assert client.profile_ids(["ada@x.io", "second-address-of-other@x.io"]) == {"ada@x.io": "01A"}


def test_nobody_is_not_asked_for(shop):
    """An empty filter would ask for everybody."""
    assert shop.client.profile_ids([]) == {}
    assert shop.box.requests == []


@given(st.lists(st.text(min_size=1, max_size=100), max_size=350))
def test_a_question_is_short_and_asks_for_everybody_once(emails):
    """At most 100 e-mails and a URL that any proxy takes, whatever letters there are."""
    asked = []
    for call in look_ups(emails):
        assert len(call.path) <= membership.LOOK_UP_BYTES_MAX
        (text,) = parse_qs(urlsplit(call.path).query, errors="strict")["filter"]
        found = _values(text)
        assert 0 < len(found) <= 100
        asked += found
    assert asked == list(dict.fromkeys(emails))


@pytest.mark.parametrize("size", range(40, 96))
def test_a_question_is_as_long_as_it_may_be(size):
    """Long addresses are asked for in more questions, full ones."""
    emails = [f"{number:02}{'x' * size}@x.io" for number in range(100)]
    lengths = [len(call.path) for call in look_ups(emails)]
    assert max(lengths) <= membership.LOOK_UP_BYTES_MAX
    assert min(lengths[:-1], default=8_000) > membership.LOOK_UP_BYTES_MAX - 130


def _values(text):
    """The values of `any(email,["a","b"])`, whose quotes and backslashes are escaped as JSON's are."""
    return json.loads(text.removeprefix("any(email,").removesuffix(")"), strict=False)


def test_members_are_read_with_their_ids_of_all_pages(shop):
    """Also who has no e-mail: with `mirror_scope` all they are nobody of the segment."""
    shop.join({"phone_number": "+15005550006"}, *(f"p{number}@x.io" for number in range(250)))
    found = [(each.email, each.id) for page in shop.client.member_pages(LIST) for each in page]
    assert found == [(member.get("email"), member["id"]) for member in shop.box.members(LIST)]
    assert found[0][0] is None
    assert len(found) == 251


def test_a_list_that_is_not_there_has_no_members(shop):
    """Not an empty list: nobody may be taken for a leaver because of it."""
    with pytest.raises(NotFound):
        list(shop.client.member_pages("Nope01"))


def test_members_are_read_with_when_they_joined(shop):
    """In that order, in a range of time or all of them; the span of all is known beforehand."""
    for number in range(40):
        shop.join(f"p{number}@x.io")
        shop.clock.sleep(7.3)
    (everybody,) = shop.client.member_pages(LIST)
    assert [each.email for each in everybody] == shop.emails
    joined = [each.joined for each in everybody]
    assert joined == sorted(joined)
    assert shop.client.list_joined_span(LIST) == JoinedSpan(joined[0], joined[-1]) == JoinedSpan(START, joined[-1])
    middle = START + timedelta(seconds=100)
    parts = [list(shop.client.member_pages(LIST, each)) for each in (JoinedRange(None, middle), JoinedRange(middle))]
    assert [each for (part,) in parts for each in part] == list(everybody)
    assert len(parts[0][0]) == 14


def test_an_empty_list_has_no_span(shop):
    """Nobody was there."""
    assert shop.client.list_joined_span(LIST) is None


def test_limits_of_ranges_are_in_utc_and_whole_seconds():
    """A range ends where the next begins, in Klaviyo's words as well."""
    at = datetime(2026, 11, 23, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    until = parse_qs(JoinedRange(until=at).query)["filter"]
    since = parse_qs(JoinedRange(since=at).query)["filter"]
    assert until == ["less-than(joined_group_at,2026-11-22T23:00:00Z)"]
    assert since == ["greater-or-equal(joined_group_at,2026-11-22T23:00:00Z)"]
    assert JoinedRange().query == ""


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        ('"2026-09-21T14:13:20Z"', START),
        ('"2026-09-21T16:13:20.5+02:00"', START + timedelta(seconds=0.5)),
        ('"2026-09-21T14:13:20"', START),
        ('"yesterday"', None),
        ("null", None),
    ],
)
def test_the_instant_of_joining_is_read(joined, expected):
    """What cannot be read is not told, and nobody fails for it."""
    body = f'{{"data":[{{"type":"profile","id":"01A","attributes":{{"joined_group_at":{joined}}}}}]}}'
    assert read_joined(body.encode()).items == (expected,)


def test_a_person_is_shown_without_the_address():
    """A traceback with locals must not show it."""
    page = read_people(b'{"data":[{"type":"profile","id":"01A","attributes":{"email":"ada@x.io"}}]}')
    assert page.items[0].email == "ada@x.io"
    assert "ada@x.io" not in repr(page)
