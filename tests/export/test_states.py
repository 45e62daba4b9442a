"""STATE follows delivery, and passes no row that failed."""

from __future__ import annotations

from doubles import ModelKlaviyo


def test_state_waits_for_delivery_and_then_goes_out(bench):
    """Also in the middle of a run, as soon as everything before it is settled."""
    run = bench(batch_rows=2)
    run.read("a")
    run.exporter.state("one")
    assert run.states == []
    run.read("b")
    run.read("c")
    run.exporter.state("three")
    assert run.finish()
    assert run.states[-1] == "three"


def test_no_state_passes_a_failed_row(bench):
    """The next run brings it again."""
    run = bench(ModelKlaviyo(cancelled_jobs={1}), batch_rows=1)
    run.read("a")
    run.exporter.state("one")
    run.read("b")
    run.exporter.state("two")
    run.finish()
    assert run.states == []
    assert run.lane().tally.failed == 1
    assert run.lane().tally.delivered == 1
    assert "cancelled" in run.exporter.incomplete[0]


def test_above_the_share_of_rejects_no_state_goes_out(bench):
    """`max_rejected_percent`."""
    run = bench(max_rejected_percent=50)
    for _ in range(25):
        run.refuse()
    run.read("a")
    run.exporter.state("all")
    assert run.finish()
    assert run.states == []
    assert run.lane().tally.too_many_rejected(50)
