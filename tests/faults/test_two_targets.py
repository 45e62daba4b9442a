"""Two targets at once on one account: Klaviyo's windows are shared, and both end well."""

from __future__ import annotations

import contextlib
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from direct import Direct
from pipeline import LIST, record, schema, state, text

from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Wires
from tests.faults.runs import FATES, HastyClock, new_sandbox, settings_for

OTHER_LIST = "Other1"
SPEED = 25
PEOPLE = 1000


@pytest.fixture
def account():
    """A Klaviyo with its true rate windows, on a clock that runs fast."""
    sandbox = new_sandbox(now=HastyClock(SPEED).now, job_seconds=1)
    sandbox.add_list(OTHER_LIST, "Others")
    return sandbox


def export(account, folder, list_id, prefix):
    """One target, begun here because signals belong to the main thread, to be run on any."""
    folder.mkdir()
    config = settings_for("http://127.0.0.1:9", folder, list_id=list_id, retry_max_seconds=600)
    wires = Wires(clock=HastyClock(SPEED), transport=Direct(account))
    target = TargetKlaviyoSegments(config=config, wires=wires)
    rows = [record(f"{prefix}{number}@x.io") for number in range(PEOPLE)]
    return lambda: target.export(io.StringIO(text([schema(), *rows, state(prefix)])))


def totals(folder):
    return json.loads((folder / "work" / "report.json").read_text())["totals"]


@pytest.mark.slow
@pytest.mark.parametrize("lists", [(LIST, OTHER_LIST), (LIST, LIST)], ids=["two lists", "one list"])
def test_two_targets_share_the_windows(account, tmp_path, lists):
    """Two hundred jobs through a window of 150 a minute: both wait for the 429s, neither fails."""
    runs = [export(account, tmp_path / prefix, lists[n], prefix) for n, prefix in enumerate("pq")]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run) for run in runs]:
            done.result(timeout=60)
    for prefix in "pq":
        counts = totals(tmp_path / prefix)
        assert counts["delivered"] == counts["read"] == PEOPLE == sum(counts[fate] for fate in FATES)
    on_lists = [member["email"] for list_id in set(lists) for member in account.members(list_id)]
    assert len(on_lists) == len(set(on_lists)) == 2 * PEOPLE
    assert account.counts["throttled"] > 0
    assert {json.loads(line) for line in out.getvalue().splitlines()} == {"p", "q"}
