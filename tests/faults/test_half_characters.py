"""Half a character, which JSON can spell and no text can hold: in names, where it would end up in log and report.

In a process of its own, because not even the log of a test can hold it.
"""

from __future__ import annotations

import pytest
from pipeline import record, schema, state

from tests.faults.runs import run_process

HALF = "\ud800"
ODD = {
    "stream": [schema(HALF), record("a@x.io", HALF)],
    "property": [schema(email={}, **{HALF: {}}), record("a@x.io", **{HALF: [[{}]]})],
    "key": [schema(email={}, keys=[HALF], **{HALF: {}}), record("a@x.io", **{HALF: 1})],
    "required": [schema(email={}, **{HALF: {"type": "x"}}), record("a@x.io"), record("b@x.io", **{HALF: 1})],
    "property_told_of": [schema(mail={}, **{HALF: {}}), record("a@x.io")],
    "unknown_type": [schema(), {"type": HALF}],
    "unselected_stream": [schema(), record("a@x.io"), record("b@x.io", HALF)],
}


@pytest.mark.parametrize("name", ODD)
def test_half_a_character_in_a_name(sandbox, open_network, tmp_path, name):
    """The run ends as any other, with a report."""
    network = open_network(sandbox)
    outcome = run_process([*ODD[name], state(1)], network.url, tmp_path, sandbox)
    assert "Traceback" not in outcome.stderr
    outcome.assert_sound()
    outcome.assert_told_in_one_line()
