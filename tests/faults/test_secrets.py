"""The key and the people: in no log, report, file or process list, at any level of detail."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
from pathlib import Path

import forks
import pytest
from pipeline import KEY, record, schema, text

from tests.faults import acts
from tests.faults.catalogue import ACCOUNTS, JOBS
from tests.faults.network import Trouble
from tests.faults.runs import run_process, segment, settings_for

LOUDEST = {
    "SINGER_SDK_LOG_LEVEL": "DEBUG",
    "LOGLEVEL": "DEBUG",
    "TARGET_KLAVIYO_SEGMENTS_LOGLEVEL": "DEBUG",
    "PYTHONHTTPSVERIFY": "0",
}
ECHO = b'{"errors":[{"id":"x","code":"c","title":"t","detail":"p1@x.io is wrong, so is Klaviyo-API-Key %b"}]}'


def echo(status):
    """A refusal that repeats what it was given, key and all."""
    return acts.replying(status, ECHO % KEY.encode(), x_echo=KEY)


LOUD = {
    "all_is_well": (),
    "refused": (Trouble(echo(400)),),
    "unknown_key": (Trouble(echo(401), method="GET", path=ACCOUNTS),),
    "server_error": (Trouble(echo(500), times=None),),
    "reset": (Trouble(acts.reset, times=None),),
    "no_json": (Trouble(acts.html(200), times=None),),
    "import_errors": (Trouble(echo(404), method="GET", path=f"{JOBS}/"),),
}


def written(folder):
    """Every file that a run left in its work directory."""
    return {path: path.read_bytes() for path in (folder / "work").rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", LOUD)
def test_loudest_log(sandbox, open_network, tmp_path, case):
    """Debugging on: still no key anywhere, and people only in files that are their owner's alone."""
    network = open_network(sandbox, *LOUD[case])
    lines = [*segment(), record("p77@x.io is no address")]
    outcome = run_process(lines, network.url, tmp_path, sandbox, environment=LOUDEST, retry_max_seconds=1)
    outcome.assert_told_in_one_line()
    for path, content in written(tmp_path).items():
        assert KEY.encode() not in content
        if re.search(rb"p\d+@x\.io", content):
            assert not path.name.startswith("report")
            assert path.parent.name != "reports"
            assert path.stat().st_mode & 0o777 == 0o600, path


def test_key_in_the_environment_of_a_crash(sandbox, open_network, tmp_path):
    """A defect of ours prints a traceback; the key is not in it."""
    network = open_network(sandbox)
    environment = LOUDEST | {"TARGET_KLAVIYO_SEGMENTS_API_KEY": KEY, "TARGET_KLAVIYO_SEGMENTS_FIELD_MAP": "{"}
    outcome = run_process(segment(), network.url, tmp_path, sandbox, environment=environment)
    assert KEY not in outcome.stderr + outcome.stdout


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc")
def test_process_list(sandbox, open_network, tmp_path):
    """Whoever looks at the process while it runs sees no key in its arguments."""
    network = open_network(sandbox)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(settings_for(network.url, tmp_path)))
    process = subprocess.Popen(
        [sys.executable, "-m", "target_klaviyo_segments", "--config", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )
    process.stdin.write(text(segment(25)).encode())
    process.stdin.flush()
    assert select.select([process.stdout], [], [], 30)[0]  # it has read its settings, and delivered
    arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    process.communicate(timeout=30)
    assert b"target_klaviyo_segments" in arguments
    assert KEY.encode() not in arguments


@pytest.mark.parametrize("value", ["--version", "--about", "--help"])
def test_what_can_be_asked_without_a_run(value):
    """No question about the program prints a key of its environment."""
    done = forks.run([value], env=os.environ | {"TARGET_KLAVIYO_SEGMENTS_API_KEY": KEY})
    assert done.returncode == 0
    assert KEY.encode() not in done.stdout + done.stderr


def test_unknown_message_type_that_is_an_address(sandbox, open_network, tmp_path):
    """A tap that prints rows bare: what it prints is not repeated in the log."""
    network = open_network(sandbox)
    lines = [schema(), {"type": "p1@x.io"}]
    outcome = run_process(lines, network.url, tmp_path, sandbox)
    outcome.assert_told_in_one_line()
