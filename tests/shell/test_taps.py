"""What real taps print exports correctly: each person with an e-mail once, normalised; the others rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent / "data" / "taps"
MINA, NOOR, TWIN, FRESH = "mina@example.org", "noor@example.org", "twin@example.org", "fresh@example.org"

# File: the mapped e-mail property, who must be on the list, rows without an e-mail.
TAPS = {
    "csv_all_text": ("email", {MINA, NOOR}, 1),
    "csv_with_metadata_columns": ("email", {MINA, NOOR}, 1),
    "jsonl_inferred_schema": ("email", {MINA}, 2),
    "pipelinewise_mysql_full_table": ("email", {MINA, NOOR}, 1),
    "pipelinewise_mysql_incremental": ("email", {MINA, NOOR}, 1),
    "pipelinewise_postgres_full_table": ("email", {MINA, NOOR, TWIN}, 1),
    "rest_flattened_columns": ("attributes_email", {MINA}, 1),
    "sdk_sql_full_table_three_streams": ("email", {MINA, NOOR, TWIN}, 1),
    "sdk_sql_incremental_three_columns": ("email", {MINA, NOOR}, 1),
}


def lines(name):
    return (DATA / f"{name}.jsonl").read_text()


@pytest.mark.parametrize("name", TAPS)
def test_each_family_of_taps_exports(pipeline, name):
    """No run stops; who has an e-mail is on the list once; who has none is in the rejects; the last STATE goes out."""
    email_field, people, without = TAPS[name]
    assert pipeline.run(lines(name), email_field=email_field, field_map={}), pipeline.error
    assert set(pipeline.members()) == people
    assert pipeline.totals["rejected"] == len(pipeline.rejects()) == without
    assert pipeline.totals["failed"] == 0
    assert len(pipeline.states) >= 1
    pipeline.assert_balanced()


def test_no_metadata_column_reaches_klaviyo(pipeline):
    """`_sdc_*` and `_smart_*` are the loader's business."""
    pipeline.run(lines("csv_with_metadata_columns"))
    for member in pipeline.members().values():
        assert not [name for name in member["properties"] if name.startswith(("_sdc_", "_smart_"))]


def test_people_whom_the_source_deleted_are_not_on_the_list(pipeline):
    """A log-based delete looks like a record, with the key alone; to add that person would be the opposite."""
    assert pipeline.run(lines("pipelinewise_postgres_log_with_deletes"))
    assert set(pipeline.members()) == {MINA}
    assert pipeline.totals["removed"] == 2
    pipeline.assert_balanced()


def test_who_came_with_the_first_copy_of_a_log_leaves_when_the_source_deletes_them(pipeline):
    """That copy is printed as a full table is, and declares no delete marker; the log then has the key alone."""
    one = {"segments": {"public-audience": {}}}
    copy = lines("pipelinewise_postgres_full_table").replace('"FULL_TABLE"', '"LOG_BASED"')
    assert pipeline.run(copy, **one)
    assert set(pipeline.members()) == {MINA, NOOR}
    declared, *_, bookmark = lines("pipelinewise_postgres_log_with_deletes").splitlines(keepends=True)
    gone = '{"type": "RECORD", "stream": "public-audience", "record": {"id": 3, "_sdc_deleted_at": "2026-11-24"}}\n'
    assert pipeline.run(declared + gone + bookmark, **one)
    assert set(pipeline.members()) == {MINA}
    assert (pipeline.totals["removed"], pipeline.totals["filtered"]) == (1, 0)


def test_values_arrive_as_the_source_has_them(pipeline):
    """Numbers, dates, arrays and nested values of a SQL table."""
    pipeline.run(lines("sdk_sql_full_table_three_streams"), segments={"public-audience": {}})
    mina = pipeline.members()[MINA]
    assert mina["first_name"] == "Mina"
    assert mina["properties"]["ltv"] == 120.5
    assert mina["properties"]["tags"] == ["vip", "beta"]
    assert mina["properties"]["props"] == {"n": {"a": 1}, "plan": "pro"}
    assert mina["properties"]["birthday"] == "1985-12-10"
    assert pipeline.members()[NOOR]["properties"]["score"] == 1e20


def test_streams_that_segments_does_not_name_are_counted_and_not_sent(pipeline):
    """Rows of other streams are filtered."""
    assert pipeline.run(lines("sdk_sql_full_table_three_streams"), segments={"public-best_buyers": {}})
    assert set(pipeline.members()) == {MINA}
    assert pipeline.report["streams"]["public-keyless"]["filtered"] == 2
    pipeline.assert_balanced()
