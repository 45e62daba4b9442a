"""The page of common taps: each configuration is run over what such a tap printed, and gives what is shown."""

from __future__ import annotations

import json
import re

import pytest
from checkout import ROOT
from documents import blocks
from pipeline import Pipeline

PAGE = "docs/taps.md"
# In the order of the page: the lines of a tap of that family.
FILES = (
    "csv_with_metadata_columns",
    "jsonl_inferred_schema",
    "sdk_sql_full_table_three_streams",
    "pipelinewise_postgres_full_table",
    "pipelinewise_postgres_log_with_deletes",
    "pipelinewise_mysql_full_table",
    "rest_flattened_columns",
)
SHOWN = [json.loads(block.text) for block in blocks("json") if block.page == PAGE]
CASES = list(zip(FILES, SHOWN[::2], SHOWN[1::2], strict=True))


@pytest.mark.parametrize(("name", "settings", "profile"), CASES, ids=FILES)
def test_a_configuration_of_the_page_gives_the_profile_below_it(tmp_path, name, settings, profile):
    """Mina, as the list has her; and no warning of a property that is not there."""
    pipeline = Pipeline(tmp_path)
    lines = (ROOT / "tests" / "data" / "taps" / f"{name}.jsonl").read_text()
    assert pipeline.run(lines, **settings), pipeline.error
    mina = pipeline.members()["mina@example.org"]
    assert {field: mina[field] for field in profile} == profile
    told = {field for field, value in mina.items() if value not in (None, {}, "")}
    assert told - {"id", "joined_group_at"} <= set(profile)
    assert not [warning for stream in pipeline.report["streams"].values() for warning in stream["warnings"]]


def test_each_family_has_a_part_of_the_page():
    """With a configuration and a profile."""
    parts = re.split(r"^## ", (ROOT / PAGE).read_text(), flags=re.MULTILINE)[1:]
    assert [part.count("```json\n") for part in parts] == [2] * len(FILES) + [0]
