"""The page for who comes from Customer Insights: what it names is there, and what it shows works."""

from __future__ import annotations

import re
from datetime import datetime

import yaml
from documents import pages
from pipeline import Pipeline, record, schema

from target_klaviyo_segments.settings.table import SETTINGS

PAGE = pages()["docs/coming-from-customer-insights.md"]
# Meltano's, and names of Klaviyo's and Singer's.
OTHERS = {"inherit_from", "_sdc_deleted_at"}


def test_every_name_is_a_setting_or_of_the_report(tmp_path):
    """Whoever looks for it finds it."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([schema(), record("ada@example.com")])
    known = {*SETTINGS, *pipeline.report, *OTHERS}
    named = set(re.findall(r"`(_?[a-z]+(?:_[a-z]+)+)`", PAGE))
    assert named - known == set()


def test_the_second_lock_keeps_people_out_and_counts_them(tmp_path):
    """The stream map of the page, as it stands there."""
    (shown,) = re.findall(r"`(stream_maps: [^`]+)`", PAGE)
    pipeline = Pipeline(tmp_path)
    columns = {"email": {"type": "string"}, "newsletter": {"type": ["boolean", "null"]}}
    people = [("ada@example.com", True), ("bea@example.com", False), ("cid@example.com", None)]
    lines = [schema(**columns), *(record(email, newsletter=agreed) for email, agreed in people)]
    assert pipeline.run(lines, **yaml.safe_load(shown)), pipeline.error
    assert list(pipeline.members()) == ["ada@example.com"]
    assert pipeline.totals["filtered"] == 2
    pipeline.assert_balanced()


def test_it_is_told_when_a_run_last_went_well(tmp_path):
    """`last_successful_at`: nothing before the first, then the last good run's end, whatever failed since."""
    pipeline = Pipeline(tmp_path)
    assert not pipeline.run([schema(name={"type": "string"})])
    assert pipeline.report["last_successful_at"] is None
    assert pipeline.run([schema(), record("ada@example.com")])
    assert pipeline.report["last_successful_at"] == pipeline.report["ended_at"]
    pipeline.clock.sleep(3600)
    good = pipeline.clock.now() - 3600
    assert not pipeline.run([schema(name={"type": "string"})])
    assert pipeline.report["status"] == "failed"
    assert abs(datetime.fromisoformat(pipeline.report["last_successful_at"]).timestamp() - good) < 60
