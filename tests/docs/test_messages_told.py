"""Every message that the program can print is asserted on by a test."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from messages import TESTS, messages, texts

WORDS = 4  # in a row, which are in no other message; where it has fewer, or none of its own, all of it
_WORD = re.compile(r"[A-Za-z_][A-Za-z_'-]*")
_ESCAPED = re.compile(r"\\[a-z]")  # of a regular expression
_QUOTED = re.compile(r"`[^`]*`")
# No test says them, for a reason.
NOT_TOLD = {
    "`field_map.…` must name a property": "in other words those of `append_fields.…`, and tests give the field's name",
}


def runs(text, length=WORDS):
    """So many words in a row, without what stands between them; also as it is without names and values."""
    for form in (text, _QUOTED.sub("", text)):
        words = _WORD.findall(_ESCAPED.sub(" ", form))
        yield from zip(*(words[start:] for start in range(length)), strict=False)


@cache
def said():
    """Runs of words that tests say, and those tests' texts. Working models say much that nobody asserts."""
    paths = (
        path for path in TESTS.rglob("*.py") if path.parent.name != "support" and path.name != "test_messages_told.py"
    )
    found = {text for path in paths for _, text in texts(path)}
    return {run for text in found for run in runs(text)}, found


def untold():
    """Messages of which no test says so much that it can be no other one."""
    owners = Counter(run for text in {text for _, text in messages()} for run in set(runs(text)))
    told, spoken = said()
    for where, text in messages():
        own = {run for run in runs(text) if owners[run] == 1}
        if not (own & told if own else _whole(text, spoken)):
            yield f"{where}: {text}"


def _whole(text, spoken):
    """Whether a test says all of a message whose words are also in others."""
    length = len(_WORD.findall(text))
    whole = next(runs(text, length))
    return any(whole in runs(each, length) for each in spoken)


def test_every_message_is_told_by_a_test():
    """Some test makes the program say it and looks at the words: whoever changes them, or says them no more, hears."""
    missing = [each for each in untold() if not any(words in each for words in NOT_TOLD)]
    assert not missing, "\n".join(missing)


def test_every_exception_is_still_one():
    """An exception that nothing needs is taken out."""
    missing = list(untold())
    assert not [words for words in NOT_TOLD if not any(words in each for each in missing)]
