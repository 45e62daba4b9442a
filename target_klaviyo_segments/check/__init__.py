"""Whether a connection works, found out without writing anything: one finding for each thing that must be right."""

from __future__ import annotations

from target_klaviyo_segments.check.finding import Finding, Verdict, document, in_order
from target_klaviyo_segments.check.inspection import inspect, inspect_account

__all__ = ["Finding", "Verdict", "document", "in_order", "inspect", "inspect_account"]
