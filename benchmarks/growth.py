"""Whether cost grows as the input does: records, streams, rejects, sizes of profiles. Rate windows off."""

from __future__ import annotations

from dataclasses import dataclass

from records import PLAIN, Kind
from running import Measure, Workshop, sandbox


@dataclass(frozen=True)
class Case:
    """Some input, as shares of the table's records."""

    name: str
    share: float
    kind: Kind = PLAIN
    settings: tuple[tuple[str, object], ...] = ()


_ANY = (("max_rejected_percent", 100),)
CASES = (
    Case("1 % of the records", 0.01),
    Case("10 %", 0.1),
    Case("all", 1.0),
    Case("10 %, in 1 stream", 0.1),
    Case("10 %, in 100 streams", 0.1, Kind(streams=100)),
    Case("10 %, in 1,000 streams", 0.1, Kind(streams=1_000)),
    Case("10 %, 10 % of them rejected", 0.1, Kind(bad_percent=10), _ANY),
    Case("10 %, all of them rejected", 0.1, Kind(bad_percent=100), _ANY),
    Case("10 %, profiles of 100 bytes", 0.1, Kind(pad=20)),
    Case("10 %, profiles of 1 KB", 0.1, Kind(pad=920)),
    Case("0.2 %, profiles of 90 KB", 0.002, Kind(pad=90_000)),
)


def run(shop: Workshop, case: Case, records: int) -> Measure:
    """One export."""
    with sandbox() as (url, _):
        return shop.export(url, shop.lines(round(records * case.share), case.kind), **dict(case.settings))
