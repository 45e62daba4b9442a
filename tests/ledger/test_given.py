"""What a stream gave to whom, and what of it is due to be cleared."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.ledger import Bounds, Due

A, B = "a@x.io", "b@x.io"


def deliver(desk, run, *rows, stream="people", delivered=True):
    """Each row is an e-mail with what it gives and what it has null."""
    intent = desk.intend(run, [row[0] for row in rows], stream=stream, marks=[row[1:] for row in rows])
    fate = "delivered" if delivered else "undelivered"
    desk.ledger.settle(intent, **{fate: range(len(rows))})


def due(desk, stream="people", count=10):
    return [(each.email, each.fields, each.kept) for each in desk.ledger.given.due(stream, count)]


def test_a_null_makes_due_what_was_given(desk):
    """And nothing else; it stays due until it is done, also when the ledger is closed meanwhile."""
    run = desk.begin()
    deliver(desk, run, (A, 0b011, 0), (B, 0b100, 0))
    deliver(desk, run, (A, 0b001, 0b110), (B, 0, 0b001))
    assert due(desk) == [(A, 0b010, 0)]
    assert desk.ledger.given.count_due("people") == 1
    desk.reopen()
    assert due(desk) == [(A, 0b010, 0)]
    desk.ledger.given.done("people", desk.ledger.given.due("people", 1))
    assert due(desk) == []
    deliver(desk, desk.begin(), (A, 0, 0b111))
    assert due(desk) == [(A, 0b001, 0)]


def test_what_klaviyo_refuses_is_due_again_when_a_row_says_so(desk):
    """It is still there."""
    run = desk.begin()
    deliver(desk, run, (A, 1, 0))
    deliver(desk, run, (A, 0, 1))
    desk.ledger.given.done("people", [], desk.ledger.given.due("people", 1))
    assert due(desk) == []
    deliver(desk, run, (A, 0, 1))
    assert due(desk) == [(A, 1, 0)]


def test_what_another_stream_gives_is_kept(desk):
    """As long as it gives it."""
    run = desk.begin()
    deliver(desk, run, (A, 0b11, 0))
    deliver(desk, run, (A, 0b01, 0), stream="others")
    deliver(desk, run, (A, 0, 0b11))
    assert due(desk) == [(A, 0b10, 0b01)]
    desk.ledger.given.done("people", desk.ledger.given.due("people", 1))
    deliver(desk, run, (A, 0, 0b01), stream="others")
    assert due(desk, "others") == [(A, 0b01, 0)]


def test_what_is_known_of_a_stream_can_be_forgotten(desk):
    """Also what waits in the journal; others' is not."""
    run = desk.begin()
    desk.ledger.given.forget("people")
    for stream in ("people", "others"):
        deliver(desk, run, (A, 1, 0), stream=stream)
        deliver(desk, run, (B, 1, 0), stream=stream)
    desk.ledger.given.forget("people")
    deliver(desk, run, (A, 0, 1))
    assert due(desk) == []
    deliver(desk, run, (A, 0, 1), stream="others")
    assert due(desk, "others") == [(A, 1, 0)]


def test_people_can_be_known_to_have_fields_without_a_delivery(desk):
    """They were delivered before anybody noted it."""
    run = desk.begin()
    desk.ledger.given.note("people", "L1", [A, B], [0b11, 0b01])
    deliver(desk, run, (A, 0, 0b10), (B, 0, 0b10))
    assert due(desk) == [(A, 0b10, 0)]
    desk.ledger.given.note("people", "L1", [A], [0b10])
    assert due(desk) == []


def test_no_address_is_in_a_representation():
    """It could end up in a log."""
    assert A not in repr(Due(A, 1))


@pytest.mark.parametrize("without", [True, False])
def test_without_marks_nothing_is_kept(desk, without):
    """The setting that is off costs nothing."""
    run = desk.begin()
    deliver(desk, run, (A, 0, 0)) if not without else desk.deliver(run, [A])
    desk.ledger.count_members("L1")
    assert desk.ledger._database.row("SELECT (SELECT count(*) FROM marks) + (SELECT count(*) FROM given)") == (0,)


BITS = st.integers(0, 7)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rows"), st.lists(st.tuples(st.sampled_from([A, B]), BITS, BITS), max_size=2), st.booleans()),
        st.tuples(st.sampled_from(["reopen", "read", "done", "begin"])),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([1, 3, 100]))
def test_what_is_due_is_what_a_model_says(tmp_path_factory, desk_class, steps, waiting):
    """However rows are refused, wait in the journal, and are posted; and over any number of openings."""
    desk = desk_class(tmp_path_factory.mktemp("ledger"))
    bounds = Bounds(waiting=waiting)
    desk.open(bounds=bounds)
    run = desk.begin()
    fields, owed = {}, {}
    for step, *rest in steps:
        if step == "rows":
            rows = {email: (gives, nulls & ~gives) for email, gives, nulls in rest[0]}
            if not rows:
                continue
            deliver(desk, run, *((email, *marks) for email, marks in rows.items()), delivered=rest[1])
            for email, (gives, nulls) in rows.items() if rest[1] else ():
                had = fields.get(email, 0)
                owed[email] = (owed.get(email, 0) & ~gives) | (had & nulls)
                fields[email] = had | gives
        elif step == "reopen":
            desk.close()
            desk.open(bounds=bounds)
        elif step == "begin":
            run = desk.begin()
        elif step == "done":
            for each in desk.ledger.given.due("people", 1):
                desk.ledger.given.done("people", [each])
                fields[each.email] &= ~each.fields
                owed[each.email] = 0
        assert step != "read" or {e: bits for e, bits, _ in due(desk)} == {e: bits for e, bits in owed.items() if bits}
    assert {e: bits for e, bits, _ in due(desk)} == {e: bits for e, bits in owed.items() if bits}
    assert desk.ledger._database.row("SELECT count(*) FROM marks") == (0,)
    desk.close()
