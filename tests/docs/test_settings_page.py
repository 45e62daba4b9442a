"""The page of settings is that of the table."""

from __future__ import annotations

from checkout import ROOT, script


def test_the_page_is_what_the_table_makes_of_it():
    """`make settings` was run after the last change of a setting."""
    assert (ROOT / "docs" / "settings.md").read_text() == script("settings").settings_page()
