"""The page of messages is complete."""

from __future__ import annotations

import re
from pathlib import Path

from messages import longest_part, messages

PAGE = Path(__file__).parent.parent.parent / "docs" / "troubleshooting.md"
# Sentences that no user meets as a message.
NOT_MESSAGES = {
    "Skipping parse of env var": "what the SDK says and we leave out",
    "to the custom property of its own name": "the name of a way",
    "Settings(connection_name=": "a representation",
    "fields%5B": "a query",
    "rests_until IS NULL": "a query",
    "[a-z0-9_+'-]+": "a pattern",
    "sort=joined_group_at": "a query",
    "Get Bulk": "the name of an endpoint",
    '{"data":{"type":"': "the beginning of a body",
    "Get Errors for": "the name of an endpoint",
    "Get Profiles for": "the name of an endpoint",
    "Remove what this connection left": "the help of forget",
    "The config file, or files": "the help of forget",
    "First take the people whom it put": "the help of forget",
    "Do it; without this": "the help of forget",
    "Other commands, with a --help": "the end of the help",
    "Get List with": "the name of an endpoint",
    "the request had no content": "what a probe is told, and no user",
    "was booked before its watch began": "a mistake of ours, never of a user's",
    "nobody takes the records": "a mistake of ours",
    "a row of no segment was sent": "a mistake of ours",
    "a row came before the schema": "a mistake of ours",
    "CAST(substr(person": "part of a query",
    "ON CONFLICT (email, stream)": "part of a query",
    "due = due & ~bits": "part of a query",
    "JOIN streams ON": "part of a query",
    "json_type(also": "part of a query",
    "a batch has at least one row": "a mistake of ours",
    "there is no open intent": "a mistake of ours",
    "has rows 0 to": "a mistake of ours",
    "has its fate already": "a mistake of ours",
    "cannot be in a batch of": "a mistake of ours",
    "string or blob too big": "SQLite's words, looked for",
    "rows that were not delivered": "part of another",
    "(not shown: it is no plain word)": "part of another",
    "left out of delivered profiles": "part of the report",
    "Make the page of a run from its report": "help of a command",
    "of an earlier run; the last one unless given": "help of a command",
    "config file, for its `work_dir`": "help of a command",
    "the folder itself, instead of": "help of a command",
    "open it in the browser": "help of a command",
    "put the rejected rows into it": "help of a command",
}


def plain(text):
    return re.sub(r"\s+", " ", text.replace("`", ""))


def test_every_message_is_on_the_page():
    """Whoever looks for what the program said finds what to do."""
    page = plain(PAGE.read_text())
    missing = [
        f"{where}: {text}"
        for where, text in messages()
        if plain(longest_part(text)) not in page and not any(words in text for words in NOT_MESSAGES)
    ]
    assert not missing, "\n".join(missing)


def test_every_exception_is_still_one():
    """An exception that nothing needs is taken out."""
    texts = [text for _, text in messages()]
    assert not [words for words in NOT_MESSAGES if not any(words in text for text in texts)]
