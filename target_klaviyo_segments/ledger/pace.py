"""How fast a run went: its import jobs by time, counted in the ledger, so that a long run costs no memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from target_klaviyo_segments.ledger.database import Database

STEPS_MAX = 120
_STEP_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)
_LAST = """
SELECT max(coalesce((SELECT max(at) FROM jobs WHERE intent = intents.n), began), coalesce(closed, began))
FROM intents WHERE run = ? ORDER BY 1 DESC LIMIT 1
"""
_SUBMITTED = """
SELECT max(CAST((jobs.at - ?) / ? AS INTEGER), 0), count(*) FROM jobs JOIN intents ON intents.n = jobs.intent
WHERE intents.run = ? GROUP BY 1
"""
_ENDED = """
SELECT max(CAST((closed - ?) / ? AS INTEGER), 0), count(*) FROM jobs JOIN intents ON intents.n = jobs.intent
WHERE intents.run = ? AND closed IS NOT NULL GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Import jobs of one run by steps of time; `began` in seconds since the epoch, at most `STEPS_MAX` steps.

    A job counts as ended when every row of its batch had its fate.
    """

    began: float
    step_seconds: float
    submitted: tuple[int, ...]
    ended: tuple[int, ...]


def pace_of(database: Database, run: int) -> Pace:
    """What the ledger remembers of a run's jobs."""
    (began,) = database.row("SELECT began FROM runs WHERE n = ?", (run,))
    last = database.row(_LAST, (run,))
    seconds = max(0.0, last[0] - began) if last is not None else 0.0
    step = next((step for step in _STEP_SECONDS if seconds / step < STEPS_MAX), seconds / (STEPS_MAX - 1))
    steps = int(seconds / step) + 1
    columns = [dict(database.rows(sql, (began, step, run))) for sql in (_SUBMITTED, _ENDED)]
    submitted, ended = (tuple(column.get(number, 0) for number in range(steps)) for column in columns)
    return Pace(began, step, submitted, ended)
