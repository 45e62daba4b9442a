"""BATCH messages: files of records, as JSON lines or Parquet, go the way of all records."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pipeline import LIST, record, schema, state
from pyarrow import parquet


def batch(path, stream="people", compression="none"):
    return {
        "type": "BATCH",
        "stream": stream,
        "encoding": {"format": "jsonl", "compression": compression},
        "manifest": [path.as_uri()],
    }


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_batch_files_go_the_same_way_as_records(pipeline, tmp_path, compression):
    """The same checks, the same fates."""
    rows = [{"email": f"p{n}@x.io"} for n in range(2500)] + [{"email": "bad"}, {"email": 7}]
    data = "\n".join(map(json.dumps, rows)).encode()
    path = tmp_path / "rows"
    path.write_bytes(gzip.compress(data) if compression == "gzip" else data)
    assert pipeline.run([schema(), batch(path, compression=compression), state("done")])
    assert len(pipeline.members()) == pipeline.totals["delivered"] == 2500
    assert pipeline.totals["reject_reasons"] == {"email_invalid": 1, "schema_mismatch": 1}
    assert pipeline.states == ["done"]
    pipeline.assert_balanced()


@pytest.mark.parametrize("folder", ["my project", "Büro", "a%20b", "50%", "a#b?", "a*[x]"])
@pytest.mark.parametrize(
    "write", ["file:{}".format, "file://{}".format, Path.as_uri], ids=["file:", "file://", "as_uri"]
)
def test_a_batch_file_is_found_whatever_its_folder_is_called(pipeline, tmp_path, folder, write):
    """Taps write its address with percents, or as it is."""
    path = tmp_path / folder / "rows"
    path.parent.mkdir()
    path.write_text('{"email":"a@x.io"}\n')
    assert pipeline.run([schema(), {**batch(path), "manifest": [write(path)]}]), pipeline.error
    assert set(pipeline.members()) == {"a@x.io"}


@pytest.mark.parametrize(
    ("content", "change", "words"),
    [
        (None, {}, "the batch file {} cannot be read"),
        (b'{"email":"a@x.io"}\n[1]\n', {}, "line 2 of the batch file {} is no record, which is a JSON object"),
        (
            b'{"email":"a@x.io"}\nhello\n',
            {},
            "line 2 of the batch file {} is not JSON. The tap writes one record a line into such a file",
        ),
        (b"no gzip at all", {"compression": "gzip"}, "the batch file {} cannot be read"),
        (b"", {"format": "avro"}, "this target reads jsonl, plain or gzip, and parquet"),
        (b"no parquet at all", {"format": "parquet"}, "the batch file {} cannot be read as Parquet"),
    ],
)
def test_a_batch_file_that_cannot_be_read_ends_the_run_in_words(pipeline, tmp_path, content, change, words):
    """No STATE passes it."""
    path = tmp_path / "rows"
    if content is not None:
        path.write_bytes(content)
    message = batch(path)
    message["encoding"] |= change
    assert not pipeline.run([schema(), message, state(1)])
    assert words.format(path) in pipeline.error
    assert pipeline.states == []
    pipeline.assert_balanced()


def test_of_a_batch_file_elsewhere_only_the_end_of_its_address_is_told(pipeline):
    """What stands before it may be a key."""
    message = {**batch(Path("/rows")), "manifest": ["memory://key@bucket/rows"]}
    assert not pipeline.run([schema(), message])
    assert pipeline.error.startswith("the batch file rows cannot be read: ")


@pytest.mark.parametrize("compression", ["snappy", "zstd"])
def test_a_parquet_file_is_what_its_rows_would_be_as_json_lines(pipeline, tmp_path, compression):
    """Every type that a warehouse exports arrives as the JSON that a tap would have written."""
    rows = [
        {
            "email": f"P{n}@x.io ",
            "first_name": "Zo\u00eb",
            "score": Decimal("12.50"),
            "joined": datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
            "born": date(1990, 2, 3),
            "tags": ["a", "b"],
            "address": {"city": "Oslo"},
            "ratio": 0.5,
            "visits": n,
            "active": True,
            "note": None,
        }
        for n in range(1, 2501)
    ]
    path = tmp_path / "rows"
    parquet.write_table(pa.Table.from_pylist(rows), path, compression=compression)
    types = {name: {} for name in rows[0]} | {"email": {"type": "string"}}
    message = batch(path)
    message["encoding"] = {"format": "parquet", "compression": compression}
    assert pipeline.run([schema(**types), message, state("done")])
    assert len(pipeline.members()) == pipeline.totals["delivered"] == 2500
    member = pipeline.members()["p7@x.io"]
    assert member["first_name"] == "Zo\u00eb"
    assert member["properties"] == {
        "score": 12.5,
        "joined": "2025-01-02T03:04:05Z",
        "born": "1990-02-03",
        "tags": ["a", "b"],
        "address": {"city": "Oslo"},
        "ratio": 0.5,
        "visits": 7,
        "active": True,
    }
    pipeline.assert_balanced()


def test_odd_columns_of_parquet_cost_no_run(pipeline, tmp_path):
    """No JSON has bytes, NaN or durations: each has a defined result."""
    table = pa.table(
        {
            "email": ["a@x.io"],
            "raw": pa.array([b"\xff"], pa.binary()),
            "gap": pa.array([float("nan")]),
            "long": pa.array([90], pa.duration("s")),
            "at": pa.array([1], pa.time64("us")),
            "big": pa.array([2**63], pa.uint64()),
        }
    )
    path = tmp_path / "rows"
    parquet.write_table(table, path)
    message = batch(path)
    message["encoding"] = {"format": "parquet"}
    assert pipeline.run([schema(), message])
    properties = pipeline.members()["a@x.io"]["properties"]
    assert properties == {"raw": "/w==", "long": "PT90S", "at": "00:00:00.000001", "big": 2**63}


TWO = ["1970-01-01T00:00:00.000001", "2023-11-14T22:13:20"]
NS = 1_700_000_000_000_000_001
FAR = 10**18  # microseconds
IN_VIENNA = pa.timestamp("us", tz="Europe/Vienna")
LAST_MOMENT = 253_402_300_799_000_000  # of the year 9999 in UTC, and not in Vienna


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pa.array([NS], pa.timestamp("ns")), "2023-11-14T22:13:20"),
        (pa.array([NS], pa.timestamp("ns", tz="+05:30")), "2023-11-15T03:43:20+05:30"),
        (pa.array([LAST_MOMENT], IN_VIENNA), "9999-12-31T23:59:59Z"),
        (pa.array([NS], pa.timestamp("ns")).dictionary_encode(), "2023-11-14T22:13:20"),
        (pa.array([61_000_000_001], pa.time64("ns")), "00:01:01"),
        (pa.array([1_000_000_001], pa.duration("ns")), "PT1S"),
        (pa.array([[1000, NS, None]], pa.list_(pa.timestamp("ns"))), [*TWO, None]),
        (
            pa.array([{"a": NS, "b": 1}], pa.struct([("a", pa.timestamp("ns")), ("b", pa.int8())])),
            {"a": TWO[1], "b": 1},
        ),
        (pa.array([[("k", NS)]], pa.map_(pa.string(), pa.timestamp("ns"))), [["k", TWO[1]]]),
        (pa.array([b"\xffa"]).view(pa.string()), "\ufffda"),
        (pa.array([FAR], pa.timestamp("us")), None),
        (pa.array([FAR // 10_000], pa.timestamp("s", tz="UTC")), None),
        (pa.array([4_000_000], pa.date32()), None),
        (pa.array([2**62], pa.duration("s")), None),
    ],
    ids=range(14),
)
@pytest.mark.parametrize("node", [{}, {"type": ["string", "null"]}], ids=["any", "text"])
def test_a_value_of_parquet_that_is_too_fine_or_too_far_costs_no_row(pipeline, tmp_path, column, value, node):
    """Cut to microseconds, or left out and counted; half-written text has U+FFFD where it cannot be read."""
    path = tmp_path / "rows"
    two = column.take(pa.array([0, None]))
    parquet.write_table(pa.table({"email": ["a@x.io", "b@x.io"], "n": two}), path)
    message = batch(path)
    message["encoding"] = {"format": "parquet"}
    assert pipeline.run([schema(email={}, n=node if not isinstance(value, (dict, list)) else {}), message]), (
        pipeline.error
    )
    assert pipeline.members()["a@x.io"]["properties"].get("n") == value
    assert set(pipeline.members()) == {"a@x.io", "b@x.io"}
    assert pipeline.report["streams"]["people"]["dropped_fields"] == ({"properties.n": 1} if value is None else {})


def test_a_bad_row_of_a_parquet_file_is_rejected_alone(pipeline, tmp_path):
    """With its record as JSON in the rejects file."""
    path = tmp_path / "rows"
    parquet.write_table(pa.table({"email": ["a@x.io", "bad", None], "n": [1, 2, 3]}), path)
    message = batch(path)
    message["encoding"] = {"format": "parquet"}
    assert pipeline.run([schema(), message])
    assert [row["record"] for row in pipeline.rejects()] == [{"email": "bad", "n": 2}, {"email": None, "n": 3}]
    pipeline.assert_balanced()


def test_a_batch_of_a_version_can_be_closed(pipeline, tmp_path):
    """A mirror reads files too: their records have the version of their message."""
    path = tmp_path / "rows"
    for people in (["a", "b", "c"], ["a", "b"]):
        path.write_text("".join(json.dumps({"email": f"{name}@x.io"}) + "\n" for name in people))
        closing = {"type": "ACTIVATE_VERSION", "stream": "people", "version": 7}
        lines = [schema(), batch(path) | {"version": 7}, closing]
        assert pipeline.run(lines, sync_mode="mirror", max_removal_percent=50), pipeline.error
    assert set(pipeline.members(LIST)) == {"a@x.io", "b@x.io"}


def test_a_record_among_files_counts_once(pipeline, tmp_path):
    """Records and files of one stream may mix."""
    path = tmp_path / "rows"
    path.write_text('{"email": "a@x.io"}\n')
    assert pipeline.run([schema(), record("b@x.io"), batch(path), record("c@x.io")])
    assert set(pipeline.members()) == {"a@x.io", "b@x.io", "c@x.io"}
    assert pipeline.totals["read"] == 3


def test_without_the_extra_the_message_says_what_to_install(pipeline, tmp_path, monkeypatch):
    """Parquet is an extra."""
    path = tmp_path / "rows"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = batch(path)
    message["encoding"] = {"format": "parquet"}
    assert not pipeline.run([schema(), message])
    assert "pip install 'target-klaviyo-segments[parquet]'" in pipeline.error
