"""What the target says that it can, it can; and nothing else is said. Each capability is shown at work."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import yaml
from pipeline import record, schema, state
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.logging import StructuredFormatter

from target_klaviyo_segments.target import TargetKlaviyoSegments

ROOT = Path(__file__).parent.parent.parent
DECLARED = {capability.value for capability in TargetKlaviyoSegments.capabilities}


def about(pipeline, capsys):
    """All settings, with what the program is."""
    TargetKlaviyoSegments.print_about("json")
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "target-klaviyo-segments"
    assert pipeline.config().keys() <= told["settings"]["properties"].keys()


def stream_maps(pipeline, _):
    """A property that an expression makes."""
    assert pipeline.run([schema(), record("a@x.io")], stream_maps={"people": {"vip": "email[0].upper()"}})
    assert pipeline.sandbox.profiles["a@x.io"]["properties"] == {"vip": "A"}


def schema_flattening(pipeline, _):
    """What is nested becomes a property of its own."""
    nested = schema(email={"type": "string"}, seen={"type": "object", "properties": {"town": {"type": "string"}}})
    settings = {"flattening_enabled": True, "flattening_max_depth": 1}
    assert pipeline.run([nested, record("a@x.io", seen={"town": "Ulm"})], **settings)
    assert pipeline.sandbox.profiles["a@x.io"]["properties"] == {"seen__town": "Ulm"}


def structured_logging(pipeline, _):
    """What is logged of a run is JSON, whose fields say more than the words."""
    lines, handler = [], logging.Handler()
    handler.emit = lambda line: lines.append(json.loads(StructuredFormatter().format(line)))
    log = TargetKlaviyoSegments.logger
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        assert pipeline.run([schema(), record("a@x.io")])
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    (over,) = [line for line in lines if line["stream_name"] == "people"]
    assert over["level"] == "info"
    assert over["extra"]["export"]["delivered"] == 1


def batch(pipeline, _):
    """People from a file."""
    path = pipeline.work_dir.parent / "rows.jsonl"
    path.write_text('{"email": "a@x.io"}\n')
    encoding = {"format": "jsonl", "compression": "none"}
    message = {"type": "BATCH", "stream": "people", "encoding": encoding, "manifest": [path.as_uri()]}
    assert pipeline.run([schema(), message])
    assert set(pipeline.members()) == {"a@x.io"}


def activate_version(pipeline, _):
    """A version that is closed is whole: a mirror takes off who is not in it."""
    for version, people in enumerate((["a@x.io", "b@x.io", "c@x.io", "d@x.io", "e@x.io"], ["b@x.io"] * 4), start=1):
        rows = [record(email) | {"version": version} for email in people]
        end = {"type": "ACTIVATE_VERSION", "stream": "people", "version": version}
        assert pipeline.run([schema(), *rows, end], sync_mode="mirror", max_removal_percent=100), pipeline.error
    assert set(pipeline.members()) == {"b@x.io"}


def validate_records(pipeline, _):
    """A row that contradicts its schema is refused, unless the setting says otherwise."""
    lines = [schema(email={"type": "string"}, age={"type": "integer"}), record("a@x.io", age="old"), state(1)]
    assert pipeline.run(lines)
    assert pipeline.totals["reject_reasons"] == {"schema_mismatch": 1}
    assert pipeline.run(lines, validate_records=False)
    assert set(pipeline.members()) == {"a@x.io"}


SHOWN = {
    "about": about,
    "stream-maps": stream_maps,
    "schema-flattening": schema_flattening,
    "structured-logging": structured_logging,
    "batch": batch,
    "activate-version": activate_version,
    "validate-records": validate_records,
}


@pytest.mark.parametrize("capability", sorted(DECLARED))
def test_it_works(pipeline, capsys, capability):
    """A capability without something that shows it is not declared."""
    SHOWN[capability](pipeline, capsys)


def test_nothing_else_is_declared():
    """Not what it does in another way: it deletes nobody, and has no schema of its own. Nor have they settings."""
    others = {each.value for each in (*PluginCapabilities, *TargetCapabilities)} - DECLARED
    assert others == {"soft-delete", "hard-delete", "datatype-failsafe", "target-schema"}
    settings = TargetKlaviyoSegments.config_jsonschema["properties"].keys()
    unmeant = {
        "soft_delete",
        "hard_delete",
        "default_target_schema",
        "load_method",
        "add_record_metadata",
        "batch_config",
    }
    assert not unmeant & settings


def test_meltano_is_told_the_same():
    """Meltano goes by its project file: a capability that is missing there does not work."""
    (loader,) = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]["loaders"]
    assert set(loader["capabilities"]) == DECLARED
