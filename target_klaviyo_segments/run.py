"""One run from gate to report: who may, which account and lists, what came of it. Knows nothing of Singer."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.acceptance import acceptance
from target_klaviyo_segments.aftermath import end_of, report_of, sentences
from target_klaviyo_segments.assembly import put_together
from target_klaviyo_segments.conclusion import stream_reports, too_many_rejected
from target_klaviyo_segments.ending import Ending
from target_klaviyo_segments.errors import InputError, RunStopped, SettingsError, StoppedBySignal, TargetError
from target_klaviyo_segments.export.resume import Resume
from target_klaviyo_segments.gate import refusal
from target_klaviyo_segments.looking_back import pace_of
from target_klaviyo_segments.report.document import StreamReport
from target_klaviyo_segments.report.files import prepare, write_past_report
from target_klaviyo_segments.routing import Routes
from target_klaviyo_segments.selection import Selection
from target_klaviyo_segments.watching import numbers_of
from target_klaviyo_segments.watching.retry_lines import RetryLines
from target_klaviyo_segments.wiring import make_report

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from target_klaviyo_segments.aftermath import Outcome
    from target_klaviyo_segments.alerts import Alarm
    from target_klaviyo_segments.settings import Segment, Settings
    from target_klaviyo_segments.watching import Numbers
    from target_klaviyo_segments.wiring import Once, Wires


class Run:
    """Opened before the first byte is read; then `finish` or `break_off`."""

    def __init__(
        self,
        settings: Settings,
        *,
        wires: Wires,
        log: logging.Logger,
        emit_state: Callable[[Any], None],
        once: Once,
        alarm: Alarm,
    ) -> None:
        """Make the work directory and pass the gate.

        Raises:
            WorkDirError: The work directory cannot be written.
            RunStopped: The connection is disabled, or this user may not run it.
        """
        self._settings = settings
        self._log = log
        self._clock = wires.clock
        self.wall = wires.wall
        self._routes: dict[str, Routes] = {}
        self._work_dir = prepare(settings.work_dir)
        self._report = make_report(settings)
        self._report.retry_of = once.retry_of
        self._alarm = alarm
        alarm.report = self._report
        self._ending = Ending(self._report, self._work_dir, log)
        self.ended = False
        self.on_end: Callable[[str], None] = _nobody_waits
        self._pass_gate()
        self._parts = put_together(
            settings,
            wires,
            once,
            report=self._report,
            work_dir=self._work_dir,
            log=log,
            warn=self.warn,
            on_retry=RetryLines(log, settings.connection_name, wires.clock.now),
            emit_state=emit_state,
        )
        self.destinations, self.exporter = self._parts.destinations, self._parts.exporter
        self.clearing, self._ledger = self._parts.clearing, self._parts.ledger
        self.selection = Selection(settings, self.exporter)

    def resume(self) -> None:
        """Settle what earlier runs left open; in a dry run only tell of it.

        Raises:
            TargetError: Klaviyo does not answer, or the ledger cannot be written.
        """
        if self._parts.rehearsing is not None:
            for sentence in self._parts.rehearsing.left_open():
                self.warn(sentence)
            return
        crashed = [(run, pace_of(self._ledger, run.run_id)) for run in self._ledger.crashed_runs()]
        outcome: Outcome = {}
        if next(self._ledger.unfinished(), None) is not None:
            self.destinations.recognise_account()
            client, timeout = self._parts.client, self._settings.job_timeout_seconds
            outcome = Resume(
                client, self._ledger, known_jobs=client.known_jobs, clock=self._clock, job_timeout_seconds=timeout
            ).settle()
        for sentence in sentences(outcome):
            self.warn(sentence)
        for run, pace in crashed:
            if (end := end_of(run, self._work_dir)) is not None:
                self._ledger.end_run(run.run_id, *end)
                continue
            sent, user = self._ledger.sent(run.run_id), self._report.user
            report = report_of(run, outcome, sent, self._work_dir, user=user, settled_by=self._report.run_id)
            report.pace = pace
            write_past_report(report, self._work_dir)
            self._ledger.end_run(run.run_id, "failed", report.counts)
            self._alarm.killed(report)

    def check(self) -> None:
        """Ask Klaviyo whether the connection works, and tell what it says; nothing is written to it.

        Raises:
            SettingsError: It does not, with every reason.
        """
        from target_klaviyo_segments.check import Verdict, in_order, inspect_account  # noqa: PLC0415  # as in the command

        self._alarm.dismiss()
        today = datetime.fromtimestamp(self.wall(), timezone.utc).date()
        findings = list(inspect_account(self._parts.client, self._settings, today))
        for finding in findings:
            tell = self.warn if finding.verdict is Verdict.NOTE else self._log.info
            tell(finding.line)
        if todo := [each.line for each in findings if not in_order([each])]:
            raise SettingsError(todo)

    def routes(self, stream: str, segment: Segment) -> Routes:
        """The ways of a stream in several segments."""
        if stream not in self._routes:
            self._routes[stream] = Routes(stream, segment, self.exporter, self.destinations)
        return self._routes[stream]

    @property
    def dry(self) -> bool:
        """Whether it only foretells."""
        return self._settings.dry_run

    @property
    def name(self) -> str:
        """For people: its id, and its connection's name."""
        return f"{self._report.run_id} of connection {self._settings.connection_name}{' (dry run)' * self.dry}"

    def numbers(self) -> Numbers:
        """How far it is."""
        tallies = [*(lane.tally for lane in self.exporter.lanes.values()), *self.selection.left_out.values()]
        left = self._parts.client.turns.seconds_left
        return numbers_of(tallies, under_way=self.exporter.under_way, quota_seconds=left)

    def interrupt(self) -> None:
        """End what the main thread waits for; for a signal handler."""
        self.exporter.interrupt()
        self._parts.client.turns.interrupt()

    def warn(self, message: str) -> None:
        """Tell the user now, and again in the report."""
        self._report.warnings.append(message)
        self._log.warning("connection %s: %s", self._settings.connection_name, message)

    def finish(self) -> None:
        """The input has ended by itself: settle everything, write the report.

        Raises:
            TargetError: Not every row was delivered or refused for a reason of its own, or too many were refused.
        """
        mistyped = self.selection.mistyped()
        self.exporter.finish()
        self.clearing.carry_out(self.exporter.lanes.values(), self.exporter.go_on)
        self._parts.rejects.close()
        self._parts.failed.close()
        for warning in (*self.selection.never_came(), *filter(None, (each.unused() for each in self._routes.values()))):
            self.warn(warning)
        lossy = too_many_rejected(self.exporter.lanes, self._settings.max_rejected_percent, self._parts.rejects.path)
        vanished = [words for routes in self._routes.values() for words in routes.vanished(self._ledger.segments)]
        problems = [*self.exporter.incomplete, *mistyped, *vanished, *lossy]
        if problems:
            self._attempt(partial(self._end, "failed", "; ".join(problems)))
            raise RunStopped("; ".join(problems))
        self._end("successful", None)

    def break_off(self, reason: BaseException) -> None:
        """The run ends early: settle what is under way, write the report.

        When it is the input that broke, the rows before are good: they are sent too.
        """
        message = str(reason) if isinstance(reason, TargetError) else type(reason).__name__
        end = partial(self._end, "canceled" if isinstance(reason, StoppedBySignal) else "failed", message)
        close = (self._parts.rejects.close, self._parts.failed.close)
        for step in (partial(self._settle, reason, message), *close, end, self._ledger.close):
            self._attempt(step)

    def _attempt(self, step: Callable[[], None]) -> None:
        """One of the last steps of a run that broke: its own trouble is told, the first reason is what is raised."""
        try:
            step()
        except TargetError as error:
            self._log.warning("%s", error)  # what ends the run is the one error

    def _settle(self, reason: BaseException, message: str) -> None:
        if isinstance(reason, InputError):
            try:
                self.exporter.finish(by_itself=False)
            except TargetError:
                self.exporter.break_off(message)
                raise
        else:
            self.exporter.break_off(message)

    def _end(self, status: str, message: str | None) -> None:
        self.ended = True
        self.on_end(status)
        self._parts.client.close()
        report = self._report
        report.streams = [
            *stream_reports(
                self.exporter.lanes, self.destinations.lists, self._parts.mirror.report, self._parts.subscribing.report
            ),
            *(StreamReport(s, t) for s, t in self.selection.left_out.items()),
        ]
        report.plan |= {"needed": self._parts.plan.needed}
        if self._parts.rehearsing is not None:
            self._parts.rehearsing.complete(report)
        counters = self._parts.client.counters
        report.requests, report.throttled = counters.requests, counters.throttled
        for name, count in counters.left_out.items():
            self.warn(
                f"{name}: from {count} requests Klaviyo took everything but some phone numbers, without saying whose. "
                "See that the numbers are right"
            )
        report.rejects_file = str(self._parts.rejects.path) if self._parts.rejects.written else None
        report.failed_file = str(self._parts.failed.path) if self._parts.failed.written else None
        with closing(self._ledger):
            self._ending.publish(status, message, self._ledger)

    def _pass_gate(self) -> None:
        message = refusal(self._settings, self._report.user)
        if message is not None:
            self._ending.skip(message)
            raise RunStopped(message)
        self._report.data_privacy = acceptance(self._work_dir, self._report)


def _nobody_waits(status: str) -> None:
    """Until somebody wants to know when it ends."""
