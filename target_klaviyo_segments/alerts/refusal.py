"""Settings that are refused are a run that is: told too, as far as they say whom to tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.alerts.alarm import Alarm
from target_klaviyo_segments.alerts.webhook import Webhook
from target_klaviyo_segments.settings.rules_address import webhook_url
from target_klaviyo_segments.settings.table import SETTINGS

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from target_klaviyo_segments.errors import SettingsError


def tell_of_refused(config: Mapping[str, Any], error: SettingsError, log: logging.Logger) -> None:
    """Tell the webhook of a configuration, if that is right; not a byte leaves where the notice is not accepted."""
    url = None if config.get("dry_run") is True else config.get("alert_webhook_url")
    if not isinstance(url, str) or webhook_url(url) is not None or config.get("accept_data_privacy") is not True:
        return
    connection, work_dir = (_text(config, name) for name in ("connection_name", "work_dir"))
    Alarm(Webhook(url), connection=connection, work_dir=Path(work_dir), log=log).went_wrong("refused", str(error), None)


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    return value if isinstance(value, str) else str(SETTINGS[name].default)
