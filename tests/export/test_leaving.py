"""Who is to leave, and who comes back before."""

from __future__ import annotations

import pytest

from target_klaviyo_segments.export.leaving import Leaving


def test_people_leave_by_address_or_by_key():
    """The address is enough; a key is kept only where there is nothing else."""
    leaving = Leaving()
    assert not leaving
    assert leaving.leave("a@x.io", "[1]")
    assert leaving.leave(None, "[2]")
    assert leaving.leave(None, "[2]")
    assert not leaving.leave(None, None)
    assert leaving
    assert (leaving.emails, leaving.keys) == ({"a@x.io": 1}, {"[2]": 2})


@pytest.mark.parametrize(
    ("emails", "keys", "rows"),
    [(["a@x.io", "b@x.io"], [None, "[9]"], 1), (["c@x.io"], ["[2]"], 2), (["c@x.io"], [], 0), (["a@x.io"], ["[2]"], 3)],
)
def test_who_comes_back_does_not_leave(emails, keys, rows):
    """The rows that said so are told, for they have a fate too."""
    leaving = Leaving({"a@x.io": 1}, {"[2]": 2})
    assert leaving.come_back(emails, keys) == rows
    assert leaving.come_back(emails, keys) == 0
