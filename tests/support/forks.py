"""Calls of the command, each in a process of its own that has everything imported already: a tenth of the time.

Run as a program: reads calls as lines of JSON from stdin, writes a line with what came of each to stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile


class Forks:
    """The program. A call has `arguments`, `folder`, `environment`, `input`; what came of it `status`, `out`, `err`."""

    def __enter__(self):
        self._program = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def run(self, call):
        """What came of a call."""
        self._program.stdin.write(json.dumps(call) + "\n")
        self._program.stdin.flush()
        return json.loads(self._program.stdout.readline())

    def __exit__(self, *_):
        self._program.communicate(timeout=60)


def _run(call, main):
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(call["input"].encode())
        given.seek(0)
        child = os.fork()
        if not child:
            _be_the_command(call, main, [given, out, err])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {"status": status, "out": _read(out), "err": _read(err)}


def _be_the_command(call, main, files):
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        os.chdir(call["folder"])
        os.environ.update(call["environment"])
        status = main(call["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else 1
        sys.stdout.flush()
    finally:
        os._exit(status)


def _read(file):
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    from target_klaviyo_segments import cli, command, forgetting, showing  # noqa: F401  # that is what is spared

    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(json.loads(line), cli.main)) + "\n")
        sys.stdout.flush()
