"""A sandbox and a work directory that outlive any number of runs, each of which one trouble may meet."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
import signal
import sqlite3
import tempfile
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from direct import Direct
from doubles import FakeClock
from pipeline import KEY

from target_klaviyo_segments.errors import KlaviyoError, TargetError
from target_klaviyo_segments.sandbox.app import Request, Response, Sandbox
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Once, Wires

IMPORTS = "/api/profile-bulk-import-jobs"
HEADERS = {
    "authorization": f"Klaviyo-API-Key {KEY}",
    "revision": "2026-10-15",
    "content-type": "application/vnd.api+json",
}
_LEDGER = "ledger.sqlite3"


@dataclass(frozen=True)
class Trouble:
    """What meets a run, and when: the how-manieth request, reading of the wall clock, or STATE.

    Requests count that are of `method`, from the first on whose path ends with `since`.

    `die` is a kill -9: what the disk has at that moment is all that is left. `stop` is SIGTERM, `lose` loses an
    answer, `refuse` answers in Klaviyo's place once, `down` from then on. `cancel` and `slow` are about import jobs.
    """

    kind: str = "none"
    at: int = 1
    where: str = "request"  # for `die`: request, answer, clock, state
    status: int = 503
    slow: bool = False  # import jobs take their time
    method: str = ""
    since: str = ""


@dataclass(frozen=True)
class Import:
    """A job that Klaviyo began for us: whom, with what, to which list."""

    job_id: str
    list_id: str
    rows: tuple[dict[str, Any], ...]  # attributes of profiles


@dataclass
class Traffic:
    """What one run did at Klaviyo, as Klaviyo saw it."""

    imports: list[Import] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)  # list and profile id
    requests: int = 0


@dataclass(frozen=True)
class Outcome:
    """What is left of a run."""

    error: str | None
    died: bool
    states: list[Any]
    report: dict[str, Any] | None  # None of a run that died
    traffic: Traffic
    said: str  # all that anybody may read of it


class Line(Direct):
    """The way to Klaviyo during one run."""

    def __init__(self, sandbox, trouble, die, stop):
        super().__init__(sandbox)
        self.traffic = Traffic()
        self.dead = False
        self._begun = False
        self._counted = 0
        self._trouble = trouble
        self._die = die
        self._stop = stop
        self.one = threading.RLock()  # one request at a time, so that a death is at one point of all of them

    def send(self, request, **options):
        with self.one:
            self._live()
            self.traffic.requests += 1
            self._begun = self._begun or request.path_url.partition("?")[0].endswith(self._trouble.since)
            counts = self._begun and self._trouble.method in {"", request.method}
            self._counted += counts
            mine = counts and self._counted == self._trouble.at
            self._before(mine)
            response = super().send(request, **options)
            self._note(request, response)
            self._after(mine)
            return response

    def _live(self):
        if self.dead:
            raise KlaviyoError("the process is dead")

    def _before(self, mine):
        kind = self._trouble.kind
        if mine and kind == "stop":
            self._stop()
        if mine and kind == "cut":
            raise requests.ConnectionError("reset")
        if mine and kind == "die" and self._trouble.where == "request":
            self._die()
            self._live()
        if (mine and kind == "refuse") or (kind == "down" and self._counted >= self._trouble.at):
            self.sandbox.interceptors.append(self._instead)

    def _instead(self, _request):
        self.sandbox.interceptors.remove(self._instead)
        return Response(self._trouble.status, {"retry-after": "1"} if self._trouble.status == 429 else {})

    def _after(self, mine):
        if mine and self._trouble.kind == "die" and self._trouble.where == "answer":
            self._die()
            self._live()
        if mine and self._trouble.kind == "lose":
            raise requests.ConnectionError("reset")

    def _note(self, request, response):
        path = request.path_url.partition("?")[0].rstrip("/")
        if request.method == "POST" and path == IMPORTS and response.status_code == 202:
            sent = json.loads(b"".join(request.body))["data"]
            (into,) = sent["relationships"]["lists"]["data"]
            made = json.loads(response.raw.data)["data"]["id"]
            response.raw = _again(response)
            profiles = sent["attributes"]["profiles"]["data"]
            rows = tuple(each["attributes"] for each in profiles)
            self.traffic.imports.append(Import(made, into["id"], rows))
        if request.method == "DELETE" and response.status_code == 204:
            list_id = path.split("/")[3]
            ids = [each["id"] for each in json.loads(b"".join(request.body))["data"]]
            self.traffic.removed += [(list_id, each) for each in ids]


class World:
    """One Klaviyo account, one work directory, one clock."""

    def __init__(self, lists):
        self.clock = FakeClock(1_790_000_000.0)
        self.sandbox = Sandbox(now=self.clock.now)
        for list_id in lists:
            self.sandbox.add_list(list_id, list_id)
        self.lists = tuple(lists)
        self._folder = Path(tempfile.mkdtemp())
        self._images = 0
        self.work_dir = self._folder / "work0"

    def close(self):
        shutil.rmtree(self._folder)

    def run(self, lines, trouble=Trouble(), allow_removals=None, refused=(), refused_at_submit=(), **settings):
        """Export `lines`, text or a file, to their end or to that of the run; Klaviyo refuses rows of some people."""
        attempt = _Attempt(self, trouble)
        self.sandbox.refuse_rows(lambda row: ("invalid", "no") if row["email"] in refused else None)
        self.sandbox.refuse_at_submit(lambda row: "no" if row["email"] in refused_at_submit else None)
        config = {
            "api_url": "http://127.0.0.1:9",
            "api_key": KEY,
            "accept_data_privacy": True,
            "work_dir": str(self.work_dir),
            **settings,
        }
        return attempt.run(config, lines, Once(allow_removals=allow_removals))

    def image(self):
        """The work directory as a kill -9 leaves it now: what is committed, and nothing else."""
        self._images += 1
        image = self._folder / f"work{self._images}"
        shutil.copytree(self.work_dir, image, ignore=shutil.ignore_patterns(f"{_LEDGER}*"))
        if (self.work_dir / _LEDGER).exists():
            ledger, copy = (sqlite3.connect(folder / _LEDGER) for folder in (self.work_dir, image))
            with closing(ledger), closing(copy):
                ledger.backup(copy)
        return image

    def members(self, list_id):
        return {member["email"] for member in self.sandbox.members(list_id)}

    def ask(self, method, path, data=None, query=""):
        """Something that somebody else asks of Klaviyo."""
        body = b"" if data is None else json.dumps({"data": data}).encode()
        answer = self.sandbox.handle(Request(method, path, query, HEADERS, body))
        assert answer.status < 300, answer.body
        return json.loads(answer.body)["data"] if answer.body else None

    @property
    def suppressing(self):
        """Whether a job that suppresses people, or lifts that, is still to end."""
        account = self.sandbox._account
        account.suppressions.advance(self.clock.now())
        return bool(account.suppressions._open)

    def brought_in(self, job_id):
        """Whom an import job put on its list; None while it has not ended."""
        self.sandbox._account.advance(self.clock.now())
        job = self.sandbox._account.jobs.get(job_id)
        if job is None or not job.ended:
            return None
        people = self.sandbox._account.people
        return {people[number].email for number in job.done}


class _Attempt:
    """One run, and the trouble that it meets."""

    def __init__(self, world, trouble):
        self._world = world
        self._trouble = trouble
        self._readings = 0
        self._left = None  # what a death left: work directory, STATE
        self._out = _Out(self._stated)
        self._target = None
        self.line = Line(world.sandbox, trouble, self._die, self._stop)

    def run(self, config, lines, once):
        world, error = self._world, None
        wires = Wires(clock=world.clock, transport=self.line, wall=self._wall)
        self._plan_jobs()
        with contextlib.redirect_stdout(self._out), _listening() as log:
            try:
                self._target = TargetKlaviyoSegments(config=config, wires=wires, once=once)
                self._target.export(io.StringIO(lines) if isinstance(lines, str) else lines)
            except TargetError as failure:
                error = str(failure)
        world.clock.woken = False
        self._forget_jobs()
        if self._left is not None:
            world.work_dir, states = self._left
            return Outcome(error, died=True, states=states, report=None, traffic=self.line.traffic, said=log.getvalue())
        report = json.loads((world.work_dir / "report.json").read_text())
        said = log.getvalue() + json.dumps(report) + (error or "") + self._out.getvalue()
        states, traffic = self._out.states, self.line.traffic
        return Outcome(error, died=False, states=states, report=report, traffic=traffic, said=said)

    def _plan_jobs(self):
        sandbox, trouble = self._world.sandbox, self._trouble
        if trouble.kind == "cancel":
            sandbox.plan_fates("complete", trouble.at - 1)
            sandbox.cancel_jobs(1)
        sandbox.job_seconds = 30.0 if trouble.slow else 0.0

    def _forget_jobs(self):
        self._world.sandbox._fates.clear()
        self._world.sandbox.job_seconds = 0.0

    def _wall(self):
        self._readings += 1
        if (self._trouble.kind, self._trouble.where, self._trouble.at) == ("die", "clock", self._readings):
            self._die()
        return self._world.clock.now()

    def _stated(self, count):
        if (self._trouble.kind, self._trouble.where, self._trouble.at) == ("die", "state", count):
            self._die()

    def _die(self):
        with self.line.one:  # nobody sends meanwhile what the image does not know of
            if self._left is None:
                states = list(self._out.states)  # first: what is told after the image was never told
                self._left = self._world.image(), states
                self.line.dead = True

    def _stop(self):
        self._target._handle_termination(signal.SIGTERM, None)


class _Out(io.StringIO):
    """A stdout that tells of each STATE."""

    def __init__(self, stated):
        super().__init__()
        self._stated = stated

    def flush(self):
        super().flush()
        if self.getvalue().endswith("\n"):
            self._stated(len(self.states))

    @property
    def states(self):
        return [json.loads(line) for line in self.getvalue().split("\n")[:-1]]


@contextlib.contextmanager
def _listening():
    """All that is logged meanwhile."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    try:
        yield heard
    finally:
        logging.getLogger().removeHandler(handler)


def _again(response):
    """A body that was read, to be read again."""
    read = response.raw
    return type(read)(io.BytesIO(read.data), headers=read.headers, status=read.status, preload_content=False)
