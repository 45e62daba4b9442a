"""A segment as Parquet files that many workers wrote, and the few messages that hand them to the target.

`python prepared_files.py STREAM FILE ...` is a tap: SCHEMA, one BATCH, ACTIVATE_VERSION, STATE. What Spark, Dask, Trino
or a warehouse's UNLOAD wrote is handed over in the same way.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

PEOPLE = 20_000


def write_part(part: int, parts: int) -> Path:
    """One worker's share: here it makes people up, elsewhere it asks a warehouse."""
    numbers = range(part, PEOPLE, parts)
    table = pa.table(
        {
            "customer_id": pa.array(numbers),
            "email": [f"prepared.{number}@example.com" for number in numbers],
            "tier": [("silver", "gold")[number % 2] for number in numbers],
        }
    )
    folder = Path(os.environ.get("EXPORTS_HOME", ".exports")) / "prepared"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{part:05}.parquet"
    parquet.write_table(table, path)
    return path


def handed_over(files: list[str], stream: str) -> list[str]:
    """The command that prints the messages."""
    return [sys.executable, __file__, stream, *files]


def main() -> None:
    """Print the messages."""
    stream, *files = sys.argv[1:]
    version = int(time.time() * 1000)
    names = parquet.read_schema(files[0]).names
    schema = {"type": "object", "properties": {name: {} for name in names}}
    batch = {"encoding": {"format": "parquet"}, "manifest": [Path(file).resolve().as_uri() for file in files]}
    for message in (
        {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["customer_id"]},
        {"type": "BATCH", "stream": stream, "version": version} | batch,
        {"type": "ACTIVATE_VERSION", "stream": stream, "version": version},
        {"type": "STATE", "value": {"version": version}},
    ):
        print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
