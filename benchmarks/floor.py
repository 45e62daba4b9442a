"""The plain floor: decode each line, group by 10,000, encode, and nothing else.

With a compiled decoder, than which nothing can be faster; `--standard` with Python's own `json`, as plain targets do.
"""

from __future__ import annotations

import json
import sys
from functools import partial

import msgspec

_compact = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
COMPILED = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
STANDARD = json.loads, lambda group: _compact(group).encode()


def main() -> None:
    """Read stdin to its end."""
    decode, encode = STANDARD if "--standard" in sys.argv else COMPILED
    group: list[object] = []
    size = 0
    for line in sys.stdin.buffer:
        message = decode(line)
        if message["type"] == "RECORD":
            group.append(message["record"])
            if len(group) == 10_000:  # noqa: PLR2004  # the rows of one import job
                size += len(encode(group))
                group = []
    size += len(encode(group))


if __name__ == "__main__":
    main()
