"""The life of a job of either kind by the clock: queued, under way, ended; a scenario may let it end otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field

QUEUED, PROCESSING, COMPLETE, CANCELLED = "queued", "processing", "complete", "cancelled"


@dataclass(slots=True)
class Life:
    """Moments are seconds since 1970. `fate` is how a scenario lets it end, None for the usual way."""

    id: str
    created: float
    started: float
    due: float
    fate: str | None = field(default=None, kw_only=True)
    ended: str | None = field(default=None, kw_only=True)

    def status(self, now: float) -> str:
        """What Klaviyo would show at a moment."""
        if self.ended:
            return self.ended
        if self.fate not in {None, CANCELLED}:
            return self.fate or ""
        return PROCESSING if now >= self.started and now > self.created else QUEUED

    def is_due(self, now: float) -> bool:
        """Whether it ends by now; one with a fate that is no end stays as it is."""
        return now >= self.due and self.fate in {None, CANCELLED}
