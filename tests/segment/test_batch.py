"""Batches: cut by rows and bytes, one row a person."""

from __future__ import annotations

import sys

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.segment.batch import Batcher, Place, Row


def offer(batcher, number, email, size=10):
    return batcher.offer(Row(number, email, b"x" * size, b"%d" % number), number)


def test_the_last_row_of_a_person_wins():
    """One row a person in a job: Klaviyo may drop either of two."""
    batcher = Batcher(rows_max=10, bytes_max=1000)
    assert offer(batcher, 1, "a@x.io", 10) is Place.OPENED
    assert offer(batcher, 2, "a@x.io", 30) is Place.REPLACED
    batch = batcher.take()
    assert [(row.number, row.email, row.record) for row in batch.rows()] == [(2, "a@x.io", b"2")]
    assert batch.payload_bytes == 31
    assert batch.first_sequence == 1


def test_a_larger_row_of_a_person_may_not_fit_in_place_of_the_smaller():
    """The limit is looked at before the row is added."""
    batcher = Batcher(rows_max=10, bytes_max=40)
    offer(batcher, 1, "a@x.io", 10)
    assert offer(batcher, 2, "b@x.io", 20) is Place.ADDED
    assert offer(batcher, 3, "a@x.io", 19) is Place.FULL
    assert offer(batcher, 3, "a@x.io", 18) is Place.REPLACED
    assert batcher.payload_bytes == 40


def test_where_no_row_may_come_none_opens_a_batch():
    """The export has all the profiles that it may have."""
    batcher = Batcher(rows_max=0, bytes_max=1000)
    assert offer(batcher, 1, "a@x.io") is Place.FULL
    assert batcher.open is None


def test_few_rows_of_many_do_not_keep_the_input_they_came_with():
    """A decoded record is a part of its block, which stays as long as one of them does."""
    block = b'{"n":1}\n{"n":2}\n{"n":3}' + b" " * 100
    before = sys.getrefcount(block)
    batcher = Batcher(rows_max=10, bytes_max=1000)
    for number, record in enumerate(msgspec.json.Decoder(msgspec.Raw).decode_lines(block)):
        batcher.offer(Row(number, f"{number}@x.io", b"{}", record), number)
    del record
    batch = batcher.take()
    (rest, taken), few = batch.split({"0@x.io"}), batch.without({"0@x.io", "1@x.io"})
    assert sys.getrefcount(block) > before
    del batch, rest
    assert sys.getrefcount(block) == before
    assert [bytes(row.record) for row in (*taken, *few.rows())] == [b'{"n":1}', b'{"n":3}']


def test_a_row_larger_than_every_batch_is_admitted_alone():
    """It is judged where it is sent, not lost here; so is a larger one in its place."""
    batcher = Batcher(rows_max=10, bytes_max=5)
    assert offer(batcher, 1, "a@x.io", 50) is Place.OPENED
    assert offer(batcher, 2, "b@x.io", 1) is Place.FULL
    assert offer(batcher, 3, "a@x.io", 60) is Place.REPLACED


def test_nothing_open_is_nothing_to_take():
    """An empty batch is never sent."""
    batcher = Batcher(rows_max=1, bytes_max=5)
    assert batcher.take() is None
    assert batcher.payload_bytes == 0
    assert not batcher.holds("a@x.io")


def test_people_can_be_taken_out_of_a_batch():
    """Who is in an open job waits; the others go."""
    batcher = Batcher(rows_max=9, bytes_max=500)
    for number, name in enumerate("abcd"):
        offer(batcher, number, name, 10 + number)
    rest, taken = batcher.take().split({"b", "d"})
    assert rest.emails == ["a", "c"]
    assert rest.positions == {"a": 0, "c": 1}
    assert rest.payload_bytes == 11 + 13
    assert [row.number for row in taken] == [1, 3]
    assert rest.first_sequence == 0


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 60)), max_size=60),
    st.integers(1, 8),
    st.integers(60, 200),
)
def test_no_batch_breaks_its_bounds_and_no_row_is_lost(people, rows_max, bytes_max):
    """Every row is in exactly one batch or was replaced by a later row of the same person in the same batch."""
    batcher = Batcher(rows_max=rows_max, bytes_max=bytes_max)
    batches, replaced = [], 0
    for number, (person, size) in enumerate(people):
        place = offer(batcher, number, f"{person}@x.io", size)
        if place is Place.FULL:
            batches.append(batcher.take())
            place = offer(batcher, number, f"{person}@x.io", size)
        assert place is not Place.FULL
        replaced += place is Place.REPLACED
    batches += [batch] if (batch := batcher.take()) else []
    for batch in batches:
        rows = list(batch.rows())
        assert len(batch) <= rows_max
        assert batch.payload_bytes == sum(len(row.payload) + 1 for row in rows)
        assert batch.payload_bytes <= bytes_max or len(batch) == 1
        assert [row.email for row in rows] == batch.emails == list(dict.fromkeys(batch.emails))
        assert all(row.record == b"%d" % row.number for row in rows)
        assert batch.first_sequence <= min(batch.numbers)
    kept = [number for batch in batches for number in batch.numbers]
    assert len(set(kept)) == len(kept) == len(people) - replaced
    last_rows = {person: number for number, (person, _) in enumerate(people)}
    assert set(last_rows.values()) <= set(kept)
