"""A list in shares of time: whoever reads them in turns has read everybody, whatever is given away on the way."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.klaviyo.shares import Shares

START = datetime(2026, 9, 21, 14, 13, 20, tzinfo=timezone.utc)
PAGE = 10


def at(seconds):
    return START + timedelta(seconds=seconds)


def within(span, joined):
    return (span.since is None or span.since <= joined) and (span.until is None or joined < span.until)


def read(members, readers, turns):
    """Read a list with some readers, one page of one of them at a time; to who was read, and the pages that it took."""
    shares = Shares(at(min(members)), at(max(members)))
    found, pages, reading = set(), 0, {}
    while shares.open:
        for reader in range(readers):
            share = None if reader in reading else shares.take()
            if share is not None:
                rest = [(at(joined), who) for who, joined in enumerate(members) if within(share.range, at(joined))]
                reading[reader] = (share, sorted(rest))
        reader = turns.choice(sorted(reading))
        share, rest = reading[reader]
        page, rest = rest[:PAGE], rest[PAGE:]
        pages += 1
        found.update(who for _, who in page)
        if shares.advance(share, [joined for joined, _ in page]) and rest:
            reading[reader] = (share, rest)
        else:
            shares.end(share)
            del reading[reader]
    return found, pages


SHAPES = {
    "evenly": lambda n: n * 1000.0,
    "all at once": lambda _: 5.0,
    "in one second": lambda n: 5.0 + n / 1000,
    "imported in two seconds after a year": lambda n: n * 1.0 if n < 10 else 31_536_000.0 + n % 2,
    "more and more": lambda n: 1e6 * (1 - 1 / (1 + n)),
    "less and less": lambda n: float(n * n),
}


@pytest.mark.parametrize("readers", [1, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_everybody_is_read_at_the_cost_of_few_pages_more(shape, readers):
    """However the list has grown; and a crowd of one second is still read by one, to its end."""
    members = [SHAPES[shape](n) for n in range(800)]
    found, pages = read(members, readers, random.Random(1))
    assert found == set(range(800))
    # To find two seconds in a year it takes some looks into the wrong half, by readers who had nothing else to do.
    assert pages <= (80 * 1.4 if "year" not in shape else 200)


def test_a_list_that_grew_evenly_is_shared_by_all():
    """As soon as the first page has come, everybody has something to read, as much as the others."""
    shares = Shares(at(0), at(100_000))
    first = shares.take()
    assert shares.take() is None  # nothing is known of it yet
    shares.advance(first, [at(0), at(100)])
    others = [shares.take() for _ in range(7)]
    assert all(others)
    lengths = [(share.end - share.seen).total_seconds() for share in (first, *others)]
    assert max(lengths) < 2.1 * min(lengths)


@given(
    st.lists(st.one_of(st.integers(0, 40), st.integers(0, 10**8), st.floats(0, 3)), min_size=1, max_size=120),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_everybody_is_read(members, readers, turns):
    """Whoever reads when, and however people joined."""
    assert read(members, readers, turns)[0] == set(range(len(members)))


def test_a_page_without_dates_ends_nothing():
    """What Klaviyo does not tell cannot end a share."""
    shares = Shares(at(0), at(100))
    share = shares.take()
    assert shares.advance(share, [])
    assert shares.take() is None
    shares.end(share)
    assert not shares.open
