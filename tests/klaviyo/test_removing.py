"""People off a list: whoever cannot be taken off stops none of the others, and nothing else of anybody changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_client.models.list_members_delete_query import ListMembersDeleteQuery
from shop import LIST, Shop, in_meta, nameless, one_by_one

from target_klaviyo_segments.errors import KlaviyoError, NotFound, ScopeMissing
from target_klaviyo_segments.klaviyo.removing import (
    REFUSED_ALONE_MAX,
    IdsRefused,
    read_refusal,
    remove_profiles,
    take_all,
)
from target_klaviyo_segments.sandbox.app import Response

REMOVALS = f"/lists/{LIST}/relationships/profiles"
IDS = [f"01GDDKASAP8TKDDA2GRZDSVP{n:02}" for n in range(20)]


@pytest.fixture
def shop():
    return Shop(limits=False)


@pytest.fixture
def members(shop):
    """Twenty people on the list; their ids."""
    shop.join(*(f"p{number}@x.io" for number in range(20)))
    return list(shop.ids.values())


def test_people_are_off_the_list_and_in_the_account_as_they_were(shop, members):
    """No consent, no profile, no other list changes: one kind of request is all there is."""
    shop.box.add_list("OTHER1", "Others")
    shop.join(*shop.emails, list_id="OTHER1")
    before = shop.box.profiles
    asked = len(shop.box.requests)
    assert shop.client.remove_from_list(LIST, members[5:]) == frozenset()
    assert shop.emails == [f"p{number}@x.io" for number in range(5)]
    assert len(shop.box.members("OTHER1")) == 20
    assert shop.box.profiles == before
    assert [(entry.method, entry.path) for entry in shop.box.requests[asked:]] == [("DELETE", f"/api{REMOVALS}")]


def test_2500_people_leave_in_three_requests(shop):
    """1,000 a request, each id once."""
    shop.join(*(f"p{number}@x.io" for number in range(2500)))
    ids = list(shop.ids.values())
    assert shop.client.remove_from_list(LIST, [*ids, *ids]) == frozenset()
    assert shop.emails == []
    assert shop.asked("DELETE", REMOVALS) == 3


def test_nobody_is_no_request(shop):
    """Klaviyo would refuse it."""
    assert shop.client.remove_from_list(LIST, []) == frozenset()
    assert shop.box.requests == []


def test_an_unknown_id_in_the_middle_stops_nobody(shop, members):
    """Klaviyo refuses the whole request and names it."""
    assert shop.client.remove_from_list(LIST, [*members[:9], IDS[0], *members[9:], IDS[1]]) == set(IDS[:2])
    assert shop.emails == []
    assert shop.asked("DELETE", REMOVALS) == 2


@pytest.mark.parametrize("body", [nameless, one_by_one, in_meta])
def test_however_klaviyo_says_it_the_others_leave(shop, members, body):
    """All at once, one by one, or without a name: then halves are sent."""
    bad = {members[3], members[4], members[17]}
    shop.refuse_removals(*bad, body=body)
    assert shop.client.remove_from_list(LIST, members) == bad
    assert sorted(shop.emails) == ["p17@x.io", "p3@x.io", "p4@x.io"]
    assert shop.asked("DELETE", REMOVALS) <= 30


def test_who_left_before_is_no_hindrance(shop, members):
    """A run that broke off does it again."""
    assert shop.client.remove_from_list(LIST, members[:10]) == frozenset()
    assert shop.client.remove_from_list(LIST, members) == frozenset()
    assert shop.emails == []


def test_a_refusal_of_everything_is_not_taken_for_unknown_ids(shop, members):
    """Twenty people must not count as gone because Klaviyo had a bad day."""
    shop.refuse_removals(*members, body=nameless)
    with pytest.raises(IdsRefused, match=r"^Klaviyo answers 400 to Remove Profiles from List: "):
        shop.client.remove_from_list(LIST, members)
    assert shop.asked("DELETE", REMOVALS) <= 2 * REFUSED_ALONE_MAX + 10
    assert len(shop.emails) == 20


def test_a_list_that_is_not_there_is_told(shop, members):
    """The ids are not to blame."""
    with pytest.raises(NotFound):
        shop.client.remove_from_list("Nope01", members)


def test_a_key_that_may_not_write_lists_is_told(shop, members):
    """And nobody counts as gone."""
    shop.box.scopes = frozenset({"lists:read", "profiles:write"})
    with pytest.raises(ScopeMissing, match="lists:write"):
        shop.client.remove_from_list(LIST, members)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>400 Bad Request</html>",
        b"[]",
        b'{"errors":{}}',
        b'{"errors":[{"code":"invalid","detail":"Bad list.","source":{"parameter":"id"}}]}',
    ],
)
def test_a_400_that_is_not_about_ids_ends_it(shop, members, body):
    """To halve would change nothing."""
    shop.refuse_removals(*members, body=lambda _: body)
    with pytest.raises(KlaviyoError, match="400") as refused:
        shop.client.remove_from_list(LIST, members)
    assert not isinstance(refused.value, IdsRefused)
    assert shop.asked("DELETE", REMOVALS) == 1


def test_a_bad_minute_passes(shop, members):
    """A removal is sent again: to remove twice does no harm."""
    answers = [Response(503, {}, b""), Response(429, {"Retry-After": "3"}, b"")]
    shop.box.interceptors.append(lambda request: answers.pop() if answers and request.method == "DELETE" else None)
    assert shop.client.remove_from_list(LIST, members) == frozenset()
    assert shop.emails == []


def test_the_pace_is_klaviyos():
    """160 requests take more than a minute, and none is one too many."""
    shop = Shop()
    for _ in range(160):
        shop.client.remove_from_list(LIST, _known(shop))
    assert shop.clock.now() - 1_790_000_000 >= 60
    assert shop.box.counts["throttled"] == 0


def _known(shop):
    if not shop.emails:
        shop.join("ada@x.io")
    return list(shop.ids.values())


@pytest.mark.parametrize(
    ("error", "named"),
    [
        ({"detail": f"Invalid profile IDs: {IDS[3]}, {IDS[5]}"}, {3, 5}),
        ({"detail": f"Profil [{IDS[2]}] gibt es nicht."}, {2}),
        ({"detail": "No.", "source": {"pointer": "/data/4/id"}}, {4}),
        ({"detail": "No.", "source": {"pointer": "/data/4"}}, {4}),
        ({"detail": "No.", "source": {"pointer": "/data/99/id"}}, set()),
        ({"detail": "No.", "source": {"pointer": "/data/"}}, set()),
        ({"detail": None, "meta": {"invalid": [IDS[0]]}}, {0}),
        ({"detail": f"x{IDS[0]}x"}, set()),
        ({"id": IDS[0], "detail": "No.", "source": None}, set()),
    ],
)
def test_the_ids_are_looked_for_and_not_the_words(error, named):
    """Klaviyo's words may change without notice."""
    body = json.dumps({"errors": [error]}).encode()
    assert read_refusal(400, body, IDS).named == {IDS[place] for place in named}


