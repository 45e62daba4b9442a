"""The report of a run that was killed: by what it had counted, and by what became of the rows under way."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.aftermath import report_of
from target_klaviyo_segments.ledger import PastRun

few = st.integers(0, 9)
FATES = ["delivered", "rejected", "unchanged", "merged", "filtered", "failed"]


def report(counted, outcome):
    run = PastRun("r1", "klaviyo", "1", 0.0, None, None, {"streams": counted} if counted else {})
    return report_of(run, outcome, {"people": ("L1", 2)}, user="ada", settled_by="r2").as_dict()


def counts(read, **fates):
    return {"read": read, "reject_reasons": {}, "list_id": "L1"} | dict.fromkeys(FATES, 0) | fates


@given(read=few, fates=st.dictionaries(st.sampled_from(FATES), few), arrived=few, lost=few)
def test_every_row_has_its_fate(read, fates, arrived, lost):
    """Some were read after the counts were last written down: each that is known of counts."""
    counted = {"people": counts(max(read, sum(fates.values())), **fates)}
    found = report(counted, {("r1", "people"): Counter(delivered=arrived, undelivered=lost)})["totals"]
    assert found["delivered"] == fates.get("delivered", 0) + arrived
    assert found["failed"] >= fates.get("failed", 0) + lost
    assert found["read"] == sum(found[fate] for fate in [*FATES, "removed"])


def test_a_stream_that_had_counted_nothing_is_in_the_report():
    """It was killed before the first of its rows had a fate; another run's rows are not its own."""
    outcome = {("r1", "people"): Counter(delivered=6, undelivered=1), ("r0", "others"): Counter(delivered=3)}
    found = report({}, outcome)
    assert list(found["streams"]) == ["people"]
    assert (found["totals"]["read"], found["totals"]["delivered"], found["totals"]["failed"]) == (7, 6, 1)


def test_what_nobody_knows_of_it_is_null():
    """Not nothing: it took its time, and sent its jobs to its list."""
    found = report({}, {("r1", "people"): Counter(delivered=6)})
    assert (found["seconds"], found["requests"], found["throttled"]) == (None, None, None)
    assert (found["streams"]["people"]["list"]["id"], found["streams"]["people"]["jobs"]) == ("L1", 2)
    assert found["totals"]["jobs"] == 2
