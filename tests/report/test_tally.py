"""The counters and the sum that must be right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.report.tally import FATES, Tally, total


@given(st.lists(st.sampled_from([*FATES, "none yet"])))
def test_a_tally_is_balanced_when_every_row_has_one_fate(fates):
    """read = delivered + rejected + unchanged + merged + removed + filtered + failed."""
    tally = Tally()
    for fate in fates:
        tally.read += 1
        if fate == "rejected":
            tally.reject("email_missing")
        elif fate != "none yet":
            setattr(tally, fate, getattr(tally, fate) + 1)
    assert tally.balanced == ("none yet" not in fates)
    assert tally.settled == len(fates) - fates.count("none yet")
    assert sum(tally.reasons.values()) == tally.rejected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_a_total_is_the_sum_of_its_tallies(counts):
    """Totals of a report come from its streams."""
    tallies = [Tally(read=read, failed=failed) for read, failed in counts]
    for tally in tallies:
        tally.reject("x")
        tally.dropped["phone_number"] += 2
    result = total(tallies)
    assert result.read == sum(read for read, _ in counts)
    assert result.failed == sum(failed for _, failed in counts)
    assert result.reasons["x"] == result.rejected == len(counts)
    assert result.dropped["phone_number"] == 2 * len(counts)


def test_rejects_are_judged_from_twenty_on_and_by_their_share():
    """A handful of bad rows in a small segment stops nobody."""
    assert not Tally(read=19, rejected=19).too_many_rejected(50)
    assert Tally(read=20, rejected=20).too_many_rejected(50)
    assert not Tally(read=40, rejected=20).too_many_rejected(50)
    assert Tally(read=39, rejected=20).too_many_rejected(50)
    assert not Tally(read=20, rejected=20).too_many_rejected(100)


def test_names_of_dropped_fields_are_bounded():
    """They come from records, whose keys may be data."""
    tally = Tally()
    tally.drop(f"properties.{number}" for number in range(1000))
    tally.drop(["properties.7"])
    assert tally.dropped["properties.7"] == 2
    assert tally.dropped["others"] == 800
    assert len(tally.dropped) == 201
