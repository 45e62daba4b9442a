"""What must be so of the people themselves after a run: their consent, their fields, their tags."""

from __future__ import annotations

from tests.whole.plans import LIST_OF, OBJECTIONS, PEOPLE, PUT
from tests.whole.truth import PERHAPS, SURELY, core_of_row

SUBSCRIBED = "SUBSCRIBED"
BY_HAND = "USER_SUPPRESSED"  # the reason of an admin, and of such jobs


class Consents:
    """Nobody's consent changes unless a row has it and the settings ask; whoever said no is left alone.

    Nobody is suppressed, or no longer so, but whom a stream for that names.
    """

    def __init__(self, world):
        self._world = world
        self._waiting = set()  # people whose consent a run that broke off may have left to the next
        self._looked_at_later = set()  # people who were suppressed once: whoever is left alone is, for a week
        self._shown = self._look()

    def changed_by_others(self):
        self._shown = self._look()

    def check(self, told, removed, *, whole):
        before, self._shown = self._shown, self._look()
        asked = self._waiting | {row.person for row in self._wishes(told)}
        for person in PEOPLE:
            objected = after_objection(told, person, before[person])
            may = {objected} if whole else {before[person], objected}
            if told.plan.consent and person in asked:
                may |= {(SUBSCRIBED, (), ()) for consent, suppressed, _ in may if (consent, suppressed) == (None, ())}
            assert self._shown[person] in may, (person, before[person], self._shown[person], "consent changed")
        if whole and told.plan.consent:
            self._check_wishes(told, before, removed)
        self._waiting = set() if whole else asked
        self._looked_at_later |= {person for person in PEOPLE if before[person][1] or self._shown[person][1]}

    def check_passed(self, told, passed):
        """What a STATE covers is done: it has passed the last rows that name these people."""
        for person in PEOPLE:
            names = [row for row in passed if (row.stream, row.op, row.person) == (OBJECTIONS, PUT, person)]
            if names and names == told.puts(OBJECTIONS, person):
                now = self._look()[person]
                assert now == after_objection(told, person, now), (person, "STATE passed an objection")

    def _check_wishes(self, told, before, removed):
        """Whose last row has their consent is subscribed, unless they said no, or another stream took them off.

        The last of their stream: another segment's row may take it back.
        """
        for row in self._wishes(told):
            word = told.last(row.lane, row.person)
            last = word is not None and word[1] is row and told.leaves(row.lane, row.person) is None
            last = (
                last
                and [each for each in told.rows if (each.stream, each.person) == (row.stream, row.person)][-1] is row
            )
            last = last and (LIST_OF[row.lane], row.person) not in removed
            consent, suppressed, _ = after_objection(told, row.person, before[row.person])
            if last and consent != "UNSUBSCRIBED" and not suppressed and row.person not in self._looked_at_later:
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


def after_objection(told, person, shown):
    """What is shown of a person once the stream of objections is through."""
    consent, suppressed, of_lists = shown
    if not told.puts(OBJECTIONS, person):
        return shown
    others = tuple(why for why in suppressed if why != BY_HAND)
    if told.plan.modes[OBJECTIONS] == "unsuppress":
        return consent, others, of_lists
    return consent, suppressed if BY_HAND in suppressed else (*others, BY_HAND), of_lists


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
        # A run that clears nothing leaves what is due to the next that does.
        self._due = set() if whole and plan.clear else self._due | nulls["first_name"]

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
