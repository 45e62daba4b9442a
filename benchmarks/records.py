"""Sample input as a tap prints it: people of ten fields, about 380 bytes a line, and the odder kinds of them.

`python benchmarks/records.py FILE TIMES` prints a file of such lines again and again, each time with other people: ten
million of them pass through a pipe without filling a disk.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TEXT = {"type": ["string", "null"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "customer_id": {"type": ["integer", "null"]},
        "email": {"type": ["string", "null"], "maxLength": 255},
        "first_name": _TEXT,
        "last_name": _TEXT,
        "phone_number": _TEXT,
        "tier": _TEXT,
        "score": {"type": ["number", "null"]},
        "newsletter": {"type": ["boolean", "null"]},
        "joined_at": {"type": ["string", "null"], "format": "date-time"},
        "city": _TEXT,
    },
}
NAMES = ("Ada", "Grace", "Katherine", "Björk", "José", "Mary", "Dorothy", "Annie")
CITIES = ("London", "Málaga", "Reykjavík", "Boston", "Arlington", "Hampton", "Dover", "Oslo")
_ODD_EMAILS = (
    "Customer.Number.{}@Example.COM",
    "  customer.number.{}@example.com ",
    "köln.{}@example.com",
    "c!{}@a.io",
)
_EMAIL = "customer.number."
_BLOCK_LINES = 20_000


@dataclass(frozen=True)
class Kind:
    """What is special about the people.

    `odd`: half of the phones are national, a tenth of the e-mails spelled oddly. `bad_percent` have no address at all.
    `without_every`: each so-many-th person is missing. `pad`: two fields and so many characters instead of ten fields.
    """

    odd: bool = False
    bad_percent: int = 0
    without_every: int = 0
    pad: int = 0
    streams: int = 1


PLAIN = Kind()


def people(count: int, kind: Kind = PLAIN) -> Iterator[dict[str, object]]:
    """The records."""
    pick = random.Random(count)
    for number in range(count):
        record = _record(number, pick)
        if kind.without_every and not number % kind.without_every:
            continue
        yield _turned(record, number, kind)


def write(path: Path, count: int, kind: Kind = PLAIN, *, state_every: int = 10_000) -> Path:
    """Messages of that many people, in their streams by turns, and a STATE now and then, one of them at the end."""
    names = [f"people_{n}" for n in range(kind.streams)] if kind.streams > 1 else ["people"]
    with path.open("w", encoding="utf-8") as file:
        for name in names:
            file.write(_line(_schema(name)))
        number = 0
        for number, record in enumerate(people(count, kind), start=1):
            message = {"type": "RECORD", "stream": names[number % len(names)], "record": record}
            file.write(_line(message | {"time_extracted": "2026-11-24T09:00:00.000000+00:00"}))
            if number % state_every == 0:
                file.write(_line(_state(number)))
        file.write(_line(_state(number)))
    return path


def write_batches(path: Path, count: int, *, rows: int = 100_000) -> Path:
    """The same as files of JSON lines, gzip, which a BATCH message names."""
    lines = map(_line, people(count))
    files = []
    for first in range(0, count, rows):
        files.append(path.with_name(f"{path.stem}-{first}.jsonl.gz"))
        with gzip.open(files[-1], "wt", compresslevel=1, encoding="utf-8") as file:
            file.writelines(line for line, _ in zip(lines, range(min(rows, count - first)), strict=False))
    encoding = {"format": "jsonl", "compression": "gzip"}
    message = {"type": "BATCH", "stream": "people", "encoding": encoding, "manifest": [file.as_uri() for file in files]}
    path.write_text(_line(_schema("people")) + _line(message) + _line(_state(count)), encoding="utf-8")
    return path


def write_parquet(path: Path, count: int, *, rows: int = 100_000) -> None:
    """The same as Parquet files."""
    from pyarrow import Table, parquet  # noqa: PLC0415  # an extra that only this needs

    source = people(count)
    files = []
    for first in range(0, count, rows):
        files.append(path.with_name(f"{path.stem}-{first}.parquet"))
        part = list(islice(source, min(rows, count - first)))
        parquet.write_table(Table.from_pylist(part), files[-1], row_group_size=10_000)
    message = {"type": "BATCH", "stream": "people", "encoding": {"format": "parquet"}}
    manifest = [file.as_uri() for file in files]
    lines = _schema("people"), message | {"manifest": manifest}, _state(count)
    path.write_text("".join(map(_line, lines)), encoding="utf-8")


def again(lines: Iterable[bytes], times: int) -> None:
    """Print lines so many times, each time with other people; the SCHEMA once."""
    block = list(lines)
    for time in range(times):
        other = f'"{_EMAIL}'.encode(), f'"customer.{time}.number.'.encode()
        for first in range(0, len(block), _BLOCK_LINES):
            sys.stdout.buffer.write(b"".join(block[first : first + _BLOCK_LINES]).replace(*other))
        block = [line for line in block if not line.startswith(b'{"type":"SCHEMA')] if not time else block


def _record(number: int, pick: random.Random) -> dict[str, object]:
    first, city = pick.choice(NAMES), pick.choice(CITIES)
    return {
        "customer_id": number,
        "email": f"{_EMAIL}{number}@example.com",
        "first_name": first,
        "last_name": f"Sample-{number % 997}",
        "phone_number": f"+1{202 + number // 7_000_000}{2_000_000 + number % 7_000_000}",
        "tier": ("none", "silver", "gold")[number % 3],
        "score": round(pick.random() * 1000, 2),
        "newsletter": number % 2 == 0,
        "joined_at": f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}T10:00:00.000000+00:00",
        "city": city,
    }


def _turned(record: dict[str, object], number: int, kind: Kind) -> dict[str, object]:
    if kind.pad:
        record = {"email": record["email"], "notes": "x" * kind.pad}
    if kind.odd and number % 2:
        record["phone_number"] = f"({202 + number // 7_000_000}) {2_000_000 + number % 7_000_000}"
    if kind.odd and number % 10 == 0:
        record["email"] = _ODD_EMAILS[number // 10 % len(_ODD_EMAILS)].format(number)
    if number % 100 < kind.bad_percent:
        record["email"] = f"nobody {number}"
    return record


def _schema(stream: str) -> dict[str, object]:
    return {"type": "SCHEMA", "stream": stream, "schema": SCHEMA, "key_properties": []}


def _state(number: int) -> dict[str, object]:
    return {"type": "STATE", "value": {"bookmarks": {"people": {"id": number}}}}


def _line(message: dict[str, object]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    if sys.argv[1] == "--parquet":
        write_parquet(Path(sys.argv[2]), int(sys.argv[3]))
        sys.exit()
    with Path(sys.argv[1]).open("rb") as source:
        again(source, int(sys.argv[2]))
