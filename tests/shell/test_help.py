"""What the command says of itself."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import forks
import pytest
from checkout import ROOT
from pipeline import Pipeline, record, schema

from target_klaviyo_segments.cli import main

_ASKED = """
from target_klaviyo_segments import cli
assert cli.main(["--help"]) == 0
assert cli.main(["forget", "--help"]) == 0
assert cli.main(["forget", "--hlep"]) == 2
assert cli.main(["--json"]) == 2
"""
_INTERRUPTED = """
import os, signal, sys

class Impatient:
    def find_spec(self, name, *_):
        if name == "singer_sdk":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
from target_klaviyo_segments import cli
cli.main(["--about"])
"""


def test_every_command_is_found_by_help():
    """The help of the target names the other commands, and theirs how they are called."""
    done = subprocess.run([sys.executable, "-c", _ASKED], capture_output=True, text=True, check=True, timeout=60)
    target, _, forget = done.stdout.partition("Usage: target-klaviyo-segments forget [OPTIONS]")
    assert "report, the page of a run; forget" in " ".join(target.split())
    assert "--and-empty-list" in forget
    assert "--json goes with --check" in done.stderr
    assert "Try 'target-klaviyo-segments forget --help' for help." in done.stderr


@pytest.mark.parametrize(
    ("word", "words"),
    [("chek", "there is no command `chek`; did you mean `--check`? The"), ("zzz", "there is no command `zzz`. The")],
)
def test_a_word_that_is_no_command(capsys, word, words):
    """Told with the option that is meant, and with what there is."""
    assert main([word, "--config", "config.json"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(words)
    assert told.endswith(" commands are report and forget; all else is an option, see --help\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--config", "c.json", "report"],
            "the command `report` comes first: target-klaviyo-segments report --config ...",
        ),
        (["--config", "c.json", "forget", "--yes"], "the command `forget` comes first: "),
        (["--full", "forget", "more"], "the command `forget` comes first: target-klaviyo-segments forget --config ..."),
        (["--config", "c.json", "chek"], "there is no command `chek`; did you mean `--check`? The"),
        (["forget", "more"], "Usage: target-klaviyo-segments forget [OPTIONS]"),
    ],
)
def test_a_command_that_does_not_come_first(tmp_path, arguments, words):
    """Meltano puts `--config` before it; nothing is done."""
    done = forks.run(arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["--frob"], ["--allow-removals", "x"], ["--retry"], ["--input", "nowhere"], ["chek"], ["report", "--frob"]],
)
def test_a_call_that_is_none(tmp_path, arguments):
    """Told with the exit status that the documents name for it, which is no run's; nothing is read or made."""
    done = forks.run(arguments, input=b"no message", cwd=tmp_path)
    page = (ROOT / "docs" / "operations.md").read_text()
    (status,) = re.findall(r"\n\| (\d+) \| a call that is none", page)
    assert (done.returncode, done.stdout) == (int(status), b"")
    assert b"Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


SAID = (["--version"], ["--about"], ["--help"], ["--check"], ["--check", "--json"], ["forget"])


@pytest.mark.parametrize("arguments", SAID)
def test_a_stdout_on_a_full_disk(tmp_path, arguments):
    """One line, exit status 1."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123  # a device
        done = forks.run(arguments, cwd=tmp_path, stdout=full)
    assert (done.returncode, done.stderr) == (1, b"nothing can be written to stdout: No space left on device\n")


@pytest.mark.parametrize("arguments", SAID)
def test_a_stdout_that_nobody_reads(tmp_path, arguments):
    """As of any program before `| head`: not a word, and an end that is no success."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = forks.run(arguments, cwd=tmp_path, stdout=pipe)
    assert done.stderr == b""
    assert done.returncode in {-signal.SIGPIPE, 1}  # click ends by 1


@pytest.mark.parametrize("arguments", [["--version"], ["report", "--help"]])
def test_a_stdout_that_is_closed(tmp_path, arguments):
    """By `>&-`: nobody wants to know."""
    command = [sys.executable, "-m", "target_klaviyo_segments", *arguments]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    closed = ["sh", "-c", '"$@" >&-', "sh", *command]
    done = subprocess.run(closed, cwd=tmp_path, env=here, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [["--about"], ["--check"], ["forget"], []])
@pytest.mark.parametrize("variable", ["LOGLEVEL", "TARGET_KLAVIYO_SEGMENTS_LOGLEVEL"])
def test_a_level_that_no_log_has(tmp_path, arguments, variable):
    """One line that names the variable and what it may hold, and no traceback."""
    done = forks.run(arguments, cwd=tmp_path, env={**os.environ, variable: "verbose"})
    words = "holds no level of a log. Set it to DEBUG, INFO, WARNING, ERROR or CRITICAL"
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"the variable {variable} {words}\n"


def test_a_level_in_small_letters_is_one(tmp_path):
    """As for the Singer SDK, which reads it, and nothing at all is none."""
    for level in ("debug", ""):
        assert forks.run(["--about"], cwd=tmp_path, env={**os.environ, "LOGLEVEL": level}).returncode == 0


def test_a_librarys_warning_is_one_line():
    """Without the line of its source, which Python shows with it."""
    ours = "import warnings\nfrom target_klaviyo_segments import cli\ncli.main(['--json'])\n"
    script = ours + "warnings.warn('the end is near: upgrade', FutureWarning)\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr.splitlines()[-1].endswith("FutureWarning: the end is near: upgrade")


def test_ctrl_c_before_anything_was_read():
    """It ends the command without a word, as by the signal; no library's traceback."""
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.fixture
def reported(tmp_path):
    """A folder with the report of a run, and a configuration that names it."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([schema(), record("a@x.io")])
    (tmp_path / "config.json").write_text(json.dumps(pipeline.config()))
    (tmp_path / "config.json").chmod(0o600)
    return tmp_path


COMMANDS = ["--version", "--help", "--about", "--check", "--check --json", "report", "forget", "forget --help"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("redirection", "told"),
    [
        (">&-", []),
        ("> /dev/full", ["nothing can be written to stdout: No space left on device"]),
        ("| true", []),
    ],
)
def test_whoever_does_not_read_gets_no_traceback(reported, command, redirection, told):
    """Stdout may be closed, a pipe that nobody reads, or on a disk that is full."""
    config = "" if command in {"--version", "--about"} or "help" in command else "--config config.json"
    script = f"sleep 0 | {sys.executable} -m target_klaviyo_segments {command} {config} {redirection}"
    done = subprocess.run(["bash", "-c", script], cwd=reported, capture_output=True, text=True, check=False, timeout=60)
    lines = [line for line in done.stderr.splitlines() if "WARNING" not in line]
    assert lines == told
