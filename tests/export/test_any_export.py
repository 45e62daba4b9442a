"""Whatever Klaviyo does: every row has one fate, STATE follows, nobody is in two open jobs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench import Bench
from doubles import ModelKlaviyo
from hypothesis import given, settings
from hypothesis import strategies as st

from target_klaviyo_segments.errors import TargetError

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
        Bench.close_all()
