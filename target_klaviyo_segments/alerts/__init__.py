"""Somebody hears of a run that went wrong, by a webhook, and of the first one that goes well again."""

from __future__ import annotations

from target_klaviyo_segments.alerts.alarm import Alarm
from target_klaviyo_segments.alerts.webhook import Webhook

__all__ = ["Alarm", "Webhook"]
