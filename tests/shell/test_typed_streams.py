"""A stream of a plain schema goes a faster way, record by compiled type: nobody sees a difference."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import LineByLine, Pipeline, record, schema, state

TEXT = {"type": ["string", "null"]}
PLAIN = {
    "id": {"type": "integer"},
    "email": TEXT,
    "first_name": TEXT,
    "phone_number": TEXT,
    "tier": {**TEXT, "maxLength": 9},
    "score": {"type": ["number", "null"]},
    "_sdc_deleted_at": TEXT,
    "_sdc_batched_at": TEXT,
}
OTHER = {name: PLAIN[name] for name in ("email", "first_name", "tier")}
GOOD = st.fixed_dictionaries(
    {"id": st.integers(0, 9), "email": st.sampled_from(["a@x.io", "b@x.io", "c@x.io", "d@x.io"])},
    optional={
        "first_name": st.sampled_from(["Ada", "Björk", ""]),
        "phone_number": st.sampled_from(["+12025550123", "030 901820"]),
        "tier": st.sampled_from(["gold", None]),
        "_sdc_deleted_at": st.sampled_from([None, "", "2026-01-01"]),
    },
)
ODD = st.fixed_dictionaries(
    {"id": st.integers(0, 9)},
    optional={
        "email": st.sampled_from(["a@x.io", "b@x.io", "c@x.io", " D@x.io", "bad", None, 5]),
        "first_name": st.sampled_from(["Ada", "Björk", "", None]),
        "phone_number": st.sampled_from(["+12025550123", "030 901820", "soon", None]),
        "tier": st.sampled_from(["gold", "", None, "platinum and beyond", 7]),
        "score": st.sampled_from([1, 2.5, 1e20, None, "high"]),
        "_sdc_batched_at": st.just("2026-01-01"),
        "_sdc_deleted_at": st.sampled_from([None, "", " ", "2026-01-01"]),
        "stranger": st.just("yes"),
    },
)


def lines_of(groups, **odd):
    """Messages: at each turn the schema changes."""
    for turn, rows in enumerate(groups):
        message = schema(keys=["id"] if turn % 2 == 0 else [], **(OTHER if turn % 2 else PLAIN))
        message["schema"] |= odd
        yield json.dumps(message)
        yield from (json.dumps({"type": "RECORD", "stream": "people", "record": row}) for row in rows)
        yield json.dumps(state(turn))


def outcome(pipeline):
    """All that one may see of it; not the moments."""
    told = ("email", "first_name", "phone_number", "properties")
    profiles = {email: [each.get(name) for name in told] for email, each in pipeline.sandbox.profiles.items()}
    report = pipeline.report
    streams = {name: {**counts, "exports": None} for name, counts in report["streams"].items()}
    return profiles, sorted(pipeline.members()), pipeline.rejects(), pipeline.states, streams, report["warnings"]


@settings(max_examples=12)
@given(st.lists(st.lists(GOOD | ODD, max_size=6), min_size=1, max_size=3))
def test_a_plain_schema_leads_to_the_same_as_one_that_needs_the_whole_check(tmp_path_factory, groups):
    """`minProperties: 0` says nothing, but no type says it: the same records, the other way."""
    runs = []
    for odd in ({}, {"minProperties": 0}):
        pipeline = Pipeline(tmp_path_factory.mktemp("way"))
        assert pipeline.run("\n".join(lines_of(groups, **odd)) + "\n", default_country="DE", reads=LineByLine), (
            pipeline.error
        )
        pipeline.assert_balanced()
        runs.append(outcome(pipeline))
    assert runs[0] == runs[1]


def test_a_second_run_the_other_way_finds_nobody_changed(pipeline):
    """The bytes of a profile, whose fingerprint the ledger keeps, do not hang on the way it went."""
    rows = [{"id": n, "email": f"p{n}@x.io", "tier": "gold", "score": n / 2, "first_name": "Ada"} for n in range(5)]
    assert pipeline.run("\n".join(lines_of([rows])) + "\n", reads=LineByLine)
    assert pipeline.run("\n".join(lines_of([rows], minProperties=0)) + "\n", unchanged_profiles="skip")
    assert pipeline.totals["unchanged"] == 5


def test_rows_that_are_rejected_keep_their_numbers(pipeline):
    """Bad addresses between good ones, in a stream of a plain schema."""
    emails = ["a@x.io", "bad", "b@x.io", None, "c@x.io"]
    assert pipeline.run([schema(), *map(record, emails), state(1)], reads=LineByLine)
    assert [(each["row"], each["code"]) for each in pipeline.rejects()] == [
        (2, "email_invalid"),
        (4, "email_missing"),
    ]
    assert sorted(pipeline.members()) == ["a@x.io", "b@x.io", "c@x.io"]


@pytest.mark.parametrize("reads", [io.StringIO, LineByLine])
def test_records_before_a_change_of_the_schema_keep_to_the_old_one(pipeline, reads):
    """Also all in one block of the input: the type of the first is no type of the last."""
    lines = [
        schema(email=TEXT, n={"type": "integer"}),
        record("a@x.io", n=1),
        schema(email=TEXT, n={"type": "string"}),
        record("b@x.io", n="1"),
        record("c@x.io", n=1),
    ]
    assert pipeline.run(lines, reads=reads)
    assert sorted(pipeline.members()) == ["a@x.io", "b@x.io"]
    assert [each["row"] for each in pipeline.rejects()] == [3]
