"""The page of messages is complete."""

from __future__ import annotations

import re
from pathlib import Path

from messages import NOT_MESSAGES, longest_part, messages, sentences

PAGE = Path(__file__).parent.parent.parent / "docs" / "troubleshooting.md"


def plain(text):
    return re.sub(r"\s+", " ", text.replace("`", ""))


def test_every_message_is_on_the_page():
    """Whoever looks for what the program said finds what to do."""
    page = plain(PAGE.read_text())
    missing = [f"{where}: {text}" for where, text in messages() if plain(longest_part(text)) not in page]
    assert not missing, "\n".join(missing)


def test_every_exception_is_still_one():
    """An exception that nothing needs is taken out."""
    texts = [text for _, text in sentences()]
    assert not [words for words in NOT_MESSAGES if not any(words in text for text in texts)]
