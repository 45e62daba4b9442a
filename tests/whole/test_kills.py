"""Runs killed one after the other: what the first left at Klaviyo is not taken for what the second did."""

from __future__ import annotations

import pytest
from pipeline import record, schema, state, text

from tests.whole.world import Trouble, World

ONE, OTHER = "LISTAA", "LISTBB"
AFTER_SUBMISSION = Trouble("die", where="answer", method="POST")
BEFORE_SUBMISSION = Trouble("die", where="request", method="POST")
LOST_BEFORE = Trouble("cut", method="POST")


@pytest.fixture
def world():
    """A Klaviyo with two lists."""
    world = World([ONE, OTHER])
    yield world
    world.close()


def person(**properties):
    return text([schema(email={}, tier={}), record("a@x.io", **properties), state(1)])


def test_a_job_to_one_list_is_not_taken_for_one_to_another(world):
    """The same person, killed twice within a minute: the second job was never sent, so it is sent."""
    skip = {"unchanged_profiles": "skip"}
    assert world.run(person(), AFTER_SUBMISSION, list_id=ONE).died
    assert world.run(person(), BEFORE_SUBMISSION, list_id=OTHER, **skip).died
    assert world.run(person(), list_id=OTHER, **skip).error is None
    assert world.members(ONE) == world.members(OTHER) == {"a@x.io"}


@pytest.mark.parametrize("second", [BEFORE_SUBMISSION, LOST_BEFORE], ids=["killed", "lost"])
def test_a_job_that_was_found_once_is_accounted_for(world, second):
    """To the same list too: what the person has become meanwhile must still be sent."""
    skip = {"unchanged_profiles": "skip", "list_id": ONE}
    assert world.run(person(tier="old"), AFTER_SUBMISSION, **skip).died
    world.run(person(tier="new"), second, **skip)
    assert world.run(person(tier="new"), **skip).error is None
    assert world.sandbox.profiles["a@x.io"]["properties"]["tier"] == "new"
