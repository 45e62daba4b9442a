"""Sample input: records of ten fields, about 380 bytes a line, as a tap prints them."""

from __future__ import annotations

import json
import random
from pathlib import Path

SCHEMA = {
    "type": "object",
    "properties": {
        "customer_id": {"type": ["integer", "null"]},
        "email": {"type": ["string", "null"], "maxLength": 255},
        "first_name": {"type": ["string", "null"]},
        "last_name": {"type": ["string", "null"]},
        "phone_number": {"type": ["string", "null"]},
        "tier": {"type": ["string", "null"]},
        "score": {"type": ["number", "null"]},
        "newsletter": {"type": ["boolean", "null"]},
        "joined_at": {"type": ["string", "null"], "format": "date-time"},
        "city": {"type": ["string", "null"]},
    },
}
NAMES = ("Ada", "Grace", "Katherine", "Björk", "José", "Mary", "Dorothy", "Annie")
CITIES = ("London", "Málaga", "Reykjavík", "Boston", "Arlington", "Hampton", "Dover", "Oslo")


def write(path: Path, count: int, *, state_every: int = 10_000) -> None:
    """One stream of `count` people, a STATE now and then."""
    pick = random.Random(count)
    with path.open("w", encoding="utf-8") as file:
        file.write(_line({"type": "SCHEMA", "stream": "people", "schema": SCHEMA, "key_properties": ["customer_id"]}))
        for number in range(count):
            file.write(
                _line(
                    {
                        "type": "RECORD",
                        "stream": "people",
                        "record": _record(number, pick),
                        "time_extracted": "2026-11-24T09:00:00.000000+00:00",
                    }
                )
            )
            if (number + 1) % state_every == 0:
                file.write(_line({"type": "STATE", "value": {"bookmarks": {"people": {"id": number}}}}))


def _record(number: int, pick: random.Random) -> dict[str, object]:
    first, city = pick.choice(NAMES), pick.choice(CITIES)
    return {
        "customer_id": number,
        "email": f"customer.number.{number}@example.com",
        "first_name": first,
        "last_name": f"Sample-{number % 997}",
        "phone_number": f"+1{202 + number // 7_000_000}{2_000_000 + number % 7_000_000}",
        "tier": ("none", "silver", "gold")[number % 3],
        "score": round(pick.random() * 1000, 2),
        "newsletter": number % 2 == 0,
        "joined_at": f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}T10:00:00.000000+00:00",
        "city": city,
    }


def _line(message: dict[str, object]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"
