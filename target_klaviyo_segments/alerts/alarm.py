"""When the webhook is told: of each run that went wrong, once, and of the first that goes well after one that did not.

Whatever becomes of an alert, the run ends as it would have without.
"""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.alerts.body import EVENTS, body_of
from target_klaviyo_segments.alerts.memory import FILE, Trouble, note, trouble_of
from target_klaviyo_segments.errors import SettingsError, StoppedBySignal, TargetError

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from target_klaviyo_segments.alerts.webhook import Webhook
    from target_klaviyo_segments.report.document import RunReport


class Alarm:
    """Of one connection; without a webhook it does nothing. `report` is the run's, as soon as it has one."""

    def __init__(self, webhook: Webhook | None, *, connection: str, work_dir: Path, log: logging.Logger) -> None:
        self._webhook = webhook
        self._connection = connection
        self._work_dir = work_dir
        self._log = log
        self.report: RunReport | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Tell of the run in this block how it ended, once it has."""
        try:
            yield
        except BaseException as reason:
            if not _by_hand(reason):
                message = str(reason) if isinstance(reason, TargetError) else type(reason).__name__
                self.went_wrong(_event(reason, self.report), message, self.report)
            raise
        self._went_well()

    def dismiss(self) -> None:
        """This is no run that anybody else should hear of, however it ends."""
        self._webhook = None

    def killed(self, report: RunReport) -> None:
        """An earlier run could not end, nor tell; it may have been another connection's in the same folder."""
        self.went_wrong("crashed", report.message or "", report)

    def went_wrong(self, event: str, message: str, report: RunReport | None) -> None:
        """Note it, then tell it."""
        if self._webhook is None:
            return
        connection = report.connection if report is not None else self._connection
        began = report.started_at if report is not None else datetime.now(timezone.utc)
        before = trouble_of(self._work_dir, connection) or Trouble(began.isoformat(timespec="seconds"), 0)
        trouble = replace(before, runs=before.runs + 1)
        self._note(connection, trouble)
        self._post(self._webhook, body_of(event, message, trouble, connection, report))

    def _went_well(self) -> None:
        """Tell it when the run before did not; forgotten once it is told."""
        trouble = trouble_of(self._work_dir, self._connection) if self._webhook is not None else None
        if self._webhook is None or trouble is None:
            return
        message = f"the first run that went well since {trouble.since}, after {trouble.runs} that did not"
        if self._post(self._webhook, body_of("recovered", message, trouble, self._connection, self.report)):
            self._note(self._connection, None)

    def _post(self, webhook: Webhook, body: Mapping[str, Any]) -> bool:
        why = webhook.post(json.dumps(body).encode())
        if why is not None:
            words = "connection %s: the webhook (`alert_webhook_url`) did not take the alert that the run %s: %s"
            self._log.warning(words, self._connection, EVENTS[body["event"]], why)
        return why is None

    def _note(self, connection: str, trouble: Trouble | None) -> None:
        """Where there is no folder the run did not come so far as to have one."""
        if not self._work_dir.is_dir():
            return
        try:
            note(self._work_dir, connection, trouble)
        except OSError as error:
            path = self._work_dir / FILE
            words = "connection %s: %s cannot be written: %s. A later alert may say the wrong number of runs"
            self._log.warning(words, connection, path, error.strerror)


def _by_hand(reason: BaseException) -> bool:
    """Ctrl-C: whoever stopped the run knows. A scheduler, a container and a closed terminal use other signals."""
    interrupted = isinstance(reason, StoppedBySignal) and reason.signum == signal.SIGINT
    return interrupted or isinstance(reason, KeyboardInterrupt)


def _event(reason: BaseException, report: RunReport | None) -> str:
    if isinstance(reason, StoppedBySignal):
        return "canceled"
    refused = isinstance(reason, SettingsError) or (report is not None and report.status == "skipped")
    return "refused" if refused else "failed"
