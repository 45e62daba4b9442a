"""Two jobs of one id: nobody can tell which rows which of them holds."""

from __future__ import annotations

import pytest
from doubles import ModelKlaviyo


class Forgetful(ModelKlaviyo):
    """Gives every job the id of the first, which it goes on to answer for."""

    def submit_import(self, list_id, payloads):
        super().submit_import(list_id, payloads)
        return "job-1"


@pytest.mark.parametrize("settings", [{}, {"max_in_flight": 1}, {"batch_rows": 1}], ids=str)
@pytest.mark.parametrize("sweeps", [1, 3])
@pytest.mark.parametrize("trouble", [{}, {"untied_errors": {"p1@x.io"}}], ids=["good", "untied"])
def test_rows_of_jobs_of_one_id_are_not_delivered(bench, settings, sweeps, trouble):
    """They have failed and are kept; only a job that had ended by then may have delivered its own."""
    run = bench(Forgetful(sweeps_until_ended=sweeps, **trouble), **settings)
    for number in range(8):
        run.read(f"p{number}")
    assert run.finish()
    tally = run.lane().tally
    assert tally.balanced
    first_batch = settings.get("batch_rows", 4)
    assert tally.failed >= 8 - first_batch
    assert run.failed.path.read_bytes().count(b"\n") == tally.failed
    assert any("gave two imports one job id, job-1" in why for why in run.exporter.incomplete)
