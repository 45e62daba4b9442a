"""A target that is watched."""

from __future__ import annotations

import contextlib
import logging

import pytest
from pipeline import Pipeline
from terminal import Terminal


@pytest.fixture
def pipeline(tmp_path, monkeypatch, caplog):
    """A target on a sandbox, in this process, with the log of a user who set nothing.

    Without limits: the clock passes for all threads when one sleeps, so a request that one held back for the quota
    may come early all the same, and a 429 says so in a log whose lines are counted here.
    """
    for name in ("SINGER_SDK_LOG_CONFIG", "LOGLEVEL", "TARGET_KLAVIYO_SEGMENTS_LOGLEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    caplog.set_level(logging.INFO)
    return Pipeline(tmp_path, limits=False)


@pytest.fixture
def open_terminal():
    """Terminals that are this process's stderr, and that the root logger writes to."""
    with contextlib.ExitStack() as stack:

        def opened(**size):
            terminal = Terminal(**size)
            stack.callback(terminal.close)
            stack.enter_context(contextlib.redirect_stderr(terminal.file))
            handler = logging.StreamHandler(terminal.file)
            logging.getLogger().addHandler(handler)
            stack.callback(logging.getLogger().removeHandler, handler)
            return terminal

        yield opened
