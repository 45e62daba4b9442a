"""Bad input: one clear line, exit status 1, nothing lost, no traceback. The command as a user runs it."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import forks
import pytest
from pipeline import KEY, LIST, command, configure, record, schema, state, text

from target_klaviyo_segments.cli import main

GOOD = [schema(), record("a@x.io"), record("b@x.io"), state({"n": 2})]


def errors(done):
    """The lines that tell of trouble; a traceback is none of them."""
    lines = done.stderr.decode().splitlines()
    assert not any(line.startswith("Traceback") for line in lines), done.stderr.decode()
    return [line for line in lines if "| ERROR" in line]


def report(folder):
    return json.loads((folder / "work" / "report.json").read_text())


def test_good_input_ends_well_and_leaves_only_state_on_stdout(server, tmp_path):
    """The yardstick of all others."""
    done = command(GOOD, server.url, tmp_path)
    assert done.returncode == 0
    assert errors(done) == []
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"n": 2}]
    assert report(tmp_path)["status"] == "successful"
    assert len(server.sandbox.members(LIST)) == 2


def test_a_clean_run_has_no_word_that_looks_like_trouble(server, tmp_path):
    """Meltano takes a log line with the word for a failure."""
    done = command(GOOD, server.url, tmp_path)
    assert b"error" not in done.stderr.lower()
    assert b"exception" not in done.stderr.lower()


def test_no_personal_data_and_no_key_in_the_log(server, tmp_path):
    """E-mails only in files made for it."""
    done = command([*GOOD, record("not an address"), record("c@x.io", phone_number="1")], server.url, tmp_path)
    for word in (b"a@x.io", b"not an address", KEY.encode()):
        assert word not in done.stderr + done.stdout
        assert word not in (tmp_path / "work" / "report.json").read_bytes()


@pytest.mark.parametrize(
    ("lines", "words", "delivered"),
    [
        ([*GOOD, "hello"], "line 5 of the input is not JSON. A tap prints one Singer message a line on stdout", 2),
        ([*GOOD, "[1]"], "line 5 of the input is JSON but no Singer message: it has no `type`. Is it a tap", 2),
        ([*GOOD, '{"stream":"people"}'], "line 5 of the input is JSON but no Singer message", 2),
        ([*GOOD, '{"type":"DATA"}'], "line 5 of the input has the unknown message type 'DATA'", 2),
        (
            [*GOOD, '{"type":"RECORD","stream":"people"}'],
            "a RECORD message has no `record`: the tap does not follow the Singer specification. Report",
            2,
        ),
        (
            [record("a@x.io")],
            "a RECORD of stream `people` came before its SCHEMA: the tap does not follow the Singer",
            0,
        ),
        ([schema(mail={"type": "string"})], "stream `people`.*`email_field`.*mail", 0),
        ([schema(email={"type": "integer"})], "stream `people`.*`email_field`", 0),
        (
            [{"type": "SCHEMA", "stream": "people", "schema": {}}],
            "stream `people`: its schema has no properties, so no e-mail",
            0,
        ),
        (['{"type":"SCHEMA","stream":"people"}'], "SCHEMA message has no `schema`", 0),
        ([*GOOD, "x" * 20_000_000], "longer than 16,777,216 bytes; a profile has at most 100 KB. Leave large", 2),
        ([*GOOD, "[" * 100_000], "line 5 of the input is nested too deeply: look at what the tap sends", 2),
    ],
    ids=range(12),
)
def test_input_that_is_not_singer_is_told_by_line(server, tmp_path, lines, words, delivered):
    """What came before it is delivered, and its STATE is out."""
    done = command(lines, server.url, tmp_path)
    assert done.returncode == 1
    (line,) = errors(done)
    assert re.search(words, line)
    assert report(tmp_path)["status"] == "failed"
    assert len(server.sandbox.members(LIST)) == report(tmp_path)["totals"]["delivered"] == delivered
    if delivered:
        assert [json.loads(line) for line in done.stdout.splitlines()] == [{"n": 2}]


def test_a_last_line_that_was_cut_off_is_a_tap_that_died(server, tmp_path):
    """The end of stdin proves nothing."""
    done = command(text(GOOD).encode()[:-5], server.url, tmp_path)
    assert done.returncode == 1
    assert "the input breaks off in the middle of line 4: its writer ended early. Look at the log" in errors(done)[0]
    assert done.stdout == b""


def test_a_terminal_as_input_is_told(server, tmp_path, monkeypatch, caplog):
    """Nobody types Singer messages: who forgot the tap sees what it waits for."""
    path = tmp_path / "config.json"
    settings = {"api_key": KEY, "list_id": LIST, "accept_data_privacy": True, "work_dir": str(tmp_path / "work")}
    path.write_text(json.dumps({"api_url": server.url, **settings}))
    keyboard, terminal = os.openpty()
    os.write(keyboard, b"\x04")  # Ctrl-D
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["--config", str(path)]) == 0
    os.close(keyboard)
    assert "reading from the terminal: pipe a tap into this target, or give a file by --input" in caplog.messages


def test_without_a_config_all_that_is_missing_is_named(tmp_path):
    """The first run of every user."""
    done = command([], "", tmp_path, api_url=..., api_key=..., list_id=..., accept_data_privacy=...)
    assert done.returncode == 1
    problems = " ".join(errors(done))
    for name in ("api_key", "list_id", "accept_data_privacy"):
        assert name in problems


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"colour": "red"}, "there is no setting `colour`"),
        ({"api_key": "pk_wrong"}, "it does not know the key; check `api_key`"),
        ({"list_id": "Nope01"}, "Nope01"),
        (
            {"expected_account_id": "OTHERS"},
            "the key belongs to the Klaviyo account SANDBX, and `expected_account_id` is OTHERS: nothing was sent",
        ),
        ({"enabled": False}, "the connection `klaviyo` is disabled (`enabled` is false): nothing was read or sent"),
        ({"allowed_users": ["somebody-else"]}, "`allowed_users` does not name them"),
        ({"api_url": "http://127.0.0.1:9", "retry_max_seconds": 0}, "cannot be reached"),
    ],
)
def test_a_setting_that_cannot_work_is_told_before_anything_is_sent(server, tmp_path, settings, words):
    """One line, exit status 1, nobody on any list."""
    done = command(GOOD, server.url, tmp_path, **settings)
    assert done.returncode == 1
    (line,) = errors(done)
    assert words in line
    assert server.sandbox.members(LIST) == []
    assert done.stdout == b""


def test_a_disabled_connection_is_reported_as_skipped(server, tmp_path):
    """The kill switch leaves a trace."""
    command(GOOD, server.url, tmp_path, enabled=False)
    assert report(tmp_path)["status"] == "skipped"
    assert report(tmp_path)["totals"]["read"] == 0


@pytest.mark.parametrize("path", ["/proc/nowhere", "config.json/inside"])
def test_a_work_dir_that_cannot_be_written_is_told_before_anything_is_read(server, tmp_path, path):
    """Nothing is sent that could not be accounted for."""
    folder = path if path.startswith("/") else str(tmp_path / path)
    done = command(GOOD, server.url, tmp_path, work_dir=folder)
    assert done.returncode == 1
    assert f"the folder {folder} cannot be written: " in errors(done)[0]
    assert "Nothing was read or sent; make it writable or set `work_dir` to another folder" in errors(done)[0]
    assert server.sandbox.members(LIST) == []


def test_settings_come_from_the_environment_too(server, tmp_path):
    """The key need not be in a file."""
    environment = {"TARGET_KLAVIYO_SEGMENTS_API_KEY": KEY, "TARGET_KLAVIYO_SEGMENTS_LIST_ID": LIST}
    done = command(GOOD, server.url, tmp_path, api_key=..., list_id=..., environment=environment)
    assert done.returncode == 0
    assert len(server.sandbox.members(LIST)) == 2


def test_an_empty_input_is_a_run_without_rows(server, tmp_path):
    """A tap that has nothing new prints nothing; one that never ran neither, so it is said."""
    done = command([], server.url, tmp_path)
    assert done.returncode == 0
    assert report(tmp_path)["status"] == "successful"
    told = "the input was empty: not one message came. If there should be rows, see whether the tap ran"
    assert report(tmp_path)["warnings"] == [told]
    assert told in done.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_stdout_that_cannot_be_written_ends_the_run(server, tmp_path):
    """A STATE that nobody could keep must not look like success."""
    with Path("/dev/full").open("wb") as full:
        done = forks.run(configure(server.url, tmp_path), input=text(GOOD).encode(), stdout=full)
    assert done.returncode == 1
    assert "STATE cannot be written to stdout: No space left on device. What was delivered stands" in errors(done)[0]
    assert report(tmp_path)["status"] == "failed"
