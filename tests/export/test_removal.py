"""People off a list by e-mail: with ids of the ledger, else of Klaviyo; through a real client into a sandbox."""

from __future__ import annotations

import pytest
from shop import LIST, Shop, nameless

from target_klaviyo_segments.errors import KlaviyoError
from target_klaviyo_segments.export.removal import Removal, Removed
from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.sandbox.app import Response

REMOVALS = f"/lists/{LIST}/relationships/profiles"
LOOK_UPS = "/api/profiles"


class Desk(Shop):
    """A shop, and a ledger that has delivered to it."""

    def __init__(self, folder):
        super().__init__(limits=False)
        self.ledger = Ledger.open(folder / "ledger.sqlite3", now=self.clock.now, warn=lambda _: None)
        self.ledger.begin_run("run-1", connection="shop", version="1")
        self.removal = Removal(self.client, self.ledger)

    def deliver(self, *emails, with_ids=False):
        """People on the list, and in the ledger."""
        self.join(*emails)
        rows = range(len(emails))
        intent = self.ledger.intend(
            "run-1",
            stream="people",
            list_id=LIST,
            emails=emails,
            numbers=rows,
            fingerprints=[7] * len(emails),
            keys=[None] * len(emails),
        )
        self.ledger.submitted(intent, f"job-{intent}", rows)
        self.ledger.settle(intent, delivered=rows)
        if with_ids:
            self.ledger.learn_ids(LIST, self.ids)

    def remove(self, emails):
        return list(self.removal.remove(LIST, emails))

    @property
    def remembered(self):
        return list(self.ledger.members(LIST))


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.ledger.close()


def people(count, start=0):
    return [f"p{number:05}@x.io" for number in range(start, start + count)]


def test_250_leavers_are_found_and_leave(desk):
    """Without ids: three questions and one removal, though a page holds 100."""
    desk.deliver(*people(300))
    (done,) = desk.remove(people(250))
    assert done == Removed(removed=tuple(people(250)))
    assert desk.emails == desk.remembered == people(50, start=250)
    assert (desk.asked("GET", LOOK_UPS), desk.asked("DELETE", REMOVALS)) == (3, 1)


def test_10000_leavers_with_known_ids_are_ten_requests(desk):
    """Seconds, and nobody is looked up."""
    desk.deliver(*people(10_000), "stays@x.io", with_ids=True)
    before = len(desk.box.requests)
    done = desk.remove(people(10_000))
    assert sum(len(each.removed) for each in done) == 10_000
    assert desk.emails == desk.remembered == ["stays@x.io"]
    assert len(desk.box.requests) - before == desk.asked("DELETE", REMOVALS) == 10


def test_who_is_not_in_klaviyo_is_told_apart(desk):
    """They are on no list; who is in Klaviyo and not on the list is off it already."""
    desk.deliver("ada@x.io")
    desk.box.add_list("OTHER1", "Others")
    desk.join("bob@x.io", list_id="OTHER1")
    (done,) = desk.remove(["nobody@x.io", "ada@x.io", "bob@x.io", "ada@x.io"])
    assert done == Removed(removed=("ada@x.io", "bob@x.io"), not_found=("nobody@x.io",))
    assert desk.emails == desk.remembered == []


def test_only_strangers_are_no_removal(desk):
    """Klaviyo would refuse an empty one."""
    assert desk.remove(["nobody@x.io"]) == [Removed(not_found=("nobody@x.io",))]
    assert desk.asked("DELETE", REMOVALS) == 0


def test_nobody_is_nothing_at_all(desk):
    """No request, no result."""
    assert desk.remove([]) == []
    assert desk.box.requests == []


def test_an_id_out_of_date_is_looked_up_again(desk):
    """Profiles are merged and made anew: the person leaves by the id of today."""
    desk.deliver(*people(20), with_ids=True)
    desk.ledger.learn_ids(LIST, {"p00007@x.io": "01GDDKASAP8TKDDA2GRZDSVP40"})
    (done,) = desk.remove(people(20))
    assert done == Removed(removed=tuple(people(20)))
    assert desk.emails == desk.remembered == []


def merged(desk, email, old_ids):
    """The person's profile becomes part of one that had a phone number alone."""
    desk.join({"phone_number": "+15005550006"})
    (by_phone,) = [member["id"] for member in desk.box.members(LIST) if member.get("email") is None]
    desk.box.merge(desk.ids[email], by_phone, old_ids)


@pytest.mark.parametrize("old_ids", ["refused", "followed", "ignored"])
def test_who_was_merged_into_another_profile_leaves(desk, old_ids):
    """Whatever Klaviyo does with the id that the ledger knows."""
    desk.deliver(*people(20), with_ids=True)
    merged(desk, "p00007@x.io", old_ids)
    (done,) = desk.remove(people(20))
    assert done == Removed(removed=tuple(people(20)))
    assert desk.emails == desk.remembered == []
    assert desk.asked("GET", LOOK_UPS) == 1


@pytest.mark.parametrize("old_ids", ["refused", "followed"])
def test_who_was_merged_leaves_among_many(desk, old_ids):
    """A look-up for each hundred would cost more than the removal: it is the one that is refused that is looked up."""
    desk.deliver(*people(1_000), with_ids=True)
    merged(desk, "p00007@x.io", old_ids)
    (done,) = desk.remove(people(1_000))
    assert done == Removed(removed=tuple(people(1_000)))
    assert desk.emails == desk.remembered == []
    assert desk.asked("GET", LOOK_UPS) == (1 if old_ids == "refused" else 0)