def test_several_errors_name_several_ids():
    """One each."""
    body = json.dumps({"errors": [{"detail": IDS[0]}, {"detail": IDS[1]}, "?"]}).encode()
    assert read_refusal(400, body, IDS).named == set(IDS[:2])


def test_a_404_may_be_about_a_profile():
    """Only when it says which."""
    assert read_refusal(404, json.dumps({"errors": [{"detail": f"no {IDS[0]}"}]}).encode(), IDS).named == {IDS[0]}
    assert read_refusal(404, b'{"errors":[{"detail":"A list with id Y6nRLr does not exist."}]}', IDS) is None
    assert read_refusal(403, json.dumps({"errors": [{"detail": IDS[0]}]}).encode(), IDS) is None


def test_a_removal_passes_the_official_models():
    """Klaviyo's SDK reads our body and writes the same again."""
    body = json.loads(remove_profiles(LIST, IDS).body)
    assert ListMembersDeleteQuery.from_dict(body).to_dict() == body


@given(
    size=st.integers(1, 40),
    bad=st.sets(st.integers(0, 39), max_size=REFUSED_ALONE_MAX),
    names=st.integers(0, 3),
)
def test_all_but_the_refused_are_taken_once(size, bad, names):
    """Whether a refusal names none, some or all of those that it is about."""
    ids = [f"id{n}" for n in range(size)]
    refused = {each for n, each in enumerate(ids) if n in bad}
    taken = []

    def send(part):
        assert part
        culprits = [each for each in part if each in refused]
        if culprits:
            raise IdsRefused("no", frozenset(culprits[:names]))
        taken.extend(part)

    assert take_all(ids, send) == refused
    assert sorted(taken) == sorted(set(ids) - refused)
