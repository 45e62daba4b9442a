"""Clearing of fields, where it is interrupted or breaks."""

from __future__ import annotations

import pytest
from bench import Bench

from target_klaviyo_segments.errors import KlaviyoError, RunStopped
from target_klaviyo_segments.export.clearing import Clearing
from target_klaviyo_segments.klaviyo.clearing import Found

FIRST_NAME = 0b1000


class Profiles:
    """Everybody has a first name; some cannot be reached."""

    def __init__(self):
        self.unreachable, self.cleared = set(), set()

    def profiles_with(self, emails, fields):
        assert fields == ["first_name"]
        return {email: Found(email, email, {"first_name": "Ada"}) for email in emails}

    def clear_fields(self, profile_id, attributes):
        assert attributes == {"first_name": None}
        if profile_id in self.unreachable:
            raise KlaviyoError("Klaviyo cannot be reached")
        self.cleared.add(profile_id)


@pytest.fixture
def bench(tmp_path):
    """Three people whose first names are due."""
    bench = Bench(tmp_path)
    people = [f"{name}@x.io" for name in "abc"]
    bench.ledger.given.note("people", "LIST01", people, [FIRST_NAME] * 3)
    lane = bench.lane()
    lane.marks_of = lambda records, _payloads: [(0, FIRST_NAME)] * len(records)
    for name in "abc":
        bench.read(name)
    assert bench.finish()
    return bench


def test_a_run_that_is_to_end_clears_no_more(bench):
    """What is due stays so."""

    def go_on():
        raise RunStopped("the run was interrupted")

    profiles = Profiles()
    with pytest.raises(RunStopped):
        Clearing(profiles, bench.ledger.given, max_in_flight=2).carry_out([bench.lane()], go_on)
    assert profiles.cleared == set()
    assert bench.ledger.given.count_due("people") == 3


def test_who_was_cleared_before_klaviyo_was_gone_is_not_asked_for_again(bench):
    """Each request for itself; the others stay due, and the run fails."""
    profiles = Profiles()
    profiles.unreachable.add("b@x.io")
    clearing = Clearing(profiles, bench.ledger.given, max_in_flight=2)
    with pytest.raises(KlaviyoError, match="cannot be reached"):
        clearing.carry_out([bench.lane()], lambda: None)
    assert profiles.cleared == {"a@x.io", "c@x.io"}
    assert [due.email for due in bench.ledger.given.due("people", 9)] == ["b@x.io"]
    assert bench.lane().tally.cleared == {"first_name": 2}
    profiles.unreachable.clear()
    clearing.carry_out([bench.lane()], lambda: None)
    assert bench.ledger.given.count_due("people") == 0


def test_a_run_that_was_interrupted_says_so(bench):
    """As a signal does it."""
    bench.exporter.go_on()
    bench.exporter.interrupt()
    with pytest.raises(RunStopped):
        bench.exporter.go_on()
