"""The report of a run that was killed: by what it had counted, and by what became of the rows under way."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.aftermath import report_of
from target_klaviyo_segments.ledger import PastRun

few = st.integers(0, 9)
FATES = ["delivered", "rejected", "unchanged", "merged", "filtered", "failed"]


def report(counted, outcome, work_dir=Path("nowhere")):
    run = PastRun("r1", "klaviyo", "1", 0.0, None, None, {"streams": counted} if counted else {})
    return report_of(run, outcome, {"people": ("L1", 2)}, work_dir, user="ada", settled_by="r2").as_dict()


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


def kept(folder, *rows, name="r1"):
    """A file of rejects, its last line cut off."""
    path = folder / "rejects" / f"{name}.jsonl"
    path.parent.mkdir()
    lines = [json.dumps({"stream": stream, "row": 1, "code": code, "record": {}}) for stream, code in rows]
    path.write_text("".join(f"{line}\n" for line in lines) + '{"stream":"people","ro')
    return path


def test_rows_that_were_rejected_after_the_last_counts_are_counted(tmp_path):
    """They are in the file, each once; one that Klaviyo refused was under way, and is counted by the ledger."""
    path = kept(
        tmp_path, *[("people", "email_invalid")] * 5, ("people", "email_missing"), ("people", "klaviyo_refused")
    )
    counted = {"people": counts(9, delivered=7, rejected=2) | {"reject_reasons": {"email_invalid": 2}}}
    found = report(counted, {("r1", "people"): Counter(delivered=3)}, tmp_path)
    people = found["streams"]["people"]
    assert people["reject_reasons"] == {"email_invalid": 5, "email_missing": 1}
    assert (people["read"], people["delivered"], people["rejected"]) == (16, 10, 6)
    assert (found["rejects_file"], found["failed_file"]) == (str(path), None)


def test_rejected_rows_of_a_stream_in_segments_are_counted_once(tmp_path):
    """The file does not say which segment a row was of: those that no segment has counted are the stream's."""
    kept(tmp_path, *[("people", "email_invalid")] * 5)
    counted = {
        name: counts(2, rejected=2) | {"reject_reasons": {"email_invalid": 2}} for name in ("people/a", "people/b")
    }
    streams = report(counted, {}, tmp_path)["streams"]
    assert {name: found["rejected"] for name, found in streams.items()} == {"people/a": 2, "people/b": 2, "people": 1}


def test_a_run_that_kept_nothing_has_no_files(tmp_path):
    """Nor does a file of another run count."""
    kept(tmp_path, ("people", "email_invalid"), name="r0")
    found = report({}, {}, tmp_path)
    assert (found["totals"]["rejected"], found["rejects_file"], found["failed_file"]) == (0, None, None)


def test_a_file_that_was_made_and_not_written_holds_nothing_to_send_again(tmp_path):
    """The run was killed in between."""
    for folder in ("rejects", "failed"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "r1.jsonl").touch()
    found = report({}, {("r1", "people"): Counter(delivered=6)}, tmp_path)
    assert (found["rejects_file"], found["failed_file"]) == (None, None)
