"""Finds what the program can say: texts of the package that are no docstrings, help, settings or pages."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent.parent
PACKAGE = TESTS.parent / "target_klaviyo_segments"
# What is said there is no message: settings, pages, and what Klaviyo says.
_ROOMS = {"sandbox", "html"}
_FILES = ("rows_", "advice", "view", "words")
_COMMAND_OF_THE_SANDBOX = {"options.py", "server.py"}
_HELP = {"help", "description", "epilog", "metavar"}
_WORD = re.compile(r"[A-Za-z_`][A-Za-z_`'-]+")
_WORDS_MIN = 3
_FORMATTED = re.compile(r"%(\.\d)?[a-zA-Z]|\{\}")
_OTHERS = re.compile(
    r"\s*\(?(SELECT|INSERT|UPDATE|DELETE|CREATE|FROM|DROP|WHERE|BEGIN|WITH|ALTER|EXISTS|PRAGMA|ON|OR|AND|CAST|JOIN|CROSS"
    r"|ORDER)\b|iif\(|coalesce\(|json_\w+\(|… WHERE\b|\w+ \(part\b"
    r"|.*(%5B|/api/)|\S+$|[\w.]+(\[| \|)"  # a query, a name, a type
    r"|(Get|List|Create|Bulk|Remove)( [A-Za-z]+)+$",  # an endpoint
    re.DOTALL,
)
# Sentences that no user meets as a message, each with the reason.
NOT_MESSAGES = {
    "Skipping parse of env var": "what the SDK says and we leave out",
    "to the custom property of its own name": "the name of a way",
    "Settings(connection_name=": "a representation",
    "rests_until IS NULL": "a query",
    "Other commands, with a --help": "the end of the help",
    "the request had no content": "what a probe is told, and no user",
    "was booked before its watch began": "a mistake of ours, never of a user's",
    "nobody takes the records": "a mistake of ours",
    "a row of no segment was sent": "a mistake of ours",
    "a row came before the schema": "a mistake of ours",
    "due = due & ~bits": "part of a query",
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
    "was never begun": "a mistake of ours",
    "was begun before": "a mistake of ours",
    "is there twice": "a mistake of ours",
    "rows are missing": "a mistake of ours",
    "too many keywords cannot be used": "caught: the whole schema is left out, which is told",
    "the schema cannot be used, and no place": "the same",
    "is not fetched: checking a record": "the same",
    "is none of `segments`": "such a row is left out and counted by its code",
    "a record is no object": "caught: the line is read again by itself",
    "a value has several lines": "the same",
    "Got unexpected extra argument": "click's words, looked for",
    "disk is full": "SQLite's words, looked for, and ours in a table beside them",
    "unable to open": "SQLite's words, looked for",
    "out of memory": "SQLite's words, looked for",
    "Tunnel connection failed: 407": "the words of http.client, looked for",
    "Meltano SDK v": "the answer to --version",
    "`: `list_name` is `": "the beginning of another",
    "`: `segment_field` is `": "the beginning of another",
    "to be delivered": "part of another",
    "no reason given": "part of another",
    "The sandbox answers to the names": "in an answer of the sandbox",
}


@cache
def sentences():
    """Where each stands, and its text with `…` for what differs."""
    return list(_found())


@cache
def messages():
    """Those that a user meets."""
    return [(where, text) for where, text in sentences() if not any(words in text for words in NOT_MESSAGES)]


def longest_part(text):
    """The longest piece of a message that is always the same."""
    return max(text.split("…"), key=len).strip(" .;:,(`")


def texts(path):
    """Each text of a file and its line, but for docstrings and help."""
    others = set()
    for node in ast.walk(ast.parse(path.read_text())):  # who has a part comes before it
        if id(node) in others:
            continue
        others.update(map(id, _no_text(node)))
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            yield node.lineno, node.value if isinstance(node.value, str) else node.value.decode(errors="replace")


def _found():
    for path in sorted(PACKAGE.rglob("*.py")):
        if _speaks(path.relative_to(PACKAGE)):
            for line, found in texts(path):
                text = _FORMATTED.sub("…", found)
                if len(_WORD.findall(text)) >= _WORDS_MIN and not _OTHERS.match(text):
                    yield f"{path.relative_to(PACKAGE)}:{line}", text


def _speaks(path):
    if path.parent.name == "sandbox" and path.name in _COMMAND_OF_THE_SANDBOX:
        return True
    return not _ROOMS & set(path.parts) and not path.name.startswith(_FILES)


def _no_text(node):
    """Pieces of the node that are no text of their own."""
    if isinstance(node, ast.JoinedStr):
        return [part for part in ast.walk(node) if part is not node]
    if isinstance(node, ast.keyword) and node.arg in _HELP:
        return ast.walk(node.value)
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
        return [node.body[0].value]
    return []
