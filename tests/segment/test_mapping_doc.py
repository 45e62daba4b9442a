"""The mapping guide is run: each row of its tables is settings, a record, and the profile that comes of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from target_klaviyo_segments.segment.fields import STANDARD_FIELDS
from target_klaviyo_segments.segment.mapping import Profile
from tests.segment.reading import mapper

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "mapping.md").read_text()
ROWS = re.findall(r"^\| `(\{.*?\})` \| `(\{.*?\})` \| `(\{.*?\})` \|$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize(("settings", "record", "profile"), ROWS)
def test_what_the_guide_shows_is_what_happens(settings, record, profile):
    """Records alone and many at once; the address is in each."""
    given, settings = {"email": "a@x.io", **json.loads(record)}, json.loads(settings)
    found = mapper(**settings).map(given)
    assert isinstance(found, Profile)
    resource = json.loads(found.payload)
    sent = {**resource["attributes"], "patch": resource.get("meta", {}).get("patch_properties")}
    assert sent.pop("email") == "a@x.io"
    assert {name: value for name, value in sent.items() if value is not None} == json.loads(profile)
    assert list(map(json.loads, mapper(**settings).map_many([given], [True]).payloads)) == [resource]


def test_the_tables_are_read_whole():
    """No row is passed over because it is written otherwise."""
    lines = [line for line in GUIDE.splitlines() if line.startswith("| `")]
    assert len(lines) == len(ROWS)


def test_the_guide_names_every_field():
    """As the code has them."""
    listed = re.search(r"^Fields: (.*?)\. The address", GUIDE, re.MULTILINE | re.DOTALL)
    assert re.findall(r"`([^`]+)`", listed[1]) == list(STANDARD_FIELDS)
