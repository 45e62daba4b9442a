"""Who was delivered before, to whatever list."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.ledger import Ledger

people = st.lists(st.integers(0, 12), max_size=8, unique=True)


def deliver(ledger, run_id, list_id, emails):
    if emails:
        blank = [0] * len(emails)
        intent = ledger.intend(
            run_id,
            stream="s",
            list_id=list_id,
            emails=emails,
            numbers=blank,
            fingerprints=blank,
            keys=[None] * len(emails),
        )
        ledger.settle(intent, delivered=range(len(emails)))


@settings(max_examples=25)
@given(before=st.lists(st.tuples(st.sampled_from("AB"), people), max_size=4), asked=st.lists(people, max_size=5))
def test_a_newcomer_is_whom_no_run_before_delivered_and_counts_once(tmp_path_factory, before, asked):
    """Whatever list it was, and however often this run delivers and asks; without any members every row counts."""
    folder = tmp_path_factory.mktemp("ledger")
    ledger = Ledger.open(folder / "ledger.sqlite3", now=lambda: 1000.0, warn=print)
    ledger.begin_run("one", connection="klaviyo", version="1")
    for list_id, numbers in before:
        deliver(ledger, "one", list_id, [f"p{n}@x.io" for n in numbers])
    ledger.end_run("one", "successful", {})
    ledger.begin_run("two", connection="klaviyo", version="1")
    known = {n for _, numbers in before for n in numbers}
    counts_rows = not known
    for numbers in asked:
        emails = [f"p{n}@x.io" for n in numbers]
        expected = len(numbers) if counts_rows else len(set(numbers) - known)
        assert ledger.newcomers(emails) == expected
        known |= set(numbers)
        deliver(ledger, "two", "C", emails)
    ledger.close()
