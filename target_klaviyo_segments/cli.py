"""The command: whatever goes wrong ends as one line and exit status 1."""

from __future__ import annotations

import errno
import gc
import io
import logging
import os
import re
import signal
import sys
import threading
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from target_klaviyo_segments import __version__
from target_klaviyo_segments.errors import SettingsError, StoppedBySignal, TargetError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
# What a write to stdout may end by; files that we name ourselves have told theirs.
_OUTPUT_ENDS = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
# What may be meant by a word that is no command.
_WORDS = {
    name.lstrip("-"): name for name in ("report", "forget", "--check", "--dry-run", "--retry", "--full", "--about")
}
_WORDS |= {name.lstrip("-"): name for name in ("--help", "--version", "--config")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the target; the exit status comes back."""
    _open_what_is_closed()
    _escape_what_has_no_letter()
    try:
        try:
            return _called(sys.argv[1:] if arguments is None else list(arguments))
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in _OUTPUT_ENDS or error.filename is not None:
            raise
        return _stdout_takes_no_more(error)


def _called(arguments: Sequence[str]) -> int:
    status = _without_the_sdk(arguments)
    if status is not None:
        return status
    gc.disable()  # of what is imported nothing is ever thrown away
    with _ended_by_ctrl_c():
        import click  # noqa: PLC0415  # it takes a part of a second

        from target_klaviyo_segments.command import Command  # noqa: PLC0415  # same
        from target_klaviyo_segments.forgetting import forget  # noqa: PLC0415  # same
        from target_klaviyo_segments.stopping import end_by  # noqa: PLC0415  # same

    _collect_less()
    _share_memory()
    logging.setLogRecordFactory(_Line)
    Command.logger.addFilter(_is_true_here)
    logging.captureWarnings(capture=True)  # a library's go the way of all lines, whoever reads them
    logging.getLogger("py.warnings").addFilter(_without_its_place)
    try:
        _check_level()
        if arguments[:1] == ["forget"]:
            command, rest, name = forget, arguments[1:], "target-klaviyo-segments forget"
        else:
            command, rest, name = Command.cli, arguments, None
        return command(rest, prog_name=name, standalone_mode=False) or 0
    except click.ClickException as error:
        if arguments[:1] != ["forget"] and (
            word := _misplaced_in(arguments) or _extra_argument(error.format_message())
        ):
            sys.stderr.write(f"{_misplaced(word)}\n")
        else:
            error.show()
        return error.exit_code
    except SettingsError as error:
        for problem in error.problems:
            Command.logger.error("%s", problem)  # for the user, who needs no traceback
    except StoppedBySignal as stopped:
        Command.logger.error("%s", stopped)  # same
        return end_by(stopped.signum)
    except TargetError as error:
        Command.logger.error("%s", error)  # same
    except (KeyboardInterrupt, click.Abort):  # before anything was read
        return end_by(signal.SIGINT)
    return 1


def _without_the_sdk(arguments: Sequence[str]) -> int | None:
    """What needs no import of the SDK; None when it is not that."""
    if arguments == ["--version"]:
        sys.stdout.write(f"target-klaviyo-segments v{__version__}, Meltano SDK v{version('singer-sdk')}\n")
        return 0
    if arguments[:1] == ["report"]:
        from target_klaviyo_segments.showing import show  # noqa: PLC0415  # the others need no templates

        return show(arguments[1:])
    if arguments and arguments[0] != "forget" and not arguments[0].startswith("-"):
        sys.stderr.write(f"{_no_command(arguments[0])}\n")
        return 2
    return None


def _misplaced_in(arguments: Sequence[str]) -> str | None:
    return next((each for each in arguments if each in {"report", "forget"}), None)


def _extra_argument(words: str) -> str | None:
    """The first that click did not expect, by its own words."""
    found = re.match(r"Got unexpected extra arguments? \((\S+?)[ )]", words)
    return found and found[1]


def _misplaced(word: str) -> str:
    if _misplaced_in([word]):
        return f"the command `{word}` comes first: target-klaviyo-segments {word} --config ..."
    return _no_command(word)


def _no_command(word: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # nobody else waits for it

    close = get_close_matches(word, _WORDS, n=1)
    meant = f"; did you mean `{_WORDS[close[0]]}`?" if close else "."
    return f"there is no command `{word}`{meant} The commands are report and forget; all else is an option, see --help"


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Ctrl-C while libraries are imported ends the process at once: nothing was read yet, no traceback helps."""
    python_s_own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not python_s_own or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _check_level() -> None:
    """Of a word that it does not know, the logging of Python makes a traceback.

    Raises:
        SettingsError: The variable from which the SDK takes the level of the log holds such a word.
    """
    for variable in ("TARGET_KLAVIYO_SEGMENTS_LOGLEVEL", "LOGLEVEL"):  # the first that holds anything
        if level := os.environ.get(variable):
            if not isinstance(logging.getLevelName(level.upper()), int):
                levels = "DEBUG, INFO, WARNING, ERROR or CRITICAL"
                raise SettingsError([f"the variable {variable} holds no level of a log. Set it to {levels}"])
            return


def _is_true_here(line: logging.LogRecord) -> bool:
    """The SDK says at each start that it skips the variables of the environment: `config.py` has read them."""
    return not str(line.msg).startswith("Skipping parse of env var")


class _Line(logging.LogRecord):
    """Of whichever log, for whoever reads it."""

    def getMessage(self) -> str:  # noqa: N802  # its name there
        """One line, whatever the names in it."""
        return in_one_line(super().getMessage())


def _without_its_place(line: logging.LogRecord) -> bool:
    """A library's warning without the place in its source, which helps nobody who runs a pipeline."""
    whole = logging.LogRecord.getMessage(line)
    line.msg, line.args = re.sub(r"^.*?:\d+: ", "", whole.partition("\n")[0]), ()
    return True


def _open_what_is_closed() -> None:
    """A shell may start us without stdin or stdout (`<&-`, `>&-`): nothing comes, nobody reads."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # a device, for as long as we run
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # same


def _stdout_takes_no_more(error: OSError) -> int:
    """Its disk is full, which is told; or nobody reads it, and then we end as any program in a pipe."""
    from target_klaviyo_segments.stopping import end_by  # noqa: PLC0415  # hardly ever

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush fails too
    if error.errno == errno.EPIPE:
        return end_by(signal.SIGPIPE)
    sys.stderr.write(f"nothing can be written to stdout: {error.strerror}\n")
    return 1


def _escape_what_has_no_letter() -> None:
    """A Latin-1 or ASCII terminal shows of a name what it can, and the rest by numbers. STATE is ASCII in any case."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _collect_less() -> None:
    """Records make no cycles: a garbage collector that looks at each thousandth object finds nothing to collect."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def _share_memory() -> None:
    """All threads allocate from one arena: what glibc keeps for each of sixteen is up to a fifth of the peak.

    Whoever sets MALLOC_ARENA_MAX gets that. https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        import ctypes  # noqa: PLC0415  # as `click`

        set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if set_option is not None:
            set_option(_ARENA_MAX, 1)
