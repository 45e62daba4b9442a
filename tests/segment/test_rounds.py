"""Rows of a block that go by several ways: nobody's rows change places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.segment.rounds import Rounds, read_all

ROWS = st.lists(st.tuples(st.sampled_from(["a@x.io", "b@x.io", "c@x.io", None]), st.sampled_from("xyz")), max_size=12)


@given(ROWS)
def test_grouped_by_round_and_way_everybodys_rows_keep_their_order(rows):
    """And in one round nobody goes by two ways."""
    rounds = Rounds([person for person, _ in rows])
    keys = [(rounds.of(place, way), way) for place, (_, way) in enumerate(rows)]
    groups = sorted(range(len(rows)), key=lambda place: (keys[place][0], keys.index(keys[place]), place))
    for person in {who for who, _ in rows if who is not None}:
        mine = [place for place, (who, _) in enumerate(rows) if who == person]
        assert [place for place in groups if place in mine] == mine
        ways = {}
        for place in mine:
            assert ways.setdefault(keys[place][0], keys[place][1]) == keys[place][1]


def test_where_everybody_has_one_row_or_goes_one_way_there_is_one_round():
    """As spelled or not; who has no address is nobody."""
    for people in (["a@x.io", "b@x.io"], ["a@x.io", " A@X.io"], [None, None, 7]):
        rounds = Rounds(people)
        assert [rounds.of(place, "x") for place in range(len(people))] == [0] * len(people)
    rounds = Rounds([None, 7, " A@X.io", "a@x.io"])
    assert [rounds.of(place, way) for place, way in enumerate("xyxy")] == [0, 0, 0, 1]


def test_a_property_is_read_where_it_is():
    """By its own name before its path."""
    records = [{"at": {"home": "a@x.io"}}, {"at.home": "b@x.io"}, {}]
    assert read_all(records, "at.home", ["at", "home"]) == ["a@x.io", "b@x.io", None]
    assert read_all(records, "at.home", ()) == [None, "b@x.io", None]
