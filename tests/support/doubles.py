"""Working models that tests share: a clock that they own, and a Klaviyo of a hundred lines."""

from __future__ import annotations

import heapq
import json
import threading
from dataclasses import dataclass, field

from target_klaviyo_segments.errors import BodyRefused, KlaviyoError, Rejection, RowsRefused
from target_klaviyo_segments.klaviyo.protocol import JobStatus, RowError


class FakeClock:
    """Time that passes when somebody sleeps."""

    def __init__(self, start=1000.0):
        self._now = start
        self._lock = threading.Lock()
        self.woken = False

    def now(self):
        return self._now

    def sleep(self, seconds):
        with self._lock:
            if not self.woken and seconds > 0:
                self._now += seconds

    def wake(self):
        self.woken = True


class SharedClock:
    """Time that passes when every thread waits: as long as one works, nobody's wait is over.

    A thread works from the end of a wait, or from when it asks for the time, until it waits again. One that waits for
    something else is found out by a moment of real time in which nothing happens.
    """

    def __init__(self, start=1000.0, quiet=0.02, grace=0.002):
        self._now = start
        self._quiet = quiet
        self._grace = grace  # for threads that were told to go on and have not yet
        self._changed = threading.Condition()
        self._ends = []  # of all waits, the first in front
        self._working = set()
        self._stirred = 0
        self.woken = False

    def now(self):
        self._working.add(threading.get_ident())  # whoever asks is about to do something
        self._stirred += 1
        return self._now

    def sleep(self, seconds):
        if seconds <= 0:
            return
        with self._changed:
            mine = [self._now + seconds, threading.get_ident()]
            heapq.heappush(self._ends, mine)
            self._working.discard(mine[1])
            self._stir()
            while self._now < mine[0] and not self.woken:
                self._wait(mine)
            self._ends.remove(mine)
            heapq.heapify(self._ends)
            self._working.add(mine[1])
            self._stir()

    def wake(self):
        with self._changed:
            self.woken = True
            self._changed.notify_all()

    def _wait(self, mine):
        if self._ends[0] is not mine:
            self._changed.wait()
        else:
            before = self._stirred
            idle = not self._working
            if not self._changed.wait(self._grace if idle else self._quiet) and self._stirred == before:
                self._working.clear()
                if idle:
                    self._now = mine[0]

    def _stir(self):
        self._stirred += 1
        self._changed.notify_all()


@dataclass
class ModelJob:
    list_id: str
    people: list
    sweeps_left: int
    status: str = "processing"


@dataclass
class ModelKlaviyo:
    """Does what the export asks of Klaviyo, on dictionaries. Sets of e-mails say who makes trouble."""

    refused_by_name: set = field(default_factory=set)  # a 400 that names the row
    refused_without_name: set = field(default_factory=set)  # a 400 that does not
    bad_when_imported: set = field(default_factory=set)  # the job ends with an error that has the e-mail
    untied_errors: set = field(default_factory=set)  # the same without the e-mail
    unexplained: set = field(default_factory=set)  # the job counts it, and there is no error
    tells_errors_times: int = 1
    counts_too_many: int = 0
    ends_as: str = "complete"
    name_one_at_a_time: bool = False
    largest_body: int = 10_000_000
    cancelled_jobs: set = field(default_factory=set)  # numbers of jobs, from 1
    stuck_jobs: set = field(default_factory=set)
    unreachable_from: int | None = None  # number of the request from which nothing is answered
    sweeps_until_ended: int = 1
    lists: dict = field(default_factory=dict)
    jobs: dict = field(default_factory=dict)
    profiles: dict = field(default_factory=dict)  # of the account, as the last job wrote them
    doubled: list = field(default_factory=list)  # people who were in two open jobs
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def submit_import(self, list_id, payloads):
        with self.lock:
            self.requests += 1
            if self.unreachable_from is not None and self.requests >= self.unreachable_from:
                raise KlaviyoError("Klaviyo cannot be reached")
            if sum(map(len, payloads)) > self.largest_body:
                raise BodyRefused("too large", Rejection("body_too_large", "Klaviyo: too large"))
            people = [json.loads(payload)["attributes"] for payload in payloads]
            emails = [person["email"] for person in people]
            named = [n for n, email in enumerate(emails) if email in self.refused_by_name]
            if named:
                named = named[:1] if self.name_one_at_a_time else named
                raise RowsRefused("refused", {n: Rejection("klaviyo_refused", "Klaviyo: no") for n in named})
            if self.refused_without_name & set(emails):
                raise BodyRefused("refused", Rejection("klaviyo_refused", "Klaviyo: something is wrong"))
            open_people = {p["email"] for job in self.jobs.values() if job.status == "processing" for p in job.people}
            self.doubled += open_people & set(emails)
            job_id = f"job-{len(self.jobs) + 1}"
            self.jobs[job_id] = ModelJob(list_id, people, self.sweeps_until_ended)
            return job_id

    def import_jobs(self):
        with self.lock:
            for number, job in enumerate(self.jobs.values(), start=1):
                job.sweeps_left -= 1
                if job.status == "processing" and job.sweeps_left <= 0 and number not in self.stuck_jobs:
                    self._end(job, cancelled=number in self.cancelled_jobs)
            statuses = [self._status(job_id) for job_id in reversed(self.jobs)]
        for start in range(0, len(statuses), 100):
            yield statuses[start : start + 100]

    def import_job(self, job_id):
        with self.lock:
            return self._status(job_id)

    def import_errors(self, job_id):
        with self.lock:
            people = [person["email"] for person in self.jobs[job_id].people]
        for email in people:
            if email in self.unimportable() - self.unexplained:
                shown = email if email in self.bad_when_imported else None
                for _ in range(self.tells_errors_times):
                    yield RowError("invalid", "Invalid", "not this one", "/data", None, shown, None, None)

    def unimportable(self):
        return self.bad_when_imported | self.untied_errors | self.unexplained

    def job_emails(self, job_id):
        with self.lock:
            job = self.jobs[job_id]
            people = [p["email"] for p in job.people if p["email"] in self.lists.get(job.list_id, {})]
        yield from people

    def members(self, list_id):
        return self.lists.get(list_id, {})

    def _end(self, job, *, cancelled):
        job.status = "cancelled" if cancelled else self.ends_as
        if not cancelled:
            members = self.lists.setdefault(job.list_id, {})
            arrived = {p["email"]: p for p in job.people if p["email"] not in self.unimportable()}
            members.update(arrived)
            self.profiles.update(arrived)

    def _status(self, job_id):
        job = self.jobs[job_id]
        failed = sum(p["email"] in self.unimportable() for p in job.people) + self.counts_too_many
        ended = job.status != "processing"
        return JobStatus(
            id=job_id,
            status=job.status,
            ended=ended,
            total=len(job.people),
            completed=len(job.people) - failed if ended else 0,
            failed=failed if ended else 0,
            created_at=None,
        )
