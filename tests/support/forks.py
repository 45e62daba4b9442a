"""The command in processes of their own that have everything imported already: a fifth of the time of a cold start.

One program for each process of tests does the imports, once, and forks for each call. The fork gets the call's files,
folder and environment, and begins and ends as `python -m target_klaviyo_segments` does. What only a cold start shows is
tested without it: the imports, the arguments in the list of processes.

Run as a program: takes calls from the socket whose number is its argument.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import PIPE, CompletedProcess, TimeoutExpired

_NUMBER = struct.Struct("i")
_NOBODY = 65534


class Command:
    """The command under way, as `subprocess.Popen` has it.

    `file_bytes` is how large a file of it may become, `ignored` are signals that it is started to ignore. With `lowly`
    it may do no more than others, whoever runs the tests: where they are root's, nobody's paths begin in its folder.
    """

    def __init__(
        self,
        arguments,
        *,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=None,
        env=None,
        file_bytes=None,
        ignored=(),
        lowly=False,
    ):
        self.args = arguments
        self.returncode = None
        self.stdin, given = _pipe(stdin, "wb")
        self.stdout, out = _pipe(stdout, "rb")
        self.stderr, err = _pipe(stderr, "rb")
        call = {
            "arguments": arguments,
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "file_bytes": file_bytes,
            "ignored": [int(number) for number in ignored],
            "lowly": lowly and os.geteuid() == 0,
        }
        self._word = _program().begin(call, [given, out, err])
        for ours, theirs in ((stdin, given), (stdout, out), (stderr, err)):
            if ours == PIPE:
                os.close(theirs)
        self.pid = self._hear()

    def poll(self):
        """The exit status, or None while it runs."""
        with suppress(TimeoutExpired):
            return self.wait(timeout=0)
        return None

    def wait(self, timeout=None):
        """The exit status; the number of a signal is below zero."""
        if self.returncode is None:
            self._word.settimeout(timeout)
            try:
                self.returncode = self._hear()
            except (TimeoutError, BlockingIOError):
                raise TimeoutExpired(self.args, timeout) from None
            self._word.close()
        return self.returncode

    def communicate(self, input=None, timeout=None):  # noqa: A002  # as Popen calls it
        """All that it says, once it has been given all this and has ended."""
        with ThreadPoolExecutor() as pool:
            said = [pool.submit(pipe.read) if pipe else None for pipe in (self.stdout, self.stderr)]
            if self.stdin:
                with suppress(BrokenPipeError), self.stdin:
                    self.stdin.write(input or b"")
            try:
                self.wait(timeout)
            except TimeoutExpired:
                self.kill()
                raise
        for pipe in filter(None, (self.stdout, self.stderr)):
            pipe.close()
        return tuple(each and each.result() for each in said)

    def send_signal(self, number):
        """To the process, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ended, and nothing of it is open."""
        self.kill()
        self.wait()
        for pipe in filter(None, (self.stdin, self.stdout, self.stderr)):
            with suppress(BrokenPipeError):
                pipe.close()

    def _hear(self):
        heard = self._word.recv(_NUMBER.size, socket.MSG_WAITALL)
        return _NUMBER.unpack(heard)[0]


def run(arguments, *, input=b"", timeout=60, **options):  # noqa: A002  # as `subprocess.run` calls it
    """The command from its beginning to its end."""
    with Command(arguments, **options) as process:
        out, err = process.communicate(input, timeout)
    return CompletedProcess(arguments, process.returncode, out, err)


class _Program:
    """The one that forks."""

    def __init__(self):
        self._calls, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def begin(self, call, files):
        """Where the process' id and later its exit status are told."""
        content = json.dumps(call).encode()
        word, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._calls, [_NUMBER.pack(len(content))], [*files, theirs.fileno()])
        self._calls.sendall(content)
        return word

    def end(self):
        self._calls.close()
        self._process.wait(timeout=60)


@cache
def _program():
    return _Program()


def end():
    """The tests are over."""
    if _program.cache_info().currsize:
        _program().end()
        _program.cache_clear()


def _pipe(wanted, mode):
    """Our end, and the number of theirs."""
    if wanted != PIPE:
        return None, wanted if isinstance(wanted, int) else wanted.fileno()
    reader, writer = os.pipe()
    return (os.fdopen(writer, mode), reader) if mode == "wb" else (os.fdopen(reader, mode), writer)


def _serve(calls):
    """Returns in each fork, which then is the command."""
    while True:
        with suppress(ChildProcessError):  # keepers that have told all
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        size, files, _, _ = socket.recv_fds(calls, _NUMBER.size, 4)
        if not size:
            sys.exit()
        call = json.loads(calls.recv(_NUMBER.unpack(size)[0], socket.MSG_WAITALL))
        if not os.fork():
            calls.close()
            _keep(*files)
            _become(call, files)
            return
        for file in files:
            os.close(file)


def _keep(given, out, err, word):
    """Fork once more and tell what becomes of that; returns in the fork."""
    child = os.fork()
    if not child:
        os.close(word)
        return
    for file in (given, out, err):
        os.close(file)
    os.write(word, _NUMBER.pack(child))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(BrokenPipeError):  # the tests were ended
        os.write(word, _NUMBER.pack(status))
    os._exit(0)


def _become(call, files):
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
        os.close(file)
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.argv[:] = ["target-klaviyo-segments", *call["arguments"]]
    for number in call["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    if call["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (call["file_bytes"],) * 2)
    if call["lowly"]:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


if __name__ == "__main__":
    from target_klaviyo_segments import cli, command, forgetting, showing  # noqa: F401  # that is what is spared
    from target_klaviyo_segments.report.html import page  # noqa: F401  # same

    _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(cli.main())
