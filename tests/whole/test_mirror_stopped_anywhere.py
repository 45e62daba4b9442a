"""A mirror that ends at any request of it: whoever should stay is there, and the next run takes off the others."""

from __future__ import annotations

import pytest
from pipeline import record, schema, state, text

from tests.whole.world import Trouble, World

LISTS = ["LISTAA", "LISTBB"]
STRANGER = "by.hand@x.io"
SETTINGS = {
    "segments": {name: {"list_id": list_id} for name, list_id in zip("ab", LISTS, strict=True)},
    "sync_mode": "mirror",
    "max_removal_percent": 100,
}


def people(*numbers):
    return {f"p{number}@x.io" for number in numbers}


# Each of the two segments loses two people to the other.
BEFORE, AFTER = {"a": people(0, 1, 2, 3), "b": people(4, 5)}, {"a": people(2, 3), "b": people(0, 1, 4)}


def lines(segments):
    """Two segments that come whole."""
    found = [schema(stream) for stream in segments]
    for stream, members in segments.items():
        found += [{**record(email, stream), "version": 1} for email in sorted(members)]
        found.append({"type": "ACTIVATE_VERSION", "stream": stream, "version": 1})
    return text([*found, state(1)])


@pytest.fixture
def world():
    """Two lists, and somebody on both of them who is in no segment."""
    world = World(LISTS)
    person = world.ask("POST", "/api/profile-import", {"type": "profile", "attributes": {"email": STRANGER}})
    for list_id in LISTS:
        link = [{"type": "profile", "id": person["id"]}]
        world.ask("POST", f"/api/lists/{list_id}/relationships/profiles", link)
    assert world.run(lines(BEFORE), **SETTINGS).error is None
    yield world
    world.close()


def members(world):
    return {stream: world.members(list_id) for stream, list_id in zip("ab", LISTS, strict=True)}


@pytest.mark.parametrize("scope", ["exported", "all"])
@pytest.mark.parametrize("kind", ["stop", "die"])
def test_whatever_ends_a_mirror_the_next_one_does_the_rest(world, kind, scope):
    """SIGTERM, and a kill after an answer: at every request from delivery on."""
    before, after, at, met = BEFORE, AFTER, 0, True
    stranger = {STRANGER} if scope == "exported" else set()
    wanted = SETTINGS | {"mirror_scope": scope}
    while met:
        at += 1
        trouble = Trouble(kind, at, "answer", since="import-errors")
        world.clock.sleep(60)
        outcome = world.run(lines(after), trouble, **wanted)
        met = outcome.died or outcome.error is not None
        for stream, there in members(world).items():
            stay, come = before[stream] & after[stream], before[stream] | after[stream]
            assert stay | stranger <= there <= come | {STRANGER}
        world.clock.sleep(60)
        assert world.run(lines(after), **wanted).error is None
        assert members(world) == {stream: everybody | stranger for stream, everybody in after.items()}
        before, after = after, before
    assert at > 5
