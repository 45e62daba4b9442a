"""The ledger against a dictionary, step by step: batches, fates, questions, reopening, crashes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from target_klaviyo_segments.ledger import Bounds, Ledger

EMAILS = [f"{name}@x.io" for name in "abcdefghij"]
LISTS = ["L1", "L2"]
STREAMS = ["s", "t", "u"]
some_emails = st.lists(st.sampled_from(EMAILS), min_size=1, unique=True)
prints = st.integers(-2, 2)


class LedgerMachine(RuleBasedStateMachine):
    """Small worlds: ten people, two lists, a handful of fingerprints."""

    def __init__(self):
        super().__init__()
        self.folders = []
        self.time = 1000
        self.members = {}  # (list, e-mail) to what is known
        self.open = {}  # intent to what was meant and settled
        self.runs = 0
        self.order = 0
        self.lists = set()
        self.indexed = False  # whether e-mails were asked for, with two lists
        self.warnings = []

    @initialize()
    def start(self):
        self.folders.append(Path(tempfile.mkdtemp()))
        self.load()
        self.begin()

    def load(self):
        path = self.folders[-1] / "ledger.sqlite3"
        bounds = Bounds(waiting=8, waiting_watched=5, waiting_idle=3)
        self.ledger = Ledger.open(path, now=lambda: self.time, warn=self.warnings.append, bounds=bounds)

    def begin(self):
        self.runs += 1
        self.ledger.begin_run(f"r{self.runs}", connection="c", version="1")

    @rule(seconds=st.integers(0, 100))
    def wait(self, seconds):
        self.time += seconds

    @rule(list_id=st.sampled_from(LISTS), stream=st.sampled_from(STREAMS), emails=some_emails, data=st.data())
    def intend(self, list_id, stream, emails, data):
        marks = [data.draw(prints) for _ in emails]
        keys = [data.draw(st.sampled_from([None, f'["{email}"]'])) for email in emails]
        intent = self.ledger.intend(
            f"r{self.runs}",
            stream=stream,
            list_id=list_id,
            emails=emails,
            numbers=range(len(emails)),
            fingerprints=marks,
            keys=keys,
        )
        assert intent not in self.open
        self.lists.add(list_id)
        rows = list(zip(emails, marks, keys, strict=True))
        self.open[intent] = {"list": list_id, "stream": stream, "rows": rows, "settled": set(), "jobs": []}

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def submit(self, data):
        intent = data.draw(st.sampled_from(sorted(self.open)))
        batch = self.open[intent]
        rows = data.draw(st.lists(st.integers(0, len(batch["rows"]) - 1), unique=True, min_size=1))
        self.ledger.submitted(intent, f"j{len(batch['jobs'])}", rows)
        batch["jobs"].append(sorted(rows))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data):
        intent = data.draw(st.sampled_from(sorted(self.open)))
        batch = self.open[intent]
        left = [row for row in range(len(batch["rows"])) if row not in batch["settled"]]
        fates = {row: data.draw(st.sampled_from(["good", "bad", "doubt", "open"])) for row in left}
        good = [row for row in left if fates[row] == "good"]
        bad = [row for row in left if fates[row] == "bad"]
        doubt = [row for row in left if fates[row] == "doubt"]
        self.ledger.settle(intent, delivered=good, undelivered=bad, in_doubt=doubt)
        batch["settled"].update(good, bad, doubt)
        self.order += 1
        for row in good + doubt:
            email, mark, key = batch["rows"][row]
            known = self.members.setdefault((batch["list"], email), {"id": None, "also": {}})
            key = key or (self.held(known).get(batch["stream"]) if "stream" in known else None)
            if known.get("stream", batch["stream"]) != batch["stream"]:
                known["also"][known["stream"]] = known["key"]
                known["also"].pop(batch["stream"], None)
            known.update(
                mark=mark if row in good else None, key=key, stream=batch["stream"], at=self.time, order=self.order
            )
        for row in bad:
            if (batch["list"], batch["rows"][row][0]) in self.members:
                self.members[batch["list"], batch["rows"][row][0]]["mark"] = None
        if len(batch["settled"]) == len(batch["rows"]):
            del self.open[intent]

    @staticmethod
    def held(who):
        """By which streams, with which keys."""
        return {**who["also"], who["stream"]: who["key"]} if who else {}

    @rule(list_id=st.sampled_from(LISTS), stream=st.sampled_from(STREAMS), emails=some_emails, data=st.data())
    def ask_unchanged(self, list_id, stream, emails, data):
        marks = [data.draw(prints) for _ in emails]
        keys = data.draw(st.sampled_from([None, [f'["{email}"]' for email in emails], [None] * len(emails)]))
        since = self.time - data.draw(st.integers(0, 200))
        known = [self.members.get((list_id, email)) for email in emails]
        expected = [
            n
            for n, who in enumerate(known)
            if who and who["mark"] == marks[n] and who["at"] >= since and stream in self.held(who)
            if not any(
                other["order"] > who["order"] and other["mark"] != who["mark"]
                for (_, email), other in self.members.items()
                if email == emails[n]
            )
            if keys is None or keys[n] == self.held(who)[stream]
        ]
        self.indexed = self.indexed or len(self.lists) > 1
        assert self.ledger.unchanged(list_id, emails, marks, keys, stream=stream, delivered_since=since) == expected

    @rule(list_id=st.sampled_from(LISTS), streams=st.sets(st.sampled_from(STREAMS), min_size=1), emails=some_emails)
    def hand_over(self, list_id, streams, emails):
        stay = []
        for email in emails:
            who = self.members.get((list_id, email))
            if self.held(who).keys() - streams:
                stay.append(email)
                who["also"] = {each: key for each, key in who["also"].items() if each not in streams}
                if who["stream"] in streams:
                    who["stream"] = next(iter(who["also"]))
                    who["key"] = who["also"].pop(who["stream"])
        assert self.ledger.hand_over(list_id, sorted(streams), emails) == stay

    @rule(list_id=st.sampled_from(LISTS), streams=st.sets(st.sampled_from(STREAMS), min_size=1))
    def streams_came_whole(self, list_id, streams):
        on_it = {email: who for (on, email), who in sorted(self.members.items()) if on == list_id}
        leavers = [email for email, who in on_it.items() if who["stream"] in streams]
        assert list(self.ledger.leavers(list_id, sorted(streams))) == leavers
        alone = [email for email in leavers if not self.held(on_it[email]).keys() - streams]
        assert self.ledger.count_leavers(list_id, sorted(streams)) == len(alone)
        self.ledger.disown(list_id, sorted(streams))
        for who in on_it.values():
            if who["stream"] not in streams:
                who["also"] = {each: key for each, key in who["also"].items() if each not in streams}

    @rule(list_id=st.sampled_from(LISTS), stream=st.sampled_from([None, *STREAMS]))
    def read_members(self, list_id, stream):
        expected = [
            email
            for (on, email), who in sorted(self.members.items())
            if on == list_id and stream in {None, who["stream"]}
        ]
        assert list(self.ledger.members(list_id, stream)) == expected
        assert self.ledger.count_members(list_id, stream) == len(expected)

    @rule(list_id=st.sampled_from(LISTS), stream=st.sampled_from(STREAMS))
    def find_by_key(self, list_id, stream):
        keys = [f'["{email}"]' for email in EMAILS]
        expected = {
            self.held(who)[stream]: [email]
            for (on, email), who in self.members.items()
            if on == list_id and self.held(who).get(stream) is not None
        }
        assert self.ledger.emails_of_keys(list_id, stream, keys) == expected

    @rule(list_id=st.sampled_from(LISTS), emails=some_emails)
    def learn(self, list_id, emails):
        self.ledger.learn_ids(list_id, {email: f"{email}-{self.time}" for email in emails})
        for email in emails:
            if (list_id, email) in self.members:
                self.members[list_id, email]["id"] = f"{email}-{self.time}"
        expected = {email: who["id"] for (on, email), who in self.members.items() if on == list_id and who["id"]}
        assert self.ledger.ids_of(list_id, EMAILS) == expected

    @rule(list_id=st.sampled_from(LISTS), emails=some_emails)
    def remove(self, list_id, emails):
        self.ledger.remove(list_id, emails)
        for email in emails:
            self.members.pop((list_id, email), None)
            for other in LISTS:
                if self.indexed and (other, email) in self.members:
                    self.members[other, email]["mark"] = None

    @rule()
    def catch_up(self):
        self.ledger.catch_up()

    @rule()
    def reopen(self):
        self.ledger.end_run(f"r{self.runs}", "succeeded", {})
        self.ledger.close()
        self.load()
        self.begin()

    @rule()
    def crash(self):
        """The files as a kill -9 leaves them."""
        self.folders.append(Path(tempfile.mkdtemp()) / "image")
        shutil.copytree(self.folders[-2], self.folders[-1])
        self.ledger.close()
        self.load()
        assert [run.run_id for run in self.ledger.crashed_runs()] == [f"r{self.runs}"]
        self.ledger.end_run(f"r{self.runs}", "crashed", {})
        self.begin()

    @invariant()
    def unfinished_is_what_is_open(self):
        if not self.folders:
            return
        found = {batch.intent: batch for batch in self.ledger.unfinished()}
        assert list(found) == sorted(self.open)
        for intent, batch in self.open.items():
            rows = zip(found[intent].emails, found[intent].fingerprints, found[intent].keys, strict=True)
            assert list(rows) == batch["rows"]
            assert (found[intent].list_id, found[intent].stream) == (batch["list"], batch["stream"])
            assert set(found[intent].settled) == batch["settled"]
            assert [list(job.rows) for job in found[intent].jobs] == batch["jobs"]
            sent = {row for job in batch["jobs"] for row in job}
            assert set(found[intent].jobless) == set(range(len(batch["rows"]))) - sent - batch["settled"]

    def teardown(self):
        if self.folders:
            self.ledger.close()
        for folder in self.folders:
            shutil.rmtree(folder)
        assert self.warnings == []


LedgerMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLedgerAgainstTheModel = LedgerMachine.TestCase
