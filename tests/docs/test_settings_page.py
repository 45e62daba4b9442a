"""The page of settings is that of the table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_page_is_what_the_table_makes_of_it():
    """`make settings` was run after the last change of a setting."""
    spec = importlib.util.spec_from_file_location("ci_settings", ROOT / ".ci" / "settings.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (ROOT / "docs" / "settings.md").read_text() == script.settings_page()
