"""What the user sets: one table of it, and a configuration checked against it."""

from __future__ import annotations

from target_klaviyo_segments.settings.rules import folder_of
from target_klaviyo_segments.settings.settings import Segment, Settings

__all__ = ["Segment", "Settings", "folder_of"]
