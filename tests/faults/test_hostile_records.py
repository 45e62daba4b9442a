"""Records that no stack can walk, numbers that no Python makes: they cost their row or their value, never the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pipeline import Pipeline, record, schema, state

DIGITS = "9" * 5000
MAPS = {
    "plain": {},
    "stream_map": {"stream_maps": {"people": {"other": "email"}}},
    "flattened": {"flattening_enabled": True, "flattening_max_depth": 3},
    "unchecked": {"validate_records": False},
}


@pytest.fixture
def pipeline(tmp_path):
    """A target on a sandbox without a socket."""
    return Pipeline(tmp_path)


def nested(depth, email="a@x.io", **others):
    """A record of so many lists inside each other, as text."""
    deep = json.dumps(record(email, n="HERE", **others))
    return deep.replace('"HERE"', "[" * depth + "]" * depth)


@pytest.mark.parametrize("depth", [60, 200, 500, 900, *range(940, 980, 4)])
@pytest.mark.parametrize("others", [{}, {"odd": float("nan")}], ids=["plain", "odd"])
@pytest.mark.parametrize("settings", MAPS)
def test_record_nested_deeply(pipeline, settings, others, depth):
    """One fate for it, delivery for the others, whatever its way; beyond what can be read at all, one sentence."""
    loose = schema(email={}, n={}, odd={})
    ended = pipeline.run(
        [loose, record("b@x.io"), nested(depth, **others), record("c@x.io"), state(1)], **MAPS[settings]
    )
    pipeline.assert_balanced()
    if not ended:
        assert pipeline.error == "line 3 of the input is nested too deeply: look at what the tap sends"
        assert depth > 900
        return
    assert {"b@x.io", "c@x.io"} <= set(pipeline.members())
    assert pipeline.states == [1]
    if depth <= 900:
        assert "a@x.io" in pipeline.members()


def test_record_nested_deeply_with_a_key(pipeline):
    """Keys are read where the stack is deeper than where the record was."""
    keyed = schema(keys=["n"], email={}, n={}, _sdc_deleted_at={})
    for depth in range(940, 1000, 3):
        pipeline.run([keyed, nested(depth), record("b@x.io", n=1), state(1)], unchanged_profiles="send")
        pipeline.assert_balanced()


def test_record_nested_deeply_that_is_rejected(pipeline):
    """It is kept, without what no stack can write again."""
    for depth in range(940, 990, 3):
        pipeline.run(
            [schema(email={}, n={}, odd={}), nested(depth, "nobody", odd=float("inf")), record("b@x.io"), state(1)]
        )
        pipeline.assert_balanced()


@pytest.mark.parametrize("settings", MAPS)
def test_integer_of_5000_digits(pipeline, settings):
    """More than Python makes an integer of: the value is left out, as every number that Klaviyo cannot take."""
    odd = json.dumps(record("a@x.io", n="HERE")).replace('"HERE"', DIGITS)
    ended = pipeline.run(
        [schema(email={}, n={"type": "integer"}), odd, record("b@x.io", n=1), state(1)], **MAPS[settings]
    )
    assert ended, pipeline.error
    assert pipeline.states == [1]
    assert "n" not in pipeline.members()["a@x.io"]["properties"]
    assert pipeline.members()["b@x.io"]["properties"]["n"] == 1
    pipeline.assert_balanced()


def test_integer_of_5000_digits_that_is_rejected(pipeline):
    """Digit by digit it is in the rejects file."""
    odd = json.dumps(record("nobody", n="HERE")).replace('"HERE"', DIGITS)
    assert pipeline.run([schema(email={}, n={}), odd, record("b@x.io", n=1), state(1)]), pipeline.error
    assert set(pipeline.members()) == {"b@x.io"}
    assert f'"n":{DIGITS}}}' in Path(pipeline.report["rejects_file"]).read_text()
