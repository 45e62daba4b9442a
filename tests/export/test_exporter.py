"""One run: rows into batches and exports, nobody in two open jobs, memory bounded."""

from __future__ import annotations

import pytest
from doubles import ModelKlaviyo

from target_klaviyo_segments.errors import RunStopped
from target_klaviyo_segments.segment.batch import Row


def members(bench, list_id="LIST01"):
    return sorted(bench.klaviyo.members(list_id))


def test_rows_are_delivered_in_jobs_of_the_batch_size(bench):
    """Ten people in batches of four are three jobs."""
    run = bench()
    for number in range(10):
        run.read(f"p{number}")
    assert run.finish()
    lane = run.lane()
    assert lane.tally.as_dict()["delivered"] == 10
    assert lane.tally.balanced
    assert len(members(run)) == 10
    assert len(run.klaviyo.jobs) == 3
    assert lane.exports[0].as_dict()["status"] == "successful"


def test_the_last_row_of_a_person_wins_and_the_earlier_is_merged(bench):
    """Inside one batch."""
    run = bench()
    run.read("ada", tier="old")
    run.read("ada", tier="new")
    assert run.finish()
    assert run.klaviyo.members("LIST01")["ada@x.io"]["tier"] == "new"
    assert run.lane().tally.merged == 1
    assert run.lane().tally.delivered == 1
    assert run.lane().exports[0].profiles == 1


def test_the_same_person_again_waits_for_the_open_job(bench):
    """Klaviyo does not promise the order of jobs, and may drop one of two."""
    run = bench(ModelKlaviyo(sweeps_until_ended=3), batch_rows=2)
    for round_ in range(5):
        for name in ("ada", "bob", f"other{round_}"):
            run.read(name, round=round_)
    assert run.finish()
    assert run.klaviyo.doubled == []
    assert run.klaviyo.members("LIST01")["ada@x.io"]["round"] == 4
    assert run.lane().tally.balanced


def test_a_person_of_two_segments_is_never_in_two_open_jobs(bench):
    """Profiles are the account's: two lists, one person."""
    run = bench(ModelKlaviyo(sweeps_until_ended=3), batch_rows=1)
    run.read("ada", "first", "LIST01")
    run.read("ada", "second", "LIST02")
    assert run.finish()
    assert run.klaviyo.doubled == []
    assert members(run, "LIST01") == members(run, "LIST02") == ["ada@x.io"]


def test_interleaved_streams_keep_their_lists_and_their_sums(bench):
    """Taps may mix streams line by line."""
    run = bench()
    for number in range(9):
        run.read(f"a{number}", "first", "LIST01")
        run.read(f"b{number}", "second", "LIST02")
    assert run.finish()
    assert len(members(run, "LIST01")) == len(members(run, "LIST02")) == 9
    assert all(lane.tally.delivered == 9 for lane in run.exporter.lanes.values())


def test_at_its_limit_an_export_is_closed_and_the_next_opened(bench):
    """Ten people at four an export are three exports."""
    run = bench(profiles_per_export=4, batch_rows=3)
    for number in range(10):
        run.read(f"p{number}")
    assert run.finish()
    exports = [export.as_dict() for export in run.lane().exports]
    assert [export["profiles"] for export in exports] == [4, 4, 2]
    assert {export["status"] for export in exports} == {"successful"}


def test_on_export_limit_fail_stops_at_the_limit_and_keeps_what_was_sent(bench):
    """The row that does not fit has failed, and no STATE passes it."""
    run = bench(profiles_per_export=4, split_exports=False)
    told = r"more than 4 profiles \(`max_profiles_per_export`\), and `on_export_limit` is fail. Raise the limit, or set"
    with pytest.raises(RunStopped, match=told):
        for number in range(1, 6):
            run.read(f"p{number}")
            run.exporter.state(number)
    run.break_off()
    tally = run.lane().tally
    assert tally.balanced
    assert (tally.read, tally.delivered, tally.failed) == (5, 4, 1)
    assert run.states[-1] == 4


def test_half_filled_batches_of_many_streams_are_bounded(bench):
    """Memory is a matter of settings, not of the number of streams."""
    run = bench(batch_rows=10_000, batch_bytes=1000)
    for number in range(200):
        run.read(f"p{number}", f"stream{number}", note="x" * 50)
        run.exporter.settle()
        open_bytes = sum(lane.filling.payload_bytes for lane in run.exporter.lanes.values())
        assert open_bytes <= 3 * 1000
    assert run.finish()
    assert len(members(run)) == 200


def test_records_that_are_much_larger_than_their_profiles_are_bounded(bench):
    """Of a table with many columns few may be exported; and rows that wait for jobs are held as well."""
    run = bench(ModelKlaviyo(sweeps_until_ended=3), batch_rows=10_000, batch_bytes=1000)
    run.lane("one")  # the records of these are not what their profiles are made of
    for number in range(400):
        lane = run.lane("one" if number % 2 else "two")
        row = Row(number, f"p{number % 50}@x.io", b'{"attributes":{"email":"p%d@x.io"}}' % (number % 50), b"x" * 500)
        lane.tally.read += 1
        run.exporter.intake.sequence += 1
        run.exporter.intake.add(lane, *row)
        run.exporter.settle()
        held = sum(each.held_bytes for each in run.exporter.lanes.values())
        assert held <= 3 * 3 * 1000
    assert run.finish()
    assert len(members(run)) == 50
    assert run.lane("one").tally.balanced


def test_an_interrupt_ends_a_wait(bench):
    """A signal is heard while the main thread waits for Klaviyo."""
    run = bench(ModelKlaviyo(stuck_jobs={1}), batch_rows=1, max_in_flight=1, job_timeout_seconds=10**9)
    run.read("a")
    run.read("b")
    run.exporter.interrupt()
    with pytest.raises(RunStopped, match="the run was interrupted"):
        run.exporter.finish()
    run.break_off()
    assert run.lane().tally.balanced
