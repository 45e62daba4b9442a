"""A terminal, and what a person sees on it."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import pty
import struct
import termios
import threading

import pyte


class Terminal:
    """`file` is what a program has for its stderr; `lines` is what stands on the screen, the empty rest left out."""

    def __init__(self, columns=100, rows=40):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.file = os.fdopen(slave, "w", buffering=1, encoding="utf-8")
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._drawn = threading.Condition()
        self._marks = itertools.count(1)
        self._asking = threading.Lock()
        self.everything = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def lines(self):
        self._wait()
        return [line.rstrip() for line in self._screen.display[: self._last() + 1]]

    @property
    def column(self):
        """Where the cursor stands."""
        self._wait()
        return self._screen.cursor.x

    def close(self):
        self.file.close()
        self._reader.join(10)
        os.close(self._master)

    def _last(self):
        return max((number for number, line in enumerate(self._screen.display) if line.strip()), default=-1)

    def _wait(self):
        """A title, which is not on the screen, comes behind all that was written before; others may be asking too."""
        with self._asking:  # marks come in their order: whoever waits for the later one never sees it overwritten
            mark = next(self._marks)
            os.write(self.file.fileno(), f"\x1b]2;{mark}\x07".encode())
        with self._drawn:
            assert self._drawn.wait_for(lambda: int(self._screen.title or 0) >= mark, timeout=10)

    def _read(self):
        with contextlib.suppress(OSError):  # nobody has the other end any more
            while found := os.read(self._master, 65_536):
                with self._drawn:
                    self.everything += found
                    self._stream.feed(found)
                    self._drawn.notify_all()
