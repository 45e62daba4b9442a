"""Finds what the program can say: texts of the package that are sentences and no docstrings, settings, pages or SQL."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "target_klaviyo_segments"
# What is said there is no message: settings, options, pages.
_ROOMS = {"sandbox", "html"}
_FILES = ("rows_", "options", "advice", "view", "words")
_WORDS = re.compile(r"[A-Za-z`'-]{2,}")
_SQL = re.compile(
    r"\s*\(?(SELECT|INSERT|UPDATE|DELETE|CREATE|FROM|DROP|WHERE|BEGIN|WITH|ALTER|EXISTS)\b"
    r"|iif\(|json_\w+\(|… WHERE\b|\w+ \(part\b"
)


@cache
def messages():
    """Where each stands, and its text with `…` for what differs."""
    return list(_found())


def _found():
    for path in sorted(PACKAGE.rglob("*.py")):
        if not _ROOMS & set(path.parts) and not path.name.startswith(_FILES):
            for line, text in _texts(ast.parse(path.read_text())):
                if len(_WORDS.findall(text)) >= 5 and not _SQL.match(text):
                    yield f"{path.relative_to(PACKAGE)}:{line}", text


def longest_part(text):
    """The longest piece of a message that is always the same."""
    return max(re.split(r"…|%s|\{\}", text), key=len).strip(" .;:,(`")


def _texts(tree):
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inner:
            yield node.lineno, node.value


def _has_docstring(node):
    return isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None
