"""Batches: cut by rows and bytes, one row a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_klaviyo_segments.segment.batch import Batcher, Row


def row(number, email, size=10):
    return Row(number, email, b"x" * size, {"number": number})


def test_the_last_row_of_a_person_wins_and_the_earlier_one_comes_back():
    """One row a person in a job: Klaviyo may drop either of two."""
    batcher = Batcher(rows_max=10, bytes_max=1000)
    first, second = row(1, "a@x.io", 10), row(2, "a@x.io", 30)
    assert batcher.add(first, 1) is None
    assert batcher.add(second, 2) is first
    batch = batcher.take()
    assert batch.rows == [second]
    assert batch.payload_bytes == 31
    assert batch.first_sequence == 1


def test_a_larger_row_of_a_person_may_not_fit_in_place_of_the_smaller():
    """The limit is looked at before the row is added."""
    batcher = Batcher(rows_max=10, bytes_max=40)
    batcher.add(row(1, "a@x.io", 10), 1)
    batcher.add(row(2, "b@x.io", 20), 2)
    assert batcher.fits(row(3, "a@x.io", 17))
    assert not batcher.fits(row(3, "a@x.io", 19))


def test_a_row_larger_than_every_batch_is_admitted_alone():
    """It is judged where it is sent, not lost here."""
    batcher = Batcher(rows_max=10, bytes_max=5)
    assert batcher.fits(row(1, "a@x.io", 50))
    batcher.add(row(1, "a@x.io", 50), 1)
    assert not batcher.fits(row(2, "b@x.io", 1))


def test_nothing_open_is_nothing_to_take():
    """An empty batch is never sent."""
    batcher = Batcher(rows_max=1, bytes_max=5)
    assert batcher.take() is None
    assert batcher.payload_bytes == 0
    assert not batcher.holds("a@x.io")
    with pytest.raises(ValueError, match="no batch"):
        _ = batcher.first_sequence


def test_a_row_held_back_from_an_earlier_batch_brings_its_sequence():
    """A STATE may not pass the earliest row that a batch ever held."""
    batcher = Batcher(rows_max=5, bytes_max=500)
    batcher.add(row(7, "a@x.io"), 7)
    batcher.add(row(3, "b@x.io"), 3)
    assert batcher.first_sequence == 3


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 60)), max_size=60),
    st.integers(1, 8),
    st.integers(60, 200),
)
def test_no_batch_breaks_its_bounds_and_no_row_is_lost(people, rows_max, bytes_max):
    """Every row is in exactly one batch or was replaced by a later row of the same person in the same batch."""
    batcher = Batcher(rows_max=rows_max, bytes_max=bytes_max)
    batches, replaced = [], []
    for number, (person, size) in enumerate(people):
        new = row(number, f"{person}@x.io", size)
        if not batcher.fits(new):
            batches.append(batcher.take())
        earlier = batcher.add(new, number)
        if earlier is not None:
            replaced.append(earlier.number)
    batches += [batch] if (batch := batcher.take()) else []
    for batch in batches:
        assert len(batch) <= rows_max
        assert batch.payload_bytes == sum(len(each.payload) + 1 for each in batch.rows)
        assert batch.payload_bytes <= bytes_max or len(batch) == 1
        assert [each.email for each in batch.rows] == list(batch.positions)
        assert batch.first_sequence <= min(each.number for each in batch.rows)
    assert sorted([each.number for batch in batches for each in batch.rows] + replaced) == list(range(len(people)))
