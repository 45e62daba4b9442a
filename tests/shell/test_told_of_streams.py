"""What is wrong with a stream and stops nothing is said in the log, not in the report alone."""

from __future__ import annotations

import json
import re

import pytest
from pipeline import LIST, command, record, schema, state

from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer
from target_klaviyo_segments.settings.table import SETTINGS


def told(caplog):
    return [line for line in caplog.messages if line.startswith("connection klaviyo: ")]


def test_a_misspelt_property_is_in_the_log(pipeline, caplog):
    """The run delivers, and whoever looks at the log knows why a field is empty."""
    lines = [schema(email={}, given={}), record("a@x.io", given="Ada"), state(1)]
    assert pipeline.run(lines, field_map={"first_name": "givn"}), pipeline.error
    assert pipeline.report["streams"]["people"]["delivered"] == 1
    (warning,) = [line for line in told(caplog) if "field_map" in line]
    assert "`field_map.first_name` is `givn`, which is none of its properties; did you mean `given`?" in warning


def test_a_thousand_streams_do_not_fill_the_log(pipeline, caplog):
    """The first are told, and how many there are more."""
    lines = [each for n in range(30) for each in (schema(f"s{n}", email={}), record("a@x.io", f"s{n}"))]
    assert pipeline.run([*lines, state(1)], field_map={"first_name": "givn"}), pipeline.error
    assert len([line for line in told(caplog) if "field_map" in line]) == 20
    assert "connection klaviyo: 10 more warnings are in the report" in told(caplog)


def test_where_the_name_of_a_connection_is_shown(server, tmp_path):
    """Where the setting says: the report, and the log where a run begins, warns and ends."""
    lines = [schema(email={}), record("a@x.io"), state(1)]
    done = command(lines, server.url, tmp_path, connection_name="shop", field_map={"first_name": "givn"})
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads((tmp_path / "work" / "report.json").read_text())["connection"] == "shop"
    told = [line for line in done.stderr.decode().splitlines() if "connection shop" in line]
    begins, *warnings, ends = told
    assert begins.endswith(" of connection shop begins")
    assert " of connection shop: successful in " in ends
    assert warnings
    assert all(" | WARNING " in line for line in warnings)
    assert "shown in reports, in alerts, and in the log where a run begins, warns and ends" in (
        SETTINGS["connection_name"].description
    )


WICKED = "a\nb\x1b[31mred\u202e"  # breaks the line, colours the terminal, turns the text round
SHOWN = "a\\nb\\x1b[31mred\\u202e"


def lines_of(done):
    """What a terminal gets; each line is one of the log, and nothing in it moves anything."""
    told = (done.stdout + done.stderr).decode()
    assert not any(character in told for character in "\x1b\u202e\r"), told
    return told.splitlines()


@pytest.mark.parametrize("ends", ["well", "in words"])
def test_names_are_no_lines_and_no_commands_of_a_terminal(tmp_path, ends):
    """Of streams, columns and lists, whose names are the tap's and Klaviyo's: they are told escaped, on one line."""
    sandbox = Sandbox(limits=False)
    sandbox.add_list(LIST, WICKED)
    email = "email" if ends == "well" else WICKED
    given = [schema(WICKED, **{email: {"type": "string"}, "b": {}}), record("a@x.io", WICKED), state(1)]
    with SandboxServer(sandbox) as server:
        done = command(given, server.url, tmp_path)
        lines = lines_of(done)
        assert (done.returncode == 0) == (ends == "well")
        assert all(re.match(r"\d{4}-\d\d-\d\d \S+ \| \w+ +\| |1$", line) for line in lines), lines
        assert any(f"stream `{SHOWN}`" in line for line in lines)
        assert any(SHOWN in line for line in lines_of(command([], server.url, tmp_path, "--check")))
    if ends == "well":
        assert any(f"the list {SHOWN} ({LIST})" in line for line in lines)
    else:
        assert lines[-1].endswith(f"which is none of its properties; they are: {SHOWN}, b")
