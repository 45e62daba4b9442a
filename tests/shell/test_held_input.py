"""What is held of the input: not a block of it for each row that waits."""

from __future__ import annotations

import tracemalloc

import pytest
from pipeline import Pipeline, record, schema, text

from target_klaviyo_segments.target import TargetKlaviyoSegments

BLOCKS = 40
LISTS = {"gold": "GOLDGG", "vip": "VIPVIP"}


def block(number, how):
    """300 KB of records, one of which is of the small segment or stream; or all of that stay together."""
    rows = []
    for row in range(300):
        small = row == 150
        properties = {"tier": "vip" if small else "gold", "note": "x" * 900}
        stream = "vip" if small and how == "streams" else "people"
        rows.append(record(f"p{number}-{row}@x.io", stream, **properties))
    return text(rows)


@pytest.mark.parametrize("how", ["segments", "streams"])
def test_few_rows_of_a_block_do_not_hold_all_of_it(tmp_path, how):
    """Each row of a small segment or stream beside a large one held 256 KB until its batch was full."""
    pipeline = Pipeline(tmp_path)
    for name, list_id in LISTS.items():
        pipeline.sandbox.add_list(list_id, name)
    segments = {name: {"list_id": list_id} for name, list_id in LISTS.items()}
    of_one = {"segment_field": "tier", "segments": segments, "list_id": None} if how == "segments" else {}
    target = TargetKlaviyoSegments(
        config=pipeline.config(batch_size_rows=500, unmapped_fields="drop", **of_one), wires=pipeline.wires
    )
    named = [schema(name, email={"type": "string"}, tier={"type": "string"}) for name in ("people", "vip")]
    feed = target.message_reader._decode
    take = target._process_records
    for message in named[: 1 if how == "segments" else 2]:
        target._process_schema_message(message)
    tracemalloc.start()
    try:
        for number in range(BLOCKS):
            lines = block(number, how).encode()
            for found in feed(lines, lines.count(b"\n")):
                take(found)
            target.run.exporter.settle()
            del lines, found
        before, _ = tracemalloc.get_traced_memory()
        waiting = target.run.exporter.lanes["people/vip" if how == "segments" else "vip"].filling.take()
        assert len(waiting) == BLOCKS
        del waiting
        held = before - tracemalloc.get_traced_memory()[0]  # by these alone: others are being sent, or are at Klaviyo
    finally:
        tracemalloc.stop()
        target.run.break_off(RuntimeError("enough"))
    assert held < BLOCKS * 300_000 / 3
