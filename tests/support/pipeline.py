"""A tap's lines through the whole target into a sandbox, in this process or as the installed command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import forks
from direct import Direct
from doubles import FakeClock

from target_klaviyo_segments.errors import TargetError
from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Wires

KEY = "pk_sandbox_0123456789abcdef"
LIST = "Y6nRLr"


def schema(stream="people", keys=(), **properties):
    """A SCHEMA line; an e-mail property unless others are given."""
    properties = properties or {"email": {"type": ["string", "null"]}}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": properties},
        "key_properties": list(keys),
    }


def record(email=None, stream="people", **properties):
    """A RECORD line."""
    return {"type": "RECORD", "stream": stream, "record": {"email": email, **properties}}


def state(value):
    """A STATE line."""
    return {"type": "STATE", "value": value}


def text(lines):
    """Messages, or lines as they are, as a tap prints them."""
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)


class LineByLine(io.StringIO):
    """Input of a tap that writes a line at a time."""

    def read(self, _size=None):
        return self.readline()


class Pipeline:
    """One sandbox, one work directory, any number of runs."""

    def __init__(self, folder, **sandbox):
        self.clock = FakeClock(1_790_000_000.0)
        self.sandbox = Sandbox(now=self.clock.now, **sandbox)
        self.sandbox.add_list(LIST, "People")
        self.work_dir = folder / "work"
        self.stdout = ""
        self.error = None

    def run(self, lines, begun=lambda _: None, reads=io.StringIO, **settings):
        """Export; True when the run ended well. The message of the one that did not is in `error`.

        `reads` makes what is read of the text: with `LineByLine` a SCHEMA is known before its records are decoded.
        """
        config, wires = self.config(**settings), self.wires
        out = io.StringIO()
        self.error = None
        with contextlib.redirect_stdout(out):
            try:
                target = TargetKlaviyoSegments(config=config, wires=wires)
                begun(target)
                target.export(reads(lines if isinstance(lines, str) else text(lines)))
            except TargetError as error:
                self.error = str(error)
        self.stdout = out.getvalue()
        self.clock.woken = False
        return self.error is None

    def config(self, **settings):
        """A configuration that fits the sandbox."""
        return {
            "api_url": "http://127.0.0.1:9",
            "api_key": KEY,
            "list_id": LIST,
            "accept_data_privacy": True,
            "work_dir": str(self.work_dir),
            **settings,
        }

    @property
    def wires(self):
        """What connects a target to it."""
        return Wires(clock=self.clock, transport=Direct(self.sandbox), wall=self.clock.now)

    @property
    def states(self):
        return [json.loads(line) for line in self.stdout.split("\n")[:-1]]

    @property
    def report(self):
        return json.loads((self.work_dir / "report.json").read_text())

    @property
    def totals(self):
        return self.report["totals"]

    def rejects(self):
        path = self.report["rejects_file"]
        return [json.loads(line) for line in Path(path).read_text().split("\n")[:-1]] if path else []

    def members(self, list_id=LIST):
        return {member["email"]: member for member in self.sandbox.members(list_id)}

    def assert_balanced(self):
        for counts in [self.totals, *self.report["streams"].values()]:
            fates = ("delivered", "rejected", "unchanged", "merged", "removed", "filtered", "failed")
            assert counts["read"] == sum(counts[fate] for fate in fates)


def configure(url, folder, **settings):
    """Write `config.json` for the sandbox at an address; the arguments that name it. A setting of `...` is left out."""
    config = {
        "api_url": url,
        "api_key": KEY,
        "list_id": LIST,
        "accept_data_privacy": True,
        "work_dir": str(folder / "work"),
        **settings,
    }
    path = folder / "config.json"
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not ...}))
    return ["--config", str(path)]


def command(lines, url, folder, *arguments, environment=None, **settings):
    """The command in a process of its own, which has imported everything already."""
    given = lines if isinstance(lines, bytes) else text(lines).encode()
    return forks.run(
        [*configure(url, folder, **settings), *arguments], input=given, env=os.environ | (environment or {})
    )


def cold(lines, url, folder, *arguments, environment=None, **settings):
    """The command as a user starts it: seven times as long."""
    return subprocess.run(
        [sys.executable, "-m", "target_klaviyo_segments", *configure(url, folder, **settings), *arguments],
        input=text(lines).encode(),
        capture_output=True,
        check=False,
        timeout=60,
        env=os.environ | (environment or {}),
    )
