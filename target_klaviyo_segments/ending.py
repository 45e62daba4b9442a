"""How a run ends for those who look at it: its report completed, written and told."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.looking_back import look_back
from target_klaviyo_segments.report.files import remove_report, write_report
from target_klaviyo_segments.report.foretold import lines_of_plan
from target_klaviyo_segments.report.page_file import PAGE, PLAN_PAGE, write_page
from target_klaviyo_segments.report.text import five_lines

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    from target_klaviyo_segments.ledger import Ledger
    from target_klaviyo_segments.report.document import RunReport

# Of a thousand streams each may have one; the report has them all.
_WARNINGS_MAX = 20


@dataclass(frozen=True, slots=True)
class Ending:
    """One run's; `began` is an instant of the monotonic clock."""

    report: RunReport
    work_dir: Path
    log: logging.Logger
    began: float = field(default_factory=time.monotonic)

    def publish(self, status: str, message: str | None, ledger: Ledger) -> None:
        """Write the report, whose streams are complete, note the end in the ledger, and tell it in five lines.

        Raises:
            WorkDirError: One of the two cannot be written; then no report says that all went well.
        """
        look_back(self.report, ledger)
        self._warn_of_streams()
        path = self._write(status, message)
        try:
            ledger.end_run(self.report.run_id, status, self.report.counts)
        except WorkDirError as error:
            if status == "successful":
                self._write_again("failed", str(error))
            raise
        finally:
            self._tell(path)

    def _write_again(self, status: str, message: str) -> None:
        """In place of what was written: a disk that is full has room for one."""
        remove_report(self.report, self.work_dir)
        with suppress(WorkDirError):  # the next run writes one
            self._write(status, message)

    def _tell(self, path: Path) -> None:
        tell = lines_of_plan if self.report.dry_run else five_lines
        first, *others = tell(self.report, str(path), self._page())
        rows = {f"rows_{name}": count for name, count in self.report.totals.as_dict().items()}
        self.log.info("%s", first, extra={"status": self.report.status, "seconds": self.report.seconds, **rows})
        for line in others:
            self.log.info("%s", line)

    def _warn_of_streams(self) -> None:
        """What the report has of streams, said where a misspelt setting is looked for first."""
        warnings = list(dict.fromkeys(each for stream in self.report.streams for each in stream.warnings))
        for warning in warnings[:_WARNINGS_MAX]:
            self.log.warning("connection %s: %s", self.report.connection, warning)
        if len(warnings) > _WARNINGS_MAX:
            more = len(warnings) - _WARNINGS_MAX
            self.log.warning("connection %s: %s more warnings are in the report", self.report.connection, more)

    def skip(self, message: str) -> None:
        """The run was refused before it read anything.

        Raises:
            WorkDirError: The report cannot be written.
        """
        self._write("skipped", message)
        self._page()

    def _page(self) -> str | None:
        """The report for people; where it is, if it is anywhere."""
        path = self.work_dir / (PLAN_PAGE if self.report.dry_run else PAGE)
        trouble = write_page(self.report.as_dict(), path)
        if trouble is not None:
            self.log.warning("connection %s: %s", self.report.connection, trouble)
        return None if trouble else str(path)

    def _write(self, status: str, message: str | None) -> Path:
        report = self.report
        report.status, report.message = status, message
        report.seconds = time.monotonic() - self.began
        report.ended_at = report.started_at + timedelta(seconds=report.seconds)  # whoever sets the clock meanwhile
        return write_report(report, self.work_dir)
