"""What a test makes the sandbox do that Klaviyo does now and then, or may do."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Scenario:
    """The knobs of a sandbox."""

    def __init__(self, *, job_seconds: float = 0.0) -> None:
        self.job_seconds = job_seconds
        self.name_all_bad_rows = True
        self.nested_original_payload = False
        self.row_refusal: Callable[[dict[str, Any]], tuple[str, str] | None] | None = None
        self.submit_refusal: Callable[[dict[str, Any]], str | None] | None = None
        self.subscription_refusal: Callable[[dict[str, Any]], str | None] | None = None
        self.suppression_refusal: Callable[[str], str | None] | None = None  # of somebody by their address
        self.profile_refusal: Callable[[bytes], str | None] | None = None
        self.partial_location_replaces = False  # whether it does where one profile is written is documented nowhere
        self._fates: deque[str] = deque()

    def plan_fates(self, fate: str, jobs: int) -> None:
        """How the next jobs end, after those that are planned already; `complete` is the usual way."""
        self._fates.extend([fate] * jobs)

    def next_fate(self) -> str | None:
        """The fate of the job that is being made; None for the usual one."""
        fate = self._fates.popleft() if self._fates else None
        return None if fate == "complete" else fate
