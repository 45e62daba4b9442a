"""Who must be on which list after a run, by what the run was told and by what Klaviyo says it was asked.

What nobody can know after a run that broke off is `perhaps`; the next whole run makes it sure again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.whole.plans import BAD, LIST_OF, LISTS, MARK_KEY, PEOPLE, PUT

SURELY, PERHAPS = True, False
# What a row writes, as far as it can be told from what Klaviyo got.
_WRITTEN = ("first_name", "tier", "seg", "optin", "id")


@dataclass
class Member:
    """What is known of one person on one list. `lanes` have them, surely or perhaps; `core` was delivered last."""

    on: bool | None = False
    lanes: dict[str, bool] = field(default_factory=dict)
    last: str | None = None
    core: tuple | None = None

    def others(self, lanes):
        """How sure it is that another lane has them: surely, perhaps, or None for not."""
        found = [sure for lane, sure in self.lanes.items() if lane not in lanes]
        return any(found) if found else None

    def gone(self):
        self.on, self.lanes, self.last, self.core = False, {}, None, None


class Told:
    """What the rows of a run come to, lane by lane: of the lines that the target really got."""

    def __init__(self, plan, rows):
        self.plan = plan
        self.rows = rows
        self.asides = [(at, row) for at, row in enumerate(rows) if row.stream == "r" and row.lane == "r"]

    def last(self, lane, person):
        """The last word of a lane about a person, and where; None when it is silent."""
        words = [(at, row) for at, row in enumerate(self.rows) if row.lane == lane and row.person == person]
        words = [(at, row) for at, row in words if row.op != BAD]
        return words[-1] if words else None

    def puts(self, lane, person):
        if self.plan.modes[lane] == "remove":
            return []
        return [row for row in self.rows if (row.lane, row.person, row.op) == (lane, person, PUT)]

    def writers(self, list_id, person, core):
        """The lanes that may have written this."""
        lanes = [lane for lane in self.plan.lanes if LIST_OF[lane] == list_id]
        return [lane for lane in lanes if any(core_of_row(row, self.plan) == core for row in self.puts(lane, person))]

    def leaves(self, lane, person):
        """Whether the lane lets a person leave, and by what: `mark`, `mark_key`, `aside`, or None."""
        word = self.last(lane, person)
        by_row = word is not None and (word[1].op != PUT or self.plan.modes[lane] == "remove")
        if by_row:
            return self._how(lane, person)
        if lane.startswith("r/") and self._aside_leaves(lane, person):
            return "aside"
        return None

    def leaves_list(self, list_id, person):
        """Whether any of its lanes lets a person leave."""
        return any(self.leaves(lane, person) for lane in self.plan.lanes if LIST_OF[lane] == list_id)

    def _how(self, lane, person):
        """By address when one of the rows since they came has it."""
        how = MARK_KEY
        for row in self.rows:
            if (row.lane, row.person) == (lane, person) and row.op != BAD:
                if row.op == PUT and self.plan.modes[lane] != "remove":
                    how = MARK_KEY
                elif row.op != MARK_KEY:
                    how = "mark"
        return how

    def _aside_leaves(self, lane, person):
        marks = [at for at, row in self.asides if row.person == person and row.op in {"mark", "mark_key"}]
        if not marks:
            return False
        puts = [at for at, row in enumerate(self.rows) if (row.lane, row.person, row.op) == (lane, person, PUT)]
        return not [at for at in puts if at > marks[-1]] or self.plan.modes[lane] == "remove"

    def seen(self, list_id):
        """Everybody whom a row brings to a list, also in vain."""
        return {
            row.person
            for row in self.rows
            if row.op == PUT and LIST_OF.get(row.lane) == list_id and self.plan.modes[row.lane] != "remove"
        }

    def gap(self, lane, messages, *, torn):
        """Whether the stream of a lane may not be complete."""
        stream = lane.partition("/")[0]
        mine = [at for at, line in enumerate(messages) if line["type"] == "RECORD" and line["stream"] == stream]
        if torn or not mine:
            return True
        after = messages[mine[-1] + 1 :]
        closed = any(line["type"] == "ACTIVATE_VERSION" and line["stream"] == stream for line in after)
        return not closed and not (self.plan.at_end and any(line["type"] == "STATE" for line in after))


class Truth:
    """All members of all lists."""

    def __init__(self):
        self.members = {(list_id, person): Member() for list_id in LISTS for person in PEOPLE}

    def land(self, list_id, row, lanes, sure):
        """A job has brought a row in, of one of these lanes."""
        member = self.members[list_id, row["email"]]
        member.on, member.core = True, core_of(row)
        sure = sure and len(lanes) == 1
        (member.last,) = lanes if sure else (None,)
        for lane in lanes:
            member.lanes[lane] = sure or member.lanes.get(lane, PERHAPS)

    def forget_jobs(self, people):
        """Klaviyo does not know any more whether jobs of theirs were done that no run has asked about yet."""
        for each in people:
            self.members[each].lanes = dict.fromkeys(self.members[each].lanes, PERHAPS)
            self.members[each].last = None

    def on(self, list_id):
        """Who must be there, and who may be."""
        here = {person: self.members[list_id, person].on for person in PEOPLE}
        return {person for person in here if here[person]}, {person for person in here if here[person] is None}

    def leave(self, lane, person, how, mode):
        """A row takes somebody off, in a run that came to its end."""
        member = self.members[LIST_OF[lane], person]
        if how in {MARK_KEY, "aside"} and lane not in member.lanes:
            return
        if how in {MARK_KEY, "aside"} and not member.lanes[lane]:
            self._perhaps(member, lane)
            return
        if mode == "remove":
            member.gone()
            return
        self._part(member, {lane})

    def leavers(self, list_id, lanes, seen, before, *, everybody):
        """Members that count for a mirror, and those who would leave; nothing when that is not sure.

        Of everybody on a list several may be so: who came with this run counts only if it was within the second of the
        last one before.
        """
        mine = {person: self.members[list_id, person] for person in PEOPLE}
        started = {person: before[list_id, person] for person in PEOPLE}
        if everybody:
            if any(member.on is None for member in mine.values()):
                return []
            was_empty = not any(on for on, _, _ in started.values())
            there = [] if was_empty else [person for person in PEOPLE if mine[person].on]
            before_us = [person for person in there if started[person][0] is not False]
            gone = {person: mine[person].others(lanes) for person in there if person not in seen}
            if PERHAPS in gone.values():
                return []
            alone = {person for person, others in gone.items() if others is None}
            return [(len(them), len(alone.intersection(them))) for them in (there, before_us)]
        known = [lanes for _, lanes, _ in started.values()] + [member.lanes for member in mine.values()]
        if any(PERHAPS in lanes.values() for lanes in known) or any(member.on is None for member in mine.values()):
            return []
        gone = [each for person, each in mine.items() if person not in seen and each.lanes.keys() & set(lanes)]
        members = len([person for person, (_, lanes, _) in started.items() if lanes])
        return [(members, len([each for each in gone if each.others(lanes) is None]))]

    def mirror(self, lanes, list_id, seen, *, everybody):
        """Lanes came whole, and a list is made equal to them."""
        for person in PEOPLE:
            member = self.members[list_id, person]
            if person in seen:
                continue
            if everybody or any(lane in member.lanes for lane in lanes):
                sure = everybody or any(member.lanes.get(lane) for lane in lanes)
                self._part(member, set(lanes), sure=sure)

    def _part(self, member, lanes, *, sure=True):
        """Lanes have them no more: they stay when another has them."""
        others = member.others(lanes)
        if others is None and sure:
            member.gone()
            return
        for lane in lanes:
            member.lanes.pop(lane, None)
        member.last = None
        if not others and member.on:
            member.on = None

    @staticmethod
    def _perhaps(member, lane):
        if lane in member.lanes:
            member.lanes[lane] = PERHAPS
        member.on = None if member.on else member.on


def core_of(attributes):
    """What a row writes, without nulls."""
    flat = {**attributes, **attributes.get("properties", {})}
    return tuple((name, flat[name]) for name in _WRITTEN if flat.get(name) is not None)


def core_of_row(row, plan):
    """The same, of a row that is to be sent."""
    return core_of({"first_name": row.record.get("first_name"), "properties": {} if plan.drop else row.record})
