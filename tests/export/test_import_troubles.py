"""What Klaviyo may do to an import: each trouble costs the rows that it is about, and no other."""

from __future__ import annotations

import pytest
from doubles import ModelKlaviyo

from target_klaviyo_segments.errors import TargetError


def members(bench, list_id="LIST01"):
    return sorted(bench.klaviyo.members(list_id))


def test_a_job_that_never_ends_is_given_up_after_its_time_limit(bench):
    """Nobody polls for ever."""
    run = bench(ModelKlaviyo(stuck_jobs={1}), job_timeout_seconds=60)
    run.read("a")
    assert run.finish()
    status, seconds = "processing", 60
    assert run.lane().tally.failed == 1
    assert run.exporter.incomplete == [
        (
            f"import job job-1: it is still {status} after {seconds} s (`job_timeout_seconds`); "
            "1 rows of `people` were not delivered: run again"
        )
    ]
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


@pytest.mark.parametrize("times", [1, 2])
def test_a_row_that_is_named_twice_hides_no_other(bench, times):
    """Two errors of one row, or one error on two pages, and a failed row that no error names."""
    run = bench(ModelKlaviyo(bad_when_imported={"b@x.io"}, unexplained={"c@x.io"}, tells_errors_times=times))
    for name in "abcd":
        run.read(name)
    assert run.finish()
    assert [row["row"] for row in run.rejected_rows()] == [2, 3]
    assert members(run) == ["a@x.io", "d@x.io"]
    assert (run.lane().tally.delivered, run.exporter.incomplete) == (2, [])


@pytest.mark.parametrize(("names", "missing"), [("ab", 0), ("abu", 1)])
def test_when_more_rows_failed_than_are_missing_nobody_is_taken_for_delivered(bench, names, missing):
    """Klaviyo's own count says that some of them are not; who was missing is."""
    run = bench(ModelKlaviyo(unexplained={"u@x.io"}, counts_too_many=2))
    for name in names:
        run.read(name)
    assert run.finish()
    assert (run.lane().tally.delivered, run.lane().tally.failed, run.lane().tally.rejected) == (0, 2, missing)
    why = f"Klaviyo counts {2 + missing} failed rows that it does not name, and {missing} of its people are missing"
    assert run.exporter.incomplete == [f"import job job-1: {why}; 2 rows of `people` were not delivered: run again"]


def test_a_job_that_ends_by_a_word_of_its_own_delivers_nobody(bench):
    """Klaviyo may have new words for bad ends one day."""
    run = bench(ModelKlaviyo(ends_as="failed"))
    run.read("a")
    assert run.finish()
    assert (run.lane().tally.delivered, run.lane().tally.failed) == (0, 1)
    assert run.exporter.incomplete == [
        "import job job-1 has ended as failed; 1 rows of `people` were not delivered: run again"
    ]


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


@pytest.mark.parametrize(("count", "rows"), [(60, 60), (7, 7), (2, 4), (26, 7)])
def test_when_klaviyo_refuses_everything_it_is_not_the_rows_fault(bench, count, rows):
    """The run stops instead of writing the whole segment to the rejects file."""
    names = [f"p{number}" for number in range(count)]
    run = bench(ModelKlaviyo(refused_without_name={f"{name}@x.io" for name in names}), batch_rows=rows)
    try:
        for name in names:
            run.read(name)
        assert not run.finish()
    except TargetError:
        run.break_off()
    tally = run.lane().tally
    assert (tally.failed, tally.rejected, tally.balanced) == (tally.read, 0, True)


@pytest.mark.parametrize(("names", "rejected"), [("abcdef", [3, 4]), ("c", [1])])
def test_when_klaviyo_has_taken_one_batch_rows_refused_alone_are_to_blame(bench, names, rejected):
    """So is one row that is all there is."""
    run = bench(ModelKlaviyo(refused_without_name={"c@x.io", "d@x.io"}), batch_rows=2, max_in_flight=1)
    for name in names:
        run.read(name)
    assert run.finish()
    assert [row["row"] for row in run.rejected_rows()] == rejected


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
