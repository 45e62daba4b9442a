"""Runs of the whole target over a real socket, and what must hold of every one of them, however it ended."""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import KEY, LIST, command, record, schema, state, text

from target_klaviyo_segments.errors import TargetError
from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Wires

if TYPE_CHECKING:
    from collections.abc import Sequence

FATES = ("delivered", "rejected", "unchanged", "merged", "removed", "filtered", "failed")


class HastyClock:
    """The machine's clock, running many times too fast: waits are real and short."""

    def __init__(self, speed=20):
        self._speed = speed
        self._woken = threading.Event()

    def now(self):
        return time.monotonic() * self._speed

    def sleep(self, seconds):
        if seconds > 0:
            self._woken.wait(seconds / self._speed)

    def wake(self):
        self._woken.set()


def segment(people=30, every=10):
    """A stream of people in which one row is refused and one comes twice, with a STATE now and then."""
    lines: list[Any] = [schema()]
    for number in range(people):
        lines.append(record(f"p{number}@x.io"))
        if number == 4:
            lines.append(record("no address"))
        if number == 7:
            lines.append(record("p6@x.io", again=True))
        if number % every == every - 1:
            lines.append(state(number + 1))
    return lines


def emails(lines):
    """The e-mail of each record, as it is."""
    return [line["record"]["email"] for line in lines if line["type"] == "RECORD"]


def expected(lines):
    """Who must be on the list when all of these lines are delivered."""
    return {email for email in emails(lines) if email and email.endswith("@x.io")}


def new_sandbox(**changes):
    """A sandbox with the list that is to be filled."""
    sandbox = Sandbox(**changes)
    sandbox.add_list(LIST, "People")
    return sandbox


@dataclass(frozen=True)
class Outcome:
    """What is left of a run."""

    lines: Sequence[Any]
    work_dir: Path
    stdout: str
    error: str | None
    seconds: float
    sandbox: Sandbox
    status: int | None = None  # of the process, when there was one
    stderr: str = ""

    @property
    def report(self):
        return json.loads((self.work_dir / "report.json").read_text())

    @property
    def totals(self):
        return self.report["totals"]

    @property
    def states(self):
        return [json.loads(line) for line in self.stdout.split("\n")[:-1]]

    @property
    def members(self):
        return {member["email"] for member in self.sandbox.members(LIST)}

    @property
    def rejected(self):
        path = self.report["rejects_file"]
        rows = Path(path).read_text().split("\n")[:-1] if path else []
        return {json.loads(row)["record"]["email"] for row in rows}

    def assert_sound(self):
        """The promises that hold whatever happened."""
        report = self.report
        for counts in [report["totals"], *report["streams"].values()]:
            assert counts["read"] == sum(counts[fate] for fate in FATES), counts
        members = self.members
        assert report["totals"]["delivered"] <= sum(email in members for email in emails(self.lines))
        assert (self.error is None) == (report["status"] == "successful")
        assert self.error or not report["totals"]["failed"]
        self._assert_states_follow_delivery()
        self._assert_silence(json.dumps(report) + (self.error or "") + self.stdout)

    def assert_whole(self):
        """The promises of a run that ended well."""
        assert self.error is None, self.error
        members = self.members
        assert members == expected(self.lines)
        assert self.totals["delivered"] + self.totals["merged"] == sum(map(members.__contains__, emails(self.lines)))
        assert self.states[-1] == [line for line in self.lines if line["type"] == "STATE"][-1]["value"]

    def assert_told_in_one_line(self):
        """What a person sees of a run that failed, or did not."""
        told = [line for line in self.stderr.splitlines() if "| ERROR" in line]
        assert len(told) == (self.error is not None), self.stderr
        assert self.status == (0 if self.error is None else 1), self.stderr
        self._assert_silence(self.stderr)

    def _assert_states_follow_delivery(self):
        fated, covered = self.members | self.rejected, set()
        for line in self.lines if self.states else ():
            if line["type"] == "RECORD":
                covered.add(line["record"]["email"])
            elif line["type"] == "STATE" and line["value"] == self.states[-1]:
                break
        assert covered <= fated, covered - fated

    def _assert_silence(self, said):
        assert "Traceback" not in said
        assert KEY not in said
        assert not re.search(r"[\w.]+@x\.io", said)


def settings_for(url, folder, **changes):
    """A configuration that makes three jobs of the segment."""
    return {
        "api_url": url,
        "api_key": KEY,
        "list_id": LIST,
        "accept_data_privacy": True,
        "work_dir": str(folder / "work"),
        "batch_size_rows": 10,
        "request_timeout_seconds": 30,
        "retry_max_seconds": 20,
        **changes,
    }


def run_inside(lines, url, folder, sandbox, *, clock=None, **changes):
    """The target in this process, over a real socket, on a clock that runs fast."""
    out, error, began = io.StringIO(), None, time.monotonic()
    with contextlib.redirect_stdout(out):
        try:
            config = settings_for(url, folder, **changes)
            clock = clock or HastyClock()
            target = TargetKlaviyoSegments(config=config, wires=Wires(clock=clock, wall=sandbox.now))
            target.export(io.StringIO(text(lines)))
        except TargetError as failure:
            error = str(failure)
    return Outcome(lines, folder / "work", out.getvalue(), error, time.monotonic() - began, sandbox)


def run_process(lines, url, folder, sandbox, *, environment=None, **changes):
    """The target as the user runs it."""
    began = time.monotonic()
    done = command(lines, url, folder, environment=environment, **settings_for(url, folder, **changes))
    seconds = time.monotonic() - began
    stderr = done.stderr.decode()
    told = [line for line in stderr.splitlines() if "| ERROR" in line]
    error = " ".join(told) if done.returncode or told else None
    return Outcome(lines, folder / "work", done.stdout.decode(), error, seconds, sandbox, done.returncode, stderr)
