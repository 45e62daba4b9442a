"""Fingerprints and spans."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.ledger import fingerprint, fingerprints
from target_klaviyo_segments.ledger.spans import to_rows, to_spans


def test_fingerprints_never_change():
    """A ledger is read by later versions on other machines."""
    assert [fingerprint(b""), fingerprint(b'{"email":"a@x.io"}')] == [3244421341483603138, -6867506930910961948]


@given(st.lists(st.binary(), max_size=5))
def test_many_are_as_one_by_one_and_fit_sqlite(payloads):
    """Signed, 64 bits."""
    assert fingerprints(payloads) == [fingerprint(payload) for payload in payloads]
    assert all(-(2**63) <= found < 2**63 for found in fingerprints(payloads))


@given(st.sets(st.integers(0, 60)), st.randoms(use_true_random=False))
def test_spans_lose_no_row_and_gain_none(rows, random):
    """Whatever the order."""
    shuffled = sorted(rows)
    random.shuffle(shuffled)
    spans = to_spans(shuffled)
    assert sorted(to_rows(spans, 61)) == sorted(rows)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(spans))


def test_a_whole_batch_is_one_span():
    """However its rows are given."""
    assert to_spans(range(10_000)) == to_spans(list(range(10_000))) == [(0, 9_999)]
    assert to_rows([(5, 6), (0, 4)], 7) == range(7)


@pytest.mark.parametrize("spans", [[(0, 7)], [(-1, 2)], [(3, 2)], [(0, 3), (3, 4)]])
def test_spans_that_no_batch_can_have_are_refused(spans):
    """They come from a file that was damaged."""
    with pytest.raises(ValueError, match="cannot be in a batch of 7"):
        to_rows(spans, 7)


@pytest.mark.parametrize("rows", [[1, 1], [0, 2, 2], [0, 0, 2]])
def test_a_row_is_there_once(rows):
    """A row has one fate."""
    with pytest.raises(ValueError, match="twice"):
        to_spans(rows)
