"""Bounds of an export, as the settings give them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of an export; `batch_bytes` counts payloads and commas."""

    batch_rows: int
    batch_bytes: int
    max_in_flight: int
    profiles_per_export: int
    split_exports: bool
    job_timeout_seconds: float
    max_rejected_percent: int
    skip_unchanged: bool = False
