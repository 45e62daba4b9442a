"""One run: every row has one fate, STATE follows, nobody is in two open jobs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from bench import Bench
from doubles import ModelKlaviyo
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import RunStopped, TargetError


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
    with pytest.raises(RunStopped, match=r"more than 4 profiles .*`on_export_limit`"):
        for number in range(1, 6):
            run.read(f"p{number}")
            run.exporter.state(number)
    run.break_off()
    tally = run.lane().tally
    assert tally.balanced
    assert (tally.read, tally.delivered, tally.failed) == (5, 4, 1)
    assert run.states[-1] == 4


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


def test_a_job_that_never_ends_is_given_up_after_its_time_limit(bench):
    """Nobody polls for ever."""
    run = bench(ModelKlaviyo(stuck_jobs={1}), job_timeout_seconds=60)
    run.read("a")
    assert run.finish()
    assert run.lane().tally.failed == 1
    assert "still processing after 60 s" in run.exporter.incomplete[0]
    assert 1060 <= run.clock.now() <= 1080


def test_an_import_error_rejects_its_row_with_klaviyos_words(bench):
    """A 202 is no delivery."""
    run = bench(ModelKlaviyo(bad_when_imported={"b@x.io"}))
    for name in "abc":
        run.read(name, city="Oslo")
    assert run.finish()
    (row,) = run.rejected_rows()
    assert (row["stream"], row["row"], row["code"]) == ("people", 2, "klaviyo_import_error")
    assert "not this one" in row["reason"]
    assert row["record"] == {"name": "b", "city": "Oslo"}
    assert run.lane().tally.as_dict()["delivered"] == 2


def test_an_error_that_names_nobody_is_tied_by_who_came_in(bench):
    """Counting the rest as delivered would lose the row for good."""
    run = bench(ModelKlaviyo(untied_errors={"b@x.io", "c@x.io"}))
    for name in "abcd":
        run.read(name)
    assert run.finish()
    assert [row["row"] for row in run.rejected_rows()] == [2, 3]
    assert run.lane().tally.delivered == 2
    assert members(run) == ["a@x.io", "d@x.io"]


@pytest.mark.parametrize("one_at_a_time", [True, False])
def test_rows_named_by_a_refusal_go_and_the_rest_goes_again(bench, one_at_a_time):
    """Until it passes, whether Klaviyo names all bad rows or one at a time."""
    bad = {"b@x.io", "d@x.io"}
    run = bench(ModelKlaviyo(refused_by_name=bad, name_one_at_a_time=one_at_a_time), batch_rows=6)
    for name in "abcdef":
        run.read(name)
    assert run.finish()
    assert [row["row"] for row in run.rejected_rows()] == [2, 4]
    assert run.lane().tally.reasons == {"klaviyo_refused": 2}
    assert len(members(run)) == 4


def test_a_refusal_that_names_nobody_is_halved_until_the_row_is_found(bench):
    """One bad row costs itself."""
    run = bench(ModelKlaviyo(refused_without_name={"c@x.io"}), batch_rows=8)
    for name in "abcdefgh":
        run.read(name)
    assert run.finish()
    assert [row["row"] for row in run.rejected_rows()] == [3]
    assert len(members(run)) == 7


def test_a_body_that_is_too_large_for_klaviyo_is_split(bench):
    """413."""
    run = bench(ModelKlaviyo(largest_body=150), batch_rows=8)
    for name in "abcdefgh":
        run.read(name)
    assert run.finish()
    assert len(members(run)) == 8
    assert run.rejected_rows() == []


def test_when_klaviyo_refuses_everything_it_is_not_the_rows_fault(bench):
    """The run stops instead of writing the whole segment to the rejects file."""
    names = [f"p{number}" for number in range(60)]
    run = bench(ModelKlaviyo(refused_without_name={f"{name}@x.io" for name in names}), batch_rows=60)
    for name in names:
        run.read(name)
    assert not run.finish()
    tally = run.lane().tally
    assert tally.balanced
    assert tally.failed >= 40


def test_when_klaviyo_is_gone_the_run_ends_and_the_sum_is_right(bench):
    """What was delivered stands, the rest has failed."""
    run = bench(ModelKlaviyo(unreachable_from=3), batch_rows=2)
    with pytest.raises(TargetError, match="cannot be reached"):
        for number in range(1000):
            run.read(f"p{number}")
            run.exporter.settle()
    run.break_off()
    tally = run.lane().tally
    assert tally.balanced
    assert tally.delivered == 4
    assert tally.failed == tally.read - 4
    assert len(members(run)) == 4


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


def test_the_plan_warns_once_and_sends(bench):
    """Used, plan and needed in the message."""
    run = bench(usage=SimpleNamespace(used=9, maximum=10))
    for number in range(12):
        run.read(f"p{number}")
    assert run.finish()
    (warning,) = run.warnings
    assert "9 of 10" in warning
    assert len(members(run)) == 12


def test_the_plan_stops_before_more_is_sent_than_fits(bench):
    """`on_plan_limit: fail`."""
    run = bench(usage=SimpleNamespace(used=4, maximum=10), plan="fail")
    with pytest.raises(RunStopped, match="4 of 10"):
        for number in range(12):
            run.read(f"p{number}")
    run.break_off()
    assert len(members(run)) == 4
    assert run.lane().tally.balanced


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


def test_an_interrupt_ends_a_wait(bench):
    """A signal is heard while the main thread waits for Klaviyo."""
    run = bench(ModelKlaviyo(stuck_jobs={1}), batch_rows=1, max_in_flight=1, job_timeout_seconds=10**9)
    run.read("a")
    run.read("b")
    run.exporter.interrupt()
    with pytest.raises(RunStopped, match="interrupted"):
        run.exporter.finish()
    run.break_off()
    assert run.lane().tally.balanced


people = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["s1", "s2"])), max_size=60)
few = st.sets(st.integers(0, 30), max_size=6)
numbers = st.sets(st.integers(1, 8), max_size=2)


@settings(max_examples=60, deadline=None)
@given(
    people=people,
    bad=st.tuples(few, few, few, few),
    cancelled=numbers,
    stuck=numbers,
    unreachable_from=st.none() | st.integers(1, 12),
    sweeps=st.integers(1, 4),
    limits=st.fixed_dictionaries(
        {
            "batch_rows": st.integers(1, 7),
            "batch_bytes": st.integers(200, 2000),
            "max_in_flight": st.integers(1, 4),
            "profiles_per_export": st.integers(1, 20),
            "job_timeout_seconds": st.just(30),
        }
    ),
    one_at_a_time=st.booleans(),
)
def test_every_row_has_one_fate_and_the_list_is_what_the_report_says(
    people, bad, cancelled, stuck, unreachable_from, sweeps, limits, one_at_a_time
):
    """Whatever Klaviyo does: the sum is right, the list agrees, STATE never precedes delivery."""
    named, unnamed, errors, untied = ({f"p{number}@x.io" for number in each} for each in bad)
    klaviyo = ModelKlaviyo(
        refused_by_name=named,
        refused_without_name=unnamed,
        bad_when_imported=errors,
        untied_errors=untied - errors,
        cancelled_jobs=cancelled,
        stuck_jobs=stuck,
        unreachable_from=unreachable_from,
        sweeps_until_ended=sweeps,
        name_one_at_a_time=one_at_a_time,
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Bench(Path(folder), klaviyo, **limits)
        try:
            for count, (number, stream) in enumerate(people, start=1):
                run.read(f"p{number}", stream, f"LIST-{stream}", count=count)
                run.exporter.state(count)
            broken = not run.finish()
        except TargetError:
            broken = True
            run.break_off()
        tallies = {stream: lane.tally for stream, lane in run.exporter.lanes.items()}
        assert all(tally.balanced for tally in tallies.values())
        assert all(tally.failed >= 0 for tally in tallies.values())
        rejected = run.rejected_rows()
        assert len(rejected) == sum(tally.rejected for tally in tallies.values())
        delivered = {
            stream: {
                person["email"]: person
                for job in klaviyo.jobs.values()
                if job.status == "complete" and job.list_id == f"LIST-{stream}"
                for person in job.people
            }
            for stream in tallies
        }
        for stream in tallies:
            good = {email for email in delivered[stream] if email not in klaviyo.unimportable()}
            assert set(klaviyo.members(f"LIST-{stream}")) == good
        if not stuck:
            assert klaviyo.doubled == []
        for state in run.states:
            for number, stream in people[:state]:
                email = f"p{number}@x.io"
                fated = email in klaviyo.members(f"LIST-{stream}") or any(
                    row["stream"] == stream and row["record"]["name"] == f"p{number}" for row in rejected
                )
                assert fated
        if not broken and not run.exporter.incomplete and people:
            assert run.states[-1] == len(people)
