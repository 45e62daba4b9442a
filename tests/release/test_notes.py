"""A tag is a release when the package and the changelog say so."""

from __future__ import annotations

import pytest
from checkout import ROOT, script

from target_klaviyo_segments import __version__

NOTES = script("notes").notes
LOG = "# Changes\n\n## 1.1.0 - 2027-01-31\n\n### Added\n\n- Two.\n\n## 1.0.0 - 2026-12-01\n\n- One.\n"


def test_the_part_of_the_version_alone():
    """Newer and older parts stay out, also of the oldest."""
    assert NOTES("v1.1.0", "1.1.0", LOG) == "### Added\n\n- Two."
    assert NOTES("v1.0.0", "1.0.0", LOG) == "- One."


@pytest.mark.parametrize(
    ("tag", "version", "log", "words"),
    [
        ("v1.1.1", "1.1.0", LOG, "the package is 1.1.0"),
        ("1.1.0", "1.1.0", LOG, "the package is 1.1.0"),
        ("v1.2.0", "1.2.0", LOG, "## 1.2.0"),
        ("v1.1.0", "1.1.0", LOG.replace("2027-01-31", "unreleased"), "with a date"),
    ],
)
def test_what_is_no_release_yet_is_told(tag, version, log, words):
    """Nothing is published by mistake."""
    with pytest.raises(SystemExit, match=words):
        NOTES(tag, version, log)


def test_the_changelog_tells_of_this_version():
    """Released or not: what the package calls itself has a part."""
    assert f"## {__version__} - " in (ROOT / "CHANGELOG.md").read_text()
