"""Lines gone wrong: what taps print, mutated byte by byte and value by value, the same for the same seed."""

from __future__ import annotations

import json
import random
from pathlib import Path

TAPS = Path(__file__).parent.parent / "data" / "taps"
TOKENS = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"null", b"NaN", b"-", b"1e999", b"\x00", b"\xff", b"\xed\xa0\x80",
    b"\\ud800", b"9" * 50, b'"type"', b'"record"', b"RECORD", b"SCHEMA", b"STATE", b"\r", b"\xef\xbb\xbf", b"@",
]  # fmt: skip
ODD = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "a@x.io",
    "A@X.IO ",
    "@",
    "\x00",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    ["a@x.io"],
]


def good_lines():
    """Every line of the taps' samples that stands for itself: no file is read for one."""
    lines = [line for path in sorted(TAPS.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
    return [line for line in lines if line.strip() and b'"BATCH"' not in line]


def malformed_lines(count, seed=0):
    """So many lines, nearly all of them wrong in some way."""
    pick = random.Random(seed)
    good = good_lines()
    for _ in range(count):
        line = pick.choice(good)
        mutate = pick.choice((_bytes, _bytes, _tokens, _value, _value, _value, _cut))
        yield mutate(line, pick).replace(b"\n", b" ") + b"\n"


def _bytes(line, pick):
    changed = bytearray(line)
    for _ in range(pick.randint(1, 4)):
        changed[pick.randrange(len(changed))] = pick.randrange(256)
    return bytes(changed)


def _tokens(line, pick):
    place = pick.randrange(len(line))
    return line[:place] + pick.choice(TOKENS) * pick.randint(1, 3) + line[place + pick.randint(0, 8) :]


def _cut(line, pick):
    return line[: pick.randrange(len(line))]


def _value(line, pick):
    """Another value somewhere in the document, or a name that is missing."""
    document = json.loads(line)
    parent, key = pick.choice(list(_places(document)))
    if isinstance(parent, dict) and pick.random() < 0.2:
        del parent[key]
    else:
        parent[key] = pick.choice(ODD)
    return json.dumps(document).encode()


def _places(value):
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield value, key
        yield from _places(child)
