"""The line on a terminal, by what stands on the screen: below the log, never in it, and gone at the end."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import threading

import pytest
from pipeline import record, schema, state
from terminal import Terminal

from target_klaviyo_segments.sandbox.app import Response
from target_klaviyo_segments.watching import Numbers
from target_klaviyo_segments.watching.terminal import TerminalLine, is_terminal

LOG = logging.getLogger("target-klaviyo-segments")
ROWS = {
    "read": 1000,
    "delivered": 0,
    "rejected": 3,
    "unchanged": 0,
    "merged": 0,
    "removed": 0,
    "filtered": 0,
    "failed": 0,
}
NUMBERS = Numbers(ROWS, 2, 0.0)
DRAWN = "read 1,000, delivered 0, rejected 3; batches under way 2; 1 rows/s"
PEOPLE = [schema(), *(record(f"p{n}@x.io") for n in range(30)), record("bad"), state(1)]


@pytest.fixture
def open_line(open_terminal, caplog):
    """A terminal of some size with the line on it."""
    caplog.set_level(logging.INFO)
    lines = []

    def opened(**size):
        terminal = open_terminal(**size)
        lines.append(TerminalLine(0.0))
        return terminal, lines[-1]

    yield opened
    for line in lines:
        line.end("successful")


def test_what_is_logged_stands_above_it(open_line):
    """Each line of the log whole, in its order; the line once, and as it is now."""
    terminal, line = open_line()
    line.show(NUMBERS, 3.0)
    assert terminal.lines == [DRAWN]
    LOG.warning("Klaviyo answers 500; again in 0.5 s")
    LOG.info("and so on, a line that is much longer than the one that it was written over: %s", "x" * 10)
    assert terminal.lines[:1] == ["Klaviyo answers 500; again in 0.5 s"]
    assert terminal.lines[2:] == [DRAWN]
    line.show(Numbers({**ROWS, "delivered": 900}, 0, 12.0), 10.0)
    assert terminal.lines[2:] == [
        "read 1,000, delivered 900, rejected 3; waiting 12 s for Klaviyo's quota; batches under way 0; 90 rows/s"[:99]
    ]


def test_at_the_end_nothing_of_it_is_left(open_line):
    """The log goes on where the line was, and goes where it went before."""
    terminal, line = open_line()
    LOG.info("first")
    line.show(NUMBERS, 3.0)
    line.end("successful")
    assert terminal.lines == ["first"]
    assert terminal.column == 0
    LOG.info("last")
    line.end("failed")
    assert terminal.lines == ["first", "last"]


def test_a_narrow_terminal(open_line):
    """It is cut, and takes one line however often it is drawn."""
    terminal, line = open_line(columns=24, rows=8)
    for now in (1.0, 2.0, 3.0):
        line.show(NUMBERS, now)
        LOG.info("at %.0f", now)
    assert terminal.lines == ["at 1", "at 2", "at 3", DRAWN[:23]]


def test_threads_that_log_and_draw_at_once(open_line):
    """Workers log while the main thread draws: every line is whole."""
    terminal, line = open_line(rows=100)
    threads = [
        threading.Thread(target=lambda name=name: [LOG.info("%s %d of a worker", name, n) for n in range(20)])
        for name in ("a", "b", "c")
    ]
    for thread in threads:
        thread.start()
    for now in range(50):
        line.show(NUMBERS, float(now))
    for thread in threads:
        thread.join(10)
    line.end("successful")
    assert sorted(terminal.lines) == sorted(f"{name} {n} of a worker" for name in ("a", "b", "c") for n in range(20))


def test_state_on_the_same_terminal(open_line):
    """Who does not redirect stdout sees whole lines there too."""
    terminal, line = open_line()
    line.show(NUMBERS, 3.0)
    with line.aside():
        terminal.file.write('{"bookmarks": {}}\n')
    assert terminal.lines == ['{"bookmarks": {}}', DRAWN]


def watched(pipeline, terminal, lines=PEOPLE, **changes):
    """A whole run; to what the terminal showed while requests came in."""
    seen = []
    pipeline.sandbox.job_seconds = 40
    pipeline.sandbox.interceptors.append(
        lambda request: seen.append(terminal.lines) if request.method == "GET" else None
    )
    pipeline.run(lines, batch_size_rows=10, **changes)
    return seen


def test_a_whole_run(pipeline, open_terminal):
    """While it lasts one line tells how far it is; then the report stands there and nothing else, not one row twice."""
    terminal = open_terminal(columns=160)
    seen = watched(pipeline, terminal)
    assert pipeline.error is None
    assert any(screen[-1].startswith(("read 30, delivered ", "read 31, delivered ")) for screen in seen if screen)
    assert {"rows: read 31, delivered 30, rejected 1", "rejected because: email_invalid 1"} <= set(terminal.lines)
    assert not [line for line in terminal.lines if "batches under way" in line]
    assert terminal.column == 0
    assert b"@x.io" not in terminal.everything


def test_a_run_with_trouble(pipeline, open_terminal):
    """Warnings of workers stand above the line as they come; the end is clean."""
    terminal = open_terminal(columns=160)
    broken = iter([Response(500), Response(502)])
    pipeline.sandbox.interceptors.append(
        lambda request: next(broken, None) if request.method == "POST" and "import" in request.path else None
    )
    watched(pipeline, terminal)
    assert pipeline.error is None
    warnings = [line for line in terminal.lines if "; again in " in line]
    assert len(warnings) == 2
    assert all(line.startswith("connection klaviyo: Klaviyo answers 50") for line in warnings)
    assert not [line for line in terminal.lines if "batches under way" in line]


@pytest.mark.parametrize("ends", ["input", "signal"])
def test_a_run_that_ends_early(pipeline, open_terminal, ends):
    """By Ctrl-C or a broken input: the line is gone, whatever came before the end is whole."""
    terminal = open_terminal(columns=160)
    lines = [*PEOPLE, "no JSON"] if ends == "input" else PEOPLE
    targets = []

    def stop(request):
        if ends == "signal" and "import" in request.path and not targets[0]._signal:
            targets[0]._handle_termination(signal.SIGINT, None)

    pipeline.sandbox.interceptors.append(stop)
    watched(pipeline, terminal, lines, begun=targets.append)
    assert pipeline.error
    assert not [line for line in terminal.lines if "batches under way" in line]
    assert terminal.column == 0
    status = "canceled" if ends == "signal" else "failed"
    assert [line for line in terminal.lines if f" of connection klaviyo: {status} in " in line]


@pytest.mark.parametrize(
    ("environment", "drawn"),
    [({}, True), ({"TERM": "dumb"}, False), ({"SINGER_SDK_LOG_CONFIG": "/x/logging.json"}, False)],
)
def test_where_it_is_drawn(environment, drawn):
    """On a terminal that can, and not under Meltano, which reads the log; not into a file or a pipe."""
    terminal = Terminal()
    with contextlib.closing(terminal):
        assert is_terminal(terminal.file, environment) is drawn
    assert not is_terminal(io.StringIO(), environment)
    assert not is_terminal(None, environment)


def test_who_wants_warnings_alone(pipeline, open_terminal, caplog, monkeypatch):
    """Sees warnings alone."""
    monkeypatch.setenv("LOGLEVEL", "WARNING")
    caplog.set_level(logging.WARNING)
    terminal = open_terminal()
    watched(pipeline, terminal)
    assert pipeline.error is None
    assert terminal.lines == []
