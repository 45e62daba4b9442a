"""The whole target against a model: any runs, whatever goes wrong with them, and people who come and go between them.

Each list in the sandbox is the model's after each run. `make test-runs` tries some thousand runs.
"""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from pipeline import KEY

from tests.faults.runs import FATES
from tests.whole.people import Consents, Fields
from tests.whole.plans import LIST_OF, LISTS, OBJECTIONS, PEOPLE, PUT, plans
from tests.whole.truth import PERHAPS, SURELY, Told, Truth, core_of, core_of_row
from tests.whole.world import World

SECONDS_OF_A_JOB = 60
RUNS_IN_A_ROW = 10
happens = st.sampled_from(["come", "go", "go", "unsubscribe", "suppress", "merge", "day", "week"])
events = st.tuples(happens, st.sampled_from(LISTS), st.sampled_from(PEOPLE))
between = st.one_of(st.just([]), st.just([]), st.lists(events, max_size=2))


class AnyRuns(RuleBasedStateMachine):
    """A world, and what is known of it."""

    def __init__(self):
        super().__init__()
        self.world = None

    @initialize()
    def begin(self):
        self.world = World(LISTS)
        self.truth = Truth()
        self.consents = Consents(self.world)
        self.fields = Fields(self.world)
        self.ids = {}
        self.merged = 0
        self.open = []  # imports of runs that broke off, until they have ended
        self.unsettled = set()  # people brought in since the last whole run: the next one asks Klaviyo about them

    def teardown(self):
        if self.world is not None:
            self.world.close()

    @rule(between=between, plan=plans(), patient=st.booleans())
    def step(self, between, plan, patient):
        """What others do, and a run; unless `patient`, the next thing happens while its jobs may still be open."""
        if self.world.suppressing:  # of a run that was killed: whose job ends last wins
            self.wait_for_jobs()
            self.consents.changed_by_others()
        for each in between:
            self.meanwhile(*each)
        if plan.trouble.kind == "late":  # it would give up jobs of the run before as well
            self.wait_for_jobs()
        _, torn = plan.input
        told = Told(plan, rows_of(plan, plan.messages))
        before = {key: (member.on, dict(member.lanes), member.core) for key, member in self.truth.members.items()}
        outcome = self.world.run(
            plan.tap, plan.trouble, plan.allow, plan.refused, plan.refused_at_submit, **plan.settings
        )
        if patient or not outcome.died:
            self.world.clock.sleep(SECONDS_OF_A_JOB)
        self.learn_ids()
        arrived = self.land_open()
        earlier = {person for _, person, _ in arrived}
        landed = self.land([(each, told, plan.trouble.kind == "late") for each in outcome.traffic.imports])
        self.assert_nothing_personal(outcome)
        self.assert_sums(outcome)
        delivered = [*landed, *(arrived if plan.skip else ())]  # who arrived late may be unchanged to this run
        self.assert_states(outcome, told, delivered, before)
        self.assert_removals(outcome, plan, told, torn=bool(torn))
        whole = self.is_whole(outcome)
        self.unsettled = set() if whole else self.unsettled
        self.consents.check(told, self.removed(outcome), whole=whole)
        self.fields.check(told, landed, earlier, whole=whole)
        if whole:
            assert not torn
            self.assert_counts(outcome, told, landed)
            self.assert_landed(told, delivered, before)
            self.expect(plan, told, outcome, before, {list_id for list_id, _, _ in arrived})
        else:
            self.doubt(plan, told, outcome)
        self.observe(outcome)

    def meanwhile(self, what, list_id, person):
        """Somebody joins or leaves a list at Klaviyo, or time passes."""
        self.wait_for_jobs()
        self.learn_ids()
        known = {email: each["id"] for email, each in self.world.sandbox.profiles.items()}
        if what == "day":
            self.world.clock.sleep(86_400)
        elif what == "week":
            self.world.clock.sleep(8 * 86_400)
            self.truth.forget_jobs(self.unsettled)
        elif person in known and what == "merge":
            self.merge(known[person], ["refused", "followed", "ignored"][LISTS.index(list_id)])
        elif person in known and what in {"unsubscribe", "suppress"}:
            self.say_no(person, what)
        elif person in known:
            link = [{"type": "profile", "id": known[person]}]
            method = "POST" if what == "come" else "DELETE"
            self.world.ask(method, f"/api/lists/{list_id}/relationships/profiles", link)
            self.truth.members[list_id, person].on = what == "come"

    def merge(self, profile_id, old_ids):
        """A profile that has a phone number alone turns out to be the same person, whose own becomes a part of it."""
        self.merged += 1
        attributes = {"phone_number": f"+1202555{self.merged:04}"}
        other = self.world.ask("POST", "/api/profile-import", {"type": "profile", "attributes": attributes})
        self.world.sandbox.merge(profile_id, other["id"], old_ids)
        self.learn_ids()

    def say_no(self, person, what):
        """By the link in a mail, which also takes people off lists; or an admin does it."""
        if what == "unsubscribe":
            self.world.sandbox.consent(person).unsubscribe(self.world.clock.now())
            for list_id in LISTS:
                if person in self.world.members(list_id):
                    self.meanwhile("go", list_id, person)
        else:
            self.world.sandbox.consent(person).suppressions["USER_SUPPRESSED"] = self.world.clock.now()
        self.consents.changed_by_others()

    # What happened meanwhile.

    def wait_for_jobs(self):
        self.world.clock.sleep(SECONDS_OF_A_JOB)
        self.land_open()

    def learn_ids(self):
        self.ids |= {each["id"]: email for email, each in self.world.sandbox.profiles.items()}

    def land_open(self):
        imports, self.open = self.open, []
        return self.land(imports)

    def land(self, imports):
        """Who was brought in: list, person and what was written. The ledger forgets who was taken off before that."""
        landed = []
        for each, told, late in imports:
            people = self.world.brought_in(each.job_id)
            if people is None:
                self.open.append((each, told, late))
            for row in each.rows if people is not None else ():
                person, core = row["email"], core_of(row)
                if person in people:
                    gone_before = late and told.leaves_list(each.list_id, person)
                    self.truth.land(each.list_id, row, told.writers(each.list_id, person, core), not gone_before)
                    landed.append((each.list_id, person, core))
                    self.unsettled.add((each.list_id, person))
        return landed

    # What must hold of every run.

    def assert_nothing_personal(self, outcome):
        assert KEY not in outcome.said
        assert not re.search(r"p\d@x\.io", outcome.said)
        assert "Traceback" not in outcome.said

    def assert_sums(self, outcome):
        if outcome.report is None:
            return
        report = outcome.report
        for counts in [report["totals"], *report["streams"].values()]:
            assert counts["read"] == sum(counts[fate] for fate in FATES), counts
        assert (outcome.error is None) == (report["status"] == "successful")
        assert not (outcome.error is None and report["totals"]["failed"])

    def assert_states(self, outcome, told, landed, before):
        """What a STATE covers has its fate: whoever sends only what came after it loses nobody."""
        if not outcome.states:
            return
        passed = told.rows[: outcome.states[-1]]
        early, late = Told(told.plan, passed), Told(told.plan, told.rows[outcome.states[-1] :])
        self.consents.check_passed(told, passed)
        for lane in told.plan.lanes:
            for person in PEOPLE:
                word = early.last(lane, person)
                if word is None or late.last(lane, person) is not None:
                    continue
                how = early.leaves(lane, person)
                if how is None:
                    delivered = self.is_delivered(told.plan, lane, word[1], landed, before)
                    assert delivered, (lane, person, "STATE passed a delivery")
                elif how == "mark" or (how == "aside" and word[1].op == "mark"):
                    self.assert_left(told, lane, person, outcome)

    def assert_left(self, told, lane, person, outcome):
        list_id = LIST_OF[lane]
        member = self.truth.members[list_id, person]
        removed = (list_id, person) in self.removed(outcome)
        others = [each for each in member.lanes if each != lane]
        back = any(told.puts(each, person) for each in told.plan.lanes if LIST_OF[each] == list_id)
        there = person in self.world.members(list_id)
        assert removed or others or back or not there, (lane, person, "STATE passed a leaver")

    def is_delivered(self, plan, lane, row, landed, before):
        """It was brought in, or refused, or is what Klaviyo had."""
        wanted = (LIST_OF[lane], row.person, core_of_row(row, plan))
        _, lanes, core = before[LIST_OF[lane], row.person]
        unchanged = plan.skip and core == wanted[2] and lane in lanes
        return wanted in landed or unchanged or row.person in plan.refused | plan.refused_at_submit

    def removed(self, outcome):
        return {(list_id, self.ids[each]) for list_id, each in outcome.traffic.removed}

    def assert_removals(self, outcome, plan, told, *, torn):
        """Nobody is taken off a list but by a row that says so, or by a mirror of a segment that came whole."""
        for list_id, person in self.removed(outcome):
            lanes = [lane for lane in plan.lanes if LIST_OF[lane] == list_id]
            leaving = {lane for lane in lanes if told.leaves(lane, person)}
            member = self.truth.members[list_id, person]
            if any(plan.modes[lane] == "remove" for lane in leaving):
                continue
            mirrored = [lane for lane in lanes if plan.modes[lane] == "mirror"]
            whole = not any(told.gap(lane, plan.messages, torn=torn) for lane in mirrored)
            by_mirror = set(mirrored) if mirrored and whole and person not in told.seen(list_id) else set()
            assert leaving or by_mirror, (list_id, person, "taken off for no reason")
            assert not member.others(leaving | by_mirror), (
                list_id,
                person,
                "taken off, and another segment has them",
            )
            if not leaving and plan.scope == "exported":
                assert any(lane in member.lanes for lane in by_mirror), (list_id, person, "taken off, and not ours")

    # What must hold of a run that came to its end.

    def is_whole(self, outcome):
        """Nothing was left undone but mirrors that were refused."""
        if outcome.report is None:
            return False
        rest = outcome.error or ""
        for refusal in refusals_of(outcome.report):
            rest = rest.replace(refusal, "")
        return not rest.strip("; ")

    def assert_counts(self, outcome, told, landed):
        totals = outcome.report["totals"]
        assert totals["read"] == len(told.rows)
        assert totals["failed"] == 0
        objections = outcome.report["streams"].get(OBJECTIONS, {"delivered": 0, "merged": 0})
        named = [row for row in told.rows if (row.stream, row.op) == (OBJECTIONS, PUT)]
        assert objections["delivered"] + objections["merged"] == len(named)
        if told.plan.trouble.kind != "lose":
            assert totals["delivered"] - objections["delivered"] == len(landed), (totals, landed)

    def assert_landed(self, told, landed, before):
        for lane in told.plan.lanes:
            for person in PEOPLE:
                puts = told.puts(lane, person)
                if puts:
                    assert self.is_delivered(told.plan, lane, puts[-1], landed, before), (lane, person, "not delivered")
                if puts and person not in told.plan.refused | told.plan.refused_at_submit:
                    self.truth.members[LIST_OF[lane], person].lanes[lane] = SURELY

    def expect(self, plan, told, outcome, before, late):
        """Rows that let people leave, and then mirrors; those are refused when something speaks against them.

        Of the lists that are `late` somebody came with a run that was killed: before this one, or only as it began.
        """
        for lane, mode in plan.lanes.items():
            for person in PEOPLE:
                how = told.leaves(lane, person)
                if how is not None:
                    self.truth.leave(lane, person, how, mode)
        for list_id in LISTS:
            lanes = [lane for lane in plan.lanes if plan.modes[lane] == "mirror" and LIST_OF[lane] == list_id]
            if not lanes:
                continue
            refusals = refusals_of(outcome.report, lanes)
            wanted = self.is_refused(plan, told, outcome, list_id, lanes, before, late)
            assert wanted is None or wanted == bool(refusals), (list_id, wanted, refusals)
            if not refusals:
                self.truth.mirror(lanes, list_id, told.seen(list_id), everybody=plan.scope == "all")

    def is_refused(self, plan, told, outcome, list_id, lanes, before, late):
        """Whether a mirror must be; None when it cannot be told how many would leave."""
        streams = outcome.report["streams"]
        arrived = sum(streams[lane]["delivered"] + streams[lane]["unchanged"] for lane in lanes)
        if not arrived or any(told.gap(lane, plan.messages, torn=False) for lane in lanes):
            return True
        if list_id in late:
            return None
        counts = self.truth.leavers(list_id, lanes, told.seen(list_id), before, everybody=plan.scope == "all")
        verdicts = {
            leavers * 100 > plan.percent * members and (plan.allow is None or leavers > plan.allow)
            for members, leavers in counts
        }
        return verdicts.pop() if len(verdicts) == 1 else None

    # What nobody knows after a run that did not.

    def doubt(self, plan, told, outcome):
        for list_id, person in self.removed(outcome):
            member = self.truth.members[list_id, person]
            member.on, member.core, member.last = None, None, None
            member.lanes = dict.fromkeys(member.lanes, PERHAPS)
        for lane, mode in plan.lanes.items():
            for person in PEOPLE:
                member = self.truth.members[LIST_OF[lane], person]
                left = told.leaves(lane, person) or (mode == "mirror" and person not in told.seen(LIST_OF[lane]))
                if left and lane in member.lanes:
                    member.lanes[lane] = PERHAPS
                if not outcome.died and told.puts(lane, person):  # of an unanswered request, or of a job that was lost
                    member.lanes.setdefault(lane, PERHAPS)

    def observe(self, outcome):
        """The lists are as they must be, and what was not known is known now."""
        for list_id in LISTS:
            there = self.world.members(list_id)
            surely, perhaps = self.truth.on(list_id)
            assert surely <= there <= surely | perhaps, (list_id, surely, perhaps, there, outcome.error)
            for person in PEOPLE:
                member = self.truth.members[list_id, person]
                member.on = person in there


def rows_of(plan, messages):
    """The plan's rows, as far as they came."""
    return plan.rows[: sum(line["type"] == "RECORD" for line in messages)]


def refusals_of(report, lanes=None):
    """Why mirrors were refused."""
    mirrors = {name: stream["mirror"] for name, stream in report["streams"].items() if stream.get("mirror")}
    return [each["refused"] for name, each in mirrors.items() if each["refused"] and (lanes is None or name in lanes)]


AnyRuns.TestCase.settings = settings(
    max_examples=int(os.environ.get("RUNS", "80")) // RUNS_IN_A_ROW,
    derandomize="RUNS" not in os.environ,  # a change is tried with the same runs as the one before
    stateful_step_count=RUNS_IN_A_ROW,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # threads do not fail the same way twice: no shrinking
    suppress_health_check=list(HealthCheck),
)
TestAnyRuns = pytest.mark.thorough(AnyRuns.TestCase)
