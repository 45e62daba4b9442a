"""Errands against a dictionary, step by step: rows with and without, fates, doing, leaving, crashes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from target_klaviyo_segments.ledger import Ledger

EMAILS = [f"{name}@x.io" for name in "abcdef"]
LISTS = ["L1", "L2"]
STREAMS = ["s", "s/v", "t"]
KINDS = ["clear", "subscribe"]
some_emails = st.lists(st.sampled_from(EMAILS), min_size=1, unique=True)
bodies = st.sampled_from([None, b'{"n":1}', b'{"n":2}'])


class ErrandsMachine(RuleBasedStateMachine):
    """What is to be done for whom: by kind, stream, list and person, the body and where it stands."""

    def __init__(self):
        super().__init__()
        self.folders = []
        self.time = 1000.0
        self.errands = {}
        self.open = {}
        self.declined = set()
        self.pending = set()
        self.runs = 0

    @initialize()
    def start(self):
        self.folders.append(Path(tempfile.mkdtemp()))
        self.load()

    def load(self):
        path = self.folders[-1] / "ledger.sqlite3"
        self.ledger = Ledger.open(path, now=lambda: self.time, warn=lambda _: None)
        self.runs += 1
        for kind in KINDS:
            self.forget_declined(kind)
        self.pending = {key[1:3] for key, each in self.errands.items() if not each["rests"]}
        self.ledger.begin_run(f"r{self.runs}", connection="c", version="1")

    def forget_declined(self, kind):
        """Errands of whom another segment of the stream, or another list of it, has no errand."""
        for which, stream, list_id, email in [each for each in self.declined if each[0] == kind]:
            for key in list(self.errands):
                other = key[1][0] == stream[0] and key[1:3] != (stream, list_id)
                if key[0] == which and other and key[3] == email and not self.errands[key]["rests"]:
                    del self.errands[key]
            self.declined.discard((which, stream, list_id, email))

    def matters(self, stream, list_id):
        """A segment may have others beside it; a stream has them where an earlier run left some."""
        return stream == "s/v" or any(
            other[0] == stream and (other, on) != (stream, list_id) for other, on in self.pending
        )

    @rule(list_id=st.sampled_from(LISTS), stream=st.sampled_from(STREAMS), emails=some_emails, data=st.data())
    def intend(self, list_id, stream, emails, data):
        """Nobody is in two open batches of a list, as in a run."""
        emails = [
            email for email in emails if all((list_id, email) not in people for _, _, people in self.open.values())
        ]
        if not emails:
            return
        kinds = data.draw(st.lists(st.sampled_from(KINDS), unique=True))
        errands = {kind: [data.draw(bodies) for _ in emails] for kind in kinds}
        intent = self.ledger.intend(
            f"r{self.runs}",
            stream=stream,
            list_id=list_id,
            emails=emails,
            numbers=range(len(emails)),
            fingerprints=[1] * len(emails),
            keys=[None] * len(emails),
            errands=errands,
            source=stream[0],
        )
        self.open[intent] = (stream, set(range(len(emails))), {(list_id, email): n for n, email in enumerate(emails)})
        for kind, each in errands.items():
            for email, body in zip(emails, each, strict=True):
                key = (kind, stream, list_id, email)
                known = self.errands.get(key)
                if self.matters(stream, list_id):
                    (self.declined.add if body is None else self.declined.discard)(key)
                if body is None:
                    self.errands.pop(key, None)
                elif not (known and known["rests"] > self.time and known["body"] == body):
                    self.errands[key] = {"body": body, "intent": intent, "rests": 0}

    @rule(
        kind=st.sampled_from(KINDS), stream=st.sampled_from(STREAMS), list_id=st.sampled_from(LISTS), emails=some_emails
    )
    def decline(self, kind, stream, list_id, emails):
        self.ledger.errands.decline(kind, stream, list_id, emails, stream[0])
        if self.matters(stream, list_id):
            self.declined |= {(kind, stream, list_id, email) for email in emails}

    @rule(kind=st.sampled_from(KINDS))
    def take_back(self, kind):
        self.ledger.errands.take_back(kind)
        self.forget_declined(kind)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data):
        intent = data.draw(st.sampled_from(sorted(self.open)))
        _stream, left, people = self.open[intent]
        fates = {row: data.draw(st.sampled_from(["good", "bad", "open"])) for row in sorted(left)}
        good, bad = ([row for row in fates if fates[row] == word] for word in ("good", "bad"))
        self.ledger.settle(intent, delivered=good, undelivered=bad)
        left.difference_update(good, bad)
        for key, errand in list(self.errands.items()):
            row = people.get(key[2:]) if errand["intent"] == intent else None
            if row in bad:
                del self.errands[key]
            elif row in good:
                errand["intent"] = None
        if not left:
            del self.open[intent]

    @rule(kind=st.sampled_from(KINDS), seconds=st.sampled_from([50.0, float("inf")]), share=st.integers(1, 3))
    def finish(self, kind, seconds, share):
        part = self.ledger.errands.ready(kind)[::share]
        self.ledger.errands.finish(part, self.time + seconds)
        for each in part:
            self.errands[kind, each.stream, each.list_id, each.email]["rests"] = self.time + seconds

    @rule(kind=st.sampled_from(KINDS), stream=st.sampled_from(STREAMS))
    def drop(self, kind, stream):
        self.ledger.errands.drop(kind, stream)
        for key in [key for key in self.ready() if key[:2] == (kind, stream)]:
            del self.errands[key]

    @rule(list_id=st.sampled_from(LISTS), emails=some_emails)
    def remove(self, list_id, emails):
        self.ledger.remove(list_id, emails)
        for key in [key for key in self.errands if key[2] == list_id and key[3] in emails]:
            del self.errands[key]

    @rule(list_id=st.sampled_from(LISTS), stream=st.sampled_from(STREAMS), emails=some_emails)
    def leave_one_stream(self, list_id, stream, emails):
        self.ledger.hand_over(list_id, [stream], emails)
        for key in [key for key in self.errands if key[1:3] == (stream, list_id) and key[3] in emails]:
            del self.errands[key]

    @rule(seconds=st.sampled_from([0.0, 40.0, 60.0]))
    def wait(self, seconds):
        self.time += seconds

    @rule()
    def crash(self):
        """The files as a kill -9 leaves them; what is open stays open, and is settled later."""
        self.folders.append(Path(tempfile.mkdtemp()) / "image")
        shutil.copytree(self.folders[-2], self.folders[-1])
        self.ledger.close()
        self.load()

    def ready(self):
        """Delivered, and not done: what was done and rests is not asked for until it comes again."""
        return {key: each["body"] for key, each in self.errands.items() if each["intent"] is None and not each["rests"]}

    @invariant()
    def what_can_be_done_is_what_was_delivered(self):
        if not self.folders:
            return
        found = {}
        for kind in KINDS:
            last = None
            while part := self.ledger.errands.ready(kind, after=last, count=2):
                assert len({(each.stream, each.list_id) for each in part}) == 1
                found |= {(kind, each.stream, each.list_id, each.email): each.body for each in part}
                last = part[-1]
            assert sum(self.ledger.errands.count_ready(kind).values()) == sum(key[0] == kind for key in found)
        assert found == self.ready()

    def teardown(self):
        if self.folders:
            self.ledger.close()
        for folder in self.folders:
            shutil.rmtree(folder)


ErrandsMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestErrandsAgainstTheModel = ErrandsMachine.TestCase
