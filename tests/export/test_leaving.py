"""Who is to leave, and who comes back before; in memory only so many."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.export.leaving import Leaving
from target_klaviyo_segments.ledger import Ledger


@pytest.fixture
def leaving_of(tmp_path):
    """Makes them, on the table of one ledger."""
    with closing(Ledger.open(tmp_path / "ledger.sqlite3", now=lambda: 1.0, warn=print)) as ledger:
        yield lambda name="people", most=10: Leaving(name, ledger.leaving, most)


def everybody(named):
    return {who: rows for page in named.pages() for who, rows in page.items()}


def test_people_leave_by_address_or_by_key(leaving_of):
    """Or by both, for the key may have had another address before; each row counts once."""
    leaving = leaving_of()
    assert not leaving
    assert leaving.leave("a@x.io", "[1]")
    assert leaving.leave(None, "[2]")
    assert leaving.leave(None, "[2]")
    assert not leaving.leave(None, None)
    assert leaving
    assert (everybody(leaving.emails), everybody(leaving.keys)) == ({"a@x.io": 1}, {"[1]": 0, "[2]": 2})


@pytest.mark.parametrize("most", [1, 2, 10])
@pytest.mark.parametrize(
    ("emails", "keys", "rows"),
    [(["a@x.io", "b@x.io"], [None, "[9]"], 1), (["c@x.io"], ["[2]"], 2), (["c@x.io"], [], 0), (["a@x.io"], ["[2]"], 3)],
)
def test_who_comes_back_does_not_leave(leaving_of, most, emails, keys, rows):
    """The rows that said so are told, for they have a fate too; wherever they are kept."""
    leaving = leaving_of(most=most)
    for email, key in (("a@x.io", None), (None, "[2]"), (None, "[2]")):
        leaving.leave(email, key)
    assert leaving.come_back(emails, keys) == rows
    assert leaving.come_back(emails, keys) == 0


def test_streams_are_kept_apart(leaving_of):
    """Who leaves one of them leaves no other, nor does a key of one say anything in another."""
    people, others = leaving_of("people", 1), leaving_of("others", 1)
    people.leave("a@x.io", None)
    others.leave("b@x.io", None)
    assert others.come_back(["a@x.io"], []) == 0
    assert (people.forget(), everybody(people.emails), everybody(others.emails)) == (1, {}, {"b@x.io": 1})


def test_they_are_told_a_page_at_a_time_and_may_be_taken_out_meanwhile(leaving_of):
    """However many there are, memory holds a page."""
    leaving = leaving_of(most=100)
    for number in range(2_500):
        leaving.leave(f"p{number:04}@x.io", None)
        assert len(leaving.emails._rows) < 100
    sizes = []
    for page in leaving.emails.pages():
        sizes.append(len(page))
        assert leaving.come_back(list(page), []) == len(page)
    assert sizes == [1_000, 1_000, 500]
    assert leaving.forget() == 0


NAMES = st.sampled_from("abcdef")
ACTS = st.lists(st.tuples(st.sampled_from(["leave", "back", "seen 1", "seen 2"]), st.lists(NAMES, max_size=4)))


@settings(max_examples=60, deadline=None)
@given(ACTS, st.integers(1, 4))
def test_it_is_a_dictionary_whatever_memory_holds(tmp_path_factory, acts, most):
    """Rows that say it, and segments where they were seen since, as a plain dictionary has them."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    with closing(Ledger.open(path, now=lambda: 1.0, warn=print)) as ledger:
        leaving = Leaving("people", ledger.leaving, most)
        rows, seen = {}, {}
        for act, who in acts:
            if act == "leave":
                for each in who:
                    leaving.leave(None, each)
                    rows[each] = rows.get(each, 0) + 1
                    seen.pop(each, None)
            elif act == "back":
                assert leaving.come_back([], who) == sum(rows.pop(each, 0) for each in set(who))
                seen = {each: places for each, places in seen.items() if each in rows}
            else:
                leaving.seen_in(act, [], who)
                for each in rows.keys() & set(who):
                    seen.setdefault(each, set()).add(act)
            assert len(leaving.keys._rows) < most
        assert everybody(leaving.keys) == rows
        assert leaving.keys.segments_of(rows) == seen
