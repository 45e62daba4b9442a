"""What a release says about itself: the changelog's part for a tag. Ends with words when the tag is no release yet."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """`notes.py v1.2.3`."""
    version = re.search(r'__version__ = "(.+)"', (ROOT / "target_klaviyo_segments" / "__init__.py").read_text())
    print(notes(sys.argv[1], version[1] if version else "", (ROOT / "CHANGELOG.md").read_text()))


def notes(tag: str, version: str, changelog: str) -> str:
    """The part of the changelog for a tag.

    Raises:
        SystemExit: The package has another version, or the changelog has no part with a date for it.
    """
    if tag != f"v{version}":
        raise SystemExit(f"the tag is {tag} and the package is {version}: set __version__, or move the tag")
    part = re.search(rf"^## {re.escape(version)} - (\S+)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if part is None or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", part[1]):
        raise SystemExit(f"CHANGELOG.md has no `## {version} - ` with a date")
    return part[2].strip()


if __name__ == "__main__":
    main()
