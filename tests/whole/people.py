"""What must be so of the people themselves after a run: their consent, their fields, their tags."""

from __future__ import annotations

from tests.whole.plans import LIST_OF, PEOPLE
from tests.whole.truth import PERHAPS, SURELY, core_of_row

SUBSCRIBED = "SUBSCRIBED"


class Consents:
    """Nobody's consent changes unless a row has it and the settings ask; whoever said no is left alone."""

    def __init__(self, world):
        self._world = world
        self._waiting = set()  # people whose consent a run that broke off may have left to the next
        self._shown = self._look()

    def changed_by_others(self):
        self._shown = self._look()

    def check(self, told, removed, *, whole):
        before, self._shown = self._shown, self._look()
        asked = self._waiting | {row.person for row in self._wishes(told)}
        for person in PEOPLE:
            was, suppressed, _ = before[person]
            if self._shown[person] != before[person]:
                assert told.plan.consent, (person, "consent changed without being asked for")
                assert person in asked, (person, "subscribed without a wish")
                assert (was, suppressed) == (None, ()), (person, "said no and was subscribed")
                assert self._shown[person] == (SUBSCRIBED, (), ()), (person, "not what was asked for")
        if whole and told.plan.consent:
            self._check_wishes(told, before, removed)
        self._waiting = set() if whole else asked

    def _check_wishes(self, told, before, removed):
        """Whose last row has their consent is subscribed, unless they said no, or another stream took them off."""
        for row in self._wishes(told):
            word = told.last(row.lane, row.person)
            last = word is not None and word[1] is row and told.leaves(row.lane, row.person) is None
            last = last and (LIST_OF[row.lane], row.person) not in removed
            if last and before[row.person][0] != "UNSUBSCRIBED" and not before[row.person][1]:
                assert self._shown[row.person][0] == SUBSCRIBED, (row.lane, row.person, "not subscribed")

    @staticmethod
    def _wishes(told):
        if not told.plan.consent:
            return []
        refused = told.plan.refused | told.plan.refused_at_submit
        rows = [row for lane in told.plan.lanes for person in PEOPLE for row in told.puts(lane, person)]
        return [row for row in rows if dict(row.what).get("optin") and row.person not in refused]

    def _look(self):
        found = {person: self._world.sandbox.consent(person) for person in PEOPLE}
        return {
            person: (each.channels.get("email"), tuple(each.suppressions), tuple(each.list_suppressions))
            for person, each in found.items()
        }


class Fields:
    """A value arrives; what is null is cleared where the settings say so and we gave it; nothing else goes."""

    def __init__(self, world):
        self._world = world
        self._given = {}  # lane and person: whether the ledger knows that we gave them a name
        self._due = set()  # people whose name a run that broke off may have left to be cleared
        self._shown = self._look()

    def check(self, told, landed, earlier, *, whole):
        """`earlier` are people whom jobs of earlier runs brought in meanwhile."""
        plan, before = told.plan, self._shown
        self._shown = self._look()
        puts = [row for lane in plan.lanes for person in PEOPLE for row in told.puts(lane, person)]
        nulls = {name: {r.person for r in puts if plan.clear and dict(r.what).get(name, 0) is None} for name in _NAMES}
        for person in PEOPLE:
            for name in _NAMES:
                gone = before[person][name] is not None and self._shown[person][name] is None
                waits = name == "first_name" and person in self._due
                assert not gone or person in nulls[name] or waits, (person, name, "cleared for no reason")
            mine = [row for row in puts if row.person == person]
            if whole and mine:
                self._check_tags(mine, plan)
            alone = whole and person not in earlier and len(mine) == 1
            if alone and (LIST_OF[mine[0].lane], person, core_of_row(mine[0], plan)) in landed:
                self._check_one(mine[0], plan, before[person], self._shown[person])
        self._note(told, puts, landed, whole=whole)
        self._due = set() if whole else self._due | nulls["first_name"]

    def _check_tags(self, rows, plan):
        for row in rows:
            tag = dict(row.what).get("tag")
            if tag is not None and row.person not in plan.refused | plan.refused_at_submit:
                assert tag in self._shown[row.person]["tags"], (row, "its tag is not there")

    def _check_one(self, row, plan, before, after):
        """The only row that a person had in this run, and it was delivered."""
        what = dict(row.what)
        for name in _NAMES:
            if name == "tier" and plan.drop:
                continue
            if what.get(name) is not None:
                assert after[name] == what[name], (row, name, "not what the row says")
            elif name not in what or not plan.clear:
                kept = after[name] == before[name]
                assert kept or row.person in self._due, (row, name, "changed by a row without it")
            elif name == "tier" or self._is_ours_alone(row):
                assert after[name] is None, (row, name, "not cleared")

    def _is_ours_alone(self, row):
        own = self._given.get((row.lane, row.person))
        return own is SURELY and not any(lane != row.lane for lane, person in self._given if person == row.person)

    def _note(self, told, puts, landed, *, whole):
        plan = told.plan
        for lane in plan.lanes:
            for person in PEOPLE:
                if not plan.clear:
                    self._given.pop((lane, person), None)
                    continue
                mine = [row for row in puts if (row.lane, row.person) == (lane, person)]
                names = [dict(row.what).get("first_name", 0) for row in mine]
                if any(names):
                    sure = whole and len(mine) == 1 and (LIST_OF[lane], person, core_of_row(mine[0], plan)) in landed
                    self._given[lane, person] = SURELY if sure else PERHAPS
                elif None in names and (lane, person) in self._given:
                    self._given[lane, person] = PERHAPS

    def _look(self):
        profiles = self._world.sandbox.profiles
        found = {person: profiles.get(person, {"properties": {}}) for person in PEOPLE}
        return {
            person: {
                "first_name": each.get("first_name"),
                "tier": each["properties"].get("tier"),
                "tags": each["properties"].get("tags", []),
            }
            for person, each in found.items()
        }


_NAMES = ("first_name", "tier")