def test_who_was_merged_into_somebody_with_another_address_is_not_that_person(desk):
    """Klaviyo knows the old address no more: nobody else is taken off in its place, and the ledger forgets it."""
    desk.deliver(*people(3), with_ids=True)
    desk.box.merge(desk.ids["p00001@x.io"], desk.ids["p00002@x.io"])
    (done,) = desk.remove(["p00001@x.io"])
    assert done == Removed(not_found=("p00001@x.io",))
    assert desk.emails == desk.remembered == ["p00000@x.io", "p00002@x.io"]


def test_an_id_out_of_date_of_nobody_counts_as_not_found(desk):
    """In the middle of others, who all leave."""
    desk.deliver(*people(20), with_ids=True)
    ledger = desk.ledger
    intent = ledger.intend(
        "run-1", stream="people", list_id=LIST, emails=["gone@x.io"], numbers=[1], fingerprints=[1], keys=[None]
    )
    ledger.settle(intent, delivered=[0])
    ledger.learn_ids(LIST, {"gone@x.io": "01GDDKASAP8TKDDA2GRZDSVP41"})
    (done,) = desk.remove([*people(10), "gone@x.io", *people(10, start=10)])
    assert done == Removed(removed=tuple(people(20)), not_found=("gone@x.io",))
    assert desk.emails == desk.remembered == []


@pytest.mark.parametrize("with_ids", [True, False])
def test_who_cannot_be_taken_off_is_not_forgotten(desk, with_ids):
    """Klaviyo knows them and refuses their id: they may still be on the list."""
    desk.deliver(*people(20), with_ids=with_ids)
    desk.refuse_removals(desk.ids["p00003@x.io"], body=nameless)
    (done,) = desk.remove(people(20))
    assert done.refused == ("p00003@x.io",)
    assert len(done.removed) == 19
    assert desk.asked("GET", LOOK_UPS) == 1
    assert desk.emails == desk.remembered == ["p00003@x.io"]


def test_ids_that_were_found_are_learnt(desk):
    """When the removal fails, the next run need not look them up."""
    desk.deliver("ada@x.io")
    desk.box.interceptors.append(lambda request: Response(403, {}, b"{}") if request.method == "DELETE" else None)
    with pytest.raises(KlaviyoError):
        desk.remove(["ada@x.io"])
    assert desk.ledger.ids_of(LIST, ["ada@x.io"]) == desk.ids
    assert desk.emails == desk.remembered == ["ada@x.io"]


def test_leavers_are_read_a_thousand_at_a_time(desk):
    """Memory is bounded however many there are, and whoever stops asking stops removing."""
    desk.deliver(*people(3000), with_ids=True)
    read = []
    removals = desk.removal.remove(LIST, (read.append(each) or each for each in people(3000)))
    assert read == []
    assert next(removals).removed == tuple(people(1000))
    assert len(read) == 1000
    removals.close()
    assert len(desk.emails) == len(desk.remembered) == 2000


def test_what_was_told_before_a_failure_is_done(desk):
    """The books and the list agree, also in the middle."""
    desk.deliver(*people(2500), with_ids=True)
    removals = desk.removal.remove(LIST, people(2500))
    done = next(removals)
    desk.box.scopes = frozenset()
    with pytest.raises(KlaviyoError):
        next(removals)
    assert set(desk.emails).isdisjoint(done.removed)
    assert sorted(desk.remembered) == sorted(desk.emails) == people(1500, start=1000)


def test_members_leave_by_the_ids_that_the_list_told(desk):
    """Also who has no e-mail; nobody is looked up."""
    desk.deliver(*people(5))
    desk.join({"phone_number": "+15005550006"})
    members = [(each.email, each.id) for page in desk.client.member_pages(LIST) for each in page]
    (done,) = desk.removal.remove_members(LIST, [*members[2:], (None, "01GDDKASAP8TKDDA2GRZDSVP42")])
    assert done == Removed(removed=tuple(people(3, start=2)), nameless=1)
    assert desk.emails == desk.remembered == people(2)
    assert desk.asked("GET", LOOK_UPS) == 0


def test_a_member_who_was_merged_meanwhile_leaves_too(desk):
    """Between the reading and the removal."""
    desk.deliver("ada@x.io")
    (done,) = desk.removal.remove_members(LIST, [("ada@x.io", "01GDDKASAP8TKDDA2GRZDSVP43")])
    assert done == Removed(removed=("ada@x.io",))
    assert desk.emails == []


def test_two_members_with_one_address_both_leave(desk):
    """Klaviyo may tell apart what we do not: capitals."""
    desk.deliver("ada@x.io", "bob@x.io")
    ada, bob = desk.ids["ada@x.io"], desk.ids["bob@x.io"]
    (done,) = desk.removal.remove_members(LIST, [("ada@x.io", ada), ("ada@x.io", bob), ("ada@x.io", ada)])
    assert done == Removed(removed=("ada@x.io",), nameless=1)
    assert desk.emails == []
