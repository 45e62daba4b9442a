"""Malformed input, much of it: no exception but ours, no hang, no growth, and the sum is right at the end."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import tracemalloc

import pytest
from direct import Direct
from doubles import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from pipeline import LIST, Pipeline, record, schema, text
from thorough import thorough

from target_klaviyo_segments.decoding import LineDecoder
from target_klaviyo_segments.errors import ContractError, InputError, Rejection, TargetError
from target_klaviyo_segments.segment.contract import Contract
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Wires
from tests.faults.malformed import ODD, good_lines, malformed_lines
from tests.faults.runs import FATES, new_sandbox, settings_for

HUNDRED_THOUSAND = pytest.param(100_000, marks=pytest.mark.slow)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(["SCHEMA", "RECORD", "STATE", "ACTIVATE_VERSION", "BATCH", "", "record"])
STREAM = st.just("people") | st.sampled_from(ODD)
MEMBERS = st.sampled_from(["type", "stream", "schema", "record", "key_properties", "value", "version", "bookmark"])
SCHEMA_WORDS = st.sampled_from(
    ["type", "properties", "items", "anyOf", "allOf", "not", "$ref", "enum", "required", "pattern", "format", "email"]
)
SCHEMAS = st.recursive(
    JSON, lambda inner: st.dictionaries(SCHEMA_WORDS | st.text(max_size=5), inner, max_size=5), max_leaves=15
)
MESSAGES = (
    st.fixed_dictionaries({"type": st.just("RECORD"), "stream": STREAM, "record": JSON})
    | st.fixed_dictionaries({"type": st.just("SCHEMA"), "stream": STREAM, "schema": SCHEMAS, "key_properties": JSON})
    | st.fixed_dictionaries({"type": st.just("BATCH"), "stream": STREAM, "encoding": JSON, "manifest": JSON})
    | st.dictionaries(MEMBERS, JSON | KINDS, max_size=6)
)


class Fed:
    """A whole target that takes line after line: a line that is refused is passed over, and the next one comes."""

    def __init__(self, folder):
        self._folder = folder
        self.refused = self.runs = 0
        self.open()

    def open(self):
        """A run of its own."""
        self.runs += 1
        folder = self._folder / str(self.runs)
        self.clock = FakeClock(1_790_000_000.0)
        self.sandbox = new_sandbox(now=self.clock.now, limits=False)
        config = settings_for("http://127.0.0.1:9", folder, batch_size_rows=1000, max_rejected_percent=100)
        wires = Wires(clock=self.clock, transport=Direct(self.sandbox))
        self.target = TargetKlaviyoSegments(config=config, wires=wires)
        self.report = folder / "work" / "report.json"

    def feed(self, line):
        """One line. What is wrong with a stream, and not with a line, ends the run, and another begins."""
        try:
            self.target.process_lines(io.BytesIO(line))
        except InputError as error:
            self.refused += 1
            assert "\n" not in str(error)
        except TargetError as error:
            self.refused += 1
            self.target.run.break_off(error)
            self.assert_balanced()
            self.open()

    def finish(self):
        """The end of the input."""
        with contextlib.suppress(TargetError):
            self.target.run.finish()
        self.assert_balanced()

    def assert_balanced(self):
        """Each row has a fate, and who was delivered is on the list."""
        totals = json.loads(self.report.read_text())["totals"]
        assert totals["read"] == sum(totals[fate] for fate in FATES)
        assert bool(totals["delivered"]) == bool(self.sandbox.members(LIST))


def traced(feed, lines):
    """Bytes that are still held after these lines."""
    before, _ = tracemalloc.get_traced_memory()
    for line in lines:
        feed(line)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    return after - before


@pytest.mark.parametrize("count", [2_000, HUNDRED_THOUSAND])
def test_mutated_lines_through_the_whole_target(tmp_path, capsys, count):
    """What taps print, gone wrong in transit: each line is taken or refused in words, each row has a fate."""
    fed = Fed(tmp_path)
    for line in good_lines():
        fed.feed(line)
    for line in malformed_lines(count):
        fed.feed(line)
    fed.finish()
    assert "Traceback" not in capsys.readouterr().err
    assert fed.refused > count / 10


@pytest.mark.parametrize("count", [10_000, HUNDRED_THOUSAND])
def test_mutated_lines_through_the_reader(count):
    """Values or one sentence, line by line; memory stays where it was."""

    def feed(line):
        try:
            for _ in LineDecoder("the input").feed(line):
                pass
        except TargetError as error:
            assert str(error).startswith("line 1 of the input")

    tracemalloc.start()
    try:
        traced(feed, malformed_lines(count // 10, seed=1))  # what is made once, is made now
        assert traced(feed, malformed_lines(count, seed=2)) < 200_000
    finally:
        tracemalloc.stop()


@given(st.lists(st.binary(max_size=60), max_size=5), st.integers(1, 40))
def test_any_bytes_in_any_blocks(chunks, size):
    """However the bytes are cut, the same lines come out, or the same sentence."""
    data = b"\n".join(chunks) + b"\n"
    assert read_in_blocks(data, size) == read_in_blocks(data, len(data))


def read_in_blocks(data, size):
    decoder, found = LineDecoder("the input"), []
    try:
        for start in range(0, len(data), size):
            found.extend(map(repr, decoder.feed(data[start : start + size])))  # also those before a bad line
        found.extend(map(repr, decoder.end()))
    except TargetError as error:
        found.append(str(error))
    return found


@thorough(50)
@given(st.lists(MESSAGES, min_size=1, max_size=6))
def test_any_messages(tmp_path_factory, messages):
    """Messages of any shape: a run ends well or with one sentence, and its sum is right."""
    pipeline = Pipeline(tmp_path_factory.mktemp("any"))
    lines = [schema(), record("a@x.io"), *messages]
    pipeline.run(text(lines))
    pipeline.assert_balanced()
    assert pipeline.error is None or "Traceback" not in pipeline.error


@thorough(150)
@given(SCHEMAS, st.lists(JSON | st.fixed_dictionaries({"email": JSON}), max_size=5))
def test_any_schema_and_records(members, records):
    """A schema is usable or refused in words; a record passes or is rejected for a reason without its values."""
    document = {"properties": {"email": {}, **(members if isinstance(members, dict) else {"n": members})}}
    try:
        contract = Contract.from_schema("people", document, (), "email")
    except ContractError:
        return
    for each in records:
        found = contract.check(each)
        assert found is None or isinstance(found, Rejection)
