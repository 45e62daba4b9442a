"""What the documents tell people to type: commands, flags, variables, settings."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import NamedTuple

from checkout import ROOT

# A line of a document that begins so is something to type.
PROGRAMS = ("target-klaviyo-segments-sandbox", "target-klaviyo-segments", "make", "meltano", "pip", "python", "bash")
PROGRAMS += ("docker", "dagster", "uv", "tap-jsonl", "tap-x", "kill", "export", "echo")
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_SHELLS = {"console", "sh", "bash", "shell"}


class Command(NamedTuple):
    """Something to type, and where it stands."""

    page: str
    text: str

    @property
    def parts(self):
        """The programs of a pipe, each with its arguments and without what goes to a file."""
        words = shlex.split(re.sub(r"\s>\s*\S+|\s&$", "", self.text), comments=True)
        found = [[]]
        for word in words:
            if word == "|":
                found.append([])
            else:
                found[-1].append(word)
        return found


class Block(NamedTuple):
    """A fenced block."""

    page: str
    language: str
    text: str


@cache
def pages():
    """The documents by their paths from the root; the changelog tells of what was, too."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob(".github/*.md")]
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted(paths) if path.name != "CHANGELOG.md"}


@cache
def blocks(*languages):
    """Fenced blocks of these languages, without the blanks that their lines begin with."""
    return [
        Block(page, language, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE))
        for page, whole in pages().items()
        for indent, language, text in _BLOCK.findall(whole)
        if language in languages
    ]


@cache
def spans():
    """Page and text of what stands between backticks in a line, or over two."""
    return [
        (page, re.sub(r"\s+", " ", text))
        for page, whole in pages().items()
        for paragraph in re.split(r"\n\s*\n|\n(?=[|-])", _BLOCK.sub("", whole))
        for text in _SPAN.findall(paragraph)
    ]


def commands():
    """Everything to type: each line of a shell's block, and each span that is a program with something behind it."""
    lines = [
        Command(block.page, line)
        for block in blocks(*_SHELLS)
        for line in re.sub(r"\\\n\s*", "", block.text).splitlines()
        if line.strip() and not line.startswith("#")
    ]
    return lines + [Command(page, text) for page, text in spans() if _is_command(text)]


def _is_command(text):
    program, _, rest = text.partition(" ")
    return program in PROGRAMS and (bool(rest) or program == PROGRAMS[0]) and text != "pip install"
