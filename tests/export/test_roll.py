"""Everybody on a list, read side by side from a sandbox: whole, in less time than one page after the other."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from doubles import SharedClock
from shop import LIST, Shop

from target_klaviyo_segments.errors import KlaviyoError, RunStopped
from target_klaviyo_segments.export.roll import call_the_roll
from target_klaviyo_segments.klaviyo.membership import EVER, JoinedSpan, Person
from target_klaviyo_segments.sandbox.app import Response

ANSWER_SECONDS = 0.3


def filled(shop, count, parts, seconds):
    """People who joined in so many parts, so far apart."""
    for part in range(parts):
        shop.join(*(f"p{number}@x.io" for number in range(part, count, parts)))
        if part < parts - 1:
            shop.clock.sleep(seconds)
    return shop


def roll(shop, check=lambda: None):
    return [person for page in call_the_roll(shop.client, LIST, check) for person in page]


@pytest.mark.parametrize(("parts", "seconds"), [(60, 3600.0), (1, 0.0), (4, 86_400.0)])
def test_the_roll_is_the_list(parts, seconds):
    """Everybody is in it, however they joined, also who has no e-mail."""
    shop = filled(Shop(limits=False), 3_000, parts, seconds)
    shop.join({"phone_number": "+15005550006"})
    found = roll(shop)
    assert {person.id for person in found} == {member["id"] for member in shop.box.members(LIST)}
    assert None in {person.email for person in found}


def test_it_takes_a_fraction_of_the_time_of_one_reader():
    """6,000 people are 60 pages: 18 s one after the other, and one second of Klaviyo's quota."""
    shop = filled(Shop(clock=SharedClock(), answer_seconds=ANSWER_SECONDS), 6_000, 300, 60.0)
    before, began = len(shop.box.requests), shop.clock.now()
    found = roll(shop)
    assert len({person.id for person in found}) == 6_000
    assert shop.clock.now() - began < 60 * ANSWER_SECONDS / 3
    assert len(shop.box.requests) - before < 60 * 1.6
    assert not any(entry.status == 429 for entry in shop.box.requests)


def test_an_empty_list_is_nobody():
    """No reader starts."""
    assert roll(Shop()) == []


def test_when_klaviyo_does_not_tell_who_joined_when_one_reads_all():
    """Slowly, and whole."""
    shop = filled(Shop(limits=False), 250, 1, 0.0)
    answer = shop.box.handle

    def without_dates(request):
        if "joined_group_at" not in request.query or "email" in request.query:
            return None
        del shop.box.interceptors[:]
        reply = answer(request)
        shop.box.interceptors.append(without_dates)
        return Response(
            reply.status, reply.headers, reply.body.replace(b'"joined_group_at":"', b'"joined_group_at":"?')
        )

    shop.box.interceptors.append(without_dates)
    assert len(roll(shop)) == 250


def test_a_list_that_cannot_be_read_to_its_end_is_not_read():
    """One page is refused in the middle: nobody may be taken for a stranger because of it, and no thread goes on."""
    shop = filled(Shop(limits=False), 3_000, 60, 3600.0)
    seen = []

    def refuse(request):
        seen.append(request)
        return Response(403, {}, b"{}") if len(seen) > 20 else None

    shop.box.interceptors.append(refuse)
    with pytest.raises(KlaviyoError):
        roll(shop)
    asked = len(seen)
    assert asked < 20 + 25 + 2


def test_whoever_is_to_stop_stops_between_pages():
    """A signal does not wait for a million people to be read."""
    shop = filled(Shop(limits=False), 3_000, 60, 3600.0)
    asked = len(shop.box.requests)

    def check():
        if len(shop.box.requests) > asked + 5:
            raise RunStopped("a signal")

    with pytest.raises(RunStopped):
        roll(shop, check)


class Crowd:
    """Members of a list who joined a minute apart, ten to a page; a page is noted when somebody reads it."""

    def __init__(self, count):
        joined = (datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=number) for number in range(count))
        self.people = [Person(str(number), None, at) for number, at in enumerate(joined)]
        self.read = []

    def list_joined_span(self, _list_id):
        return JoinedSpan(self.people[0].joined, self.people[-1].joined)

    def member_pages(self, _list_id, joined=EVER):
        since, until = joined.since or self.people[0].joined, joined.until or datetime.max.replace(tzinfo=timezone.utc)
        there = [each for each in self.people if since <= each.joined < until]
        for start in range(0, len(there), 10):
            self.read.append(start)
            yield tuple(there[start : start + 10])


def test_a_roll_that_nobody_takes_waits():
    """Memory is bounded: while another list is read to its end, the readers are some pages ahead, and no more."""
    left, taken = Crowd(10_000), Crowd(10_000)
    pages = call_the_roll(left, LIST, lambda: None)
    next(pages)
    assert len({person.id for page in call_the_roll(taken, LIST, lambda: None) for person in page}) == 10_000
    assert len(left.read) <= 1 + 48 + 24  # taken, in the queue, and in the hands of its readers
    pages.close()
