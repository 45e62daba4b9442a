"""What can go wrong, by what happens next.

A `Rejection` costs one row. A `Transient` is tried again. Everything else ends the run with one line for the
user, after what is under way has been settled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What controls a terminal, ends a line, or turns the direction of a text.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Rejection(NamedTuple):
    """Why one row is not sent, or was refused: goes to the rejects file and is counted by `code`.

    `reason` is a sentence without the row's values, so that it may be logged; `field` names the property.
    """

    code: str
    reason: str
    field: str | None = None


def in_one_line(text: str) -> str:
    """As a log or a terminal may show it: a name in it may have any character, ends of lines and colours too."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


class TargetError(Exception):
    """Ends the run; its text is the one line that the user sees."""

    def __str__(self) -> str:
        return in_one_line(super().__str__())


class SettingsError(TargetError):
    """The settings must change first. Carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class InputError(TargetError):
    """The input is not what a tap prints, or breaks off. The rows before are good and are delivered."""


class ContractError(TargetError):
    """A stream cannot be exported as it is: no mapped e-mail property, no list."""


class WorkDirError(TargetError):
    """The work directory cannot be used: not writable, disk full."""


class RunStopped(TargetError):
    """A limit that the user set was reached, or a signal came."""


class StoppedBySignal(RunStopped):
    """A signal ended the run; the process ends by it too, once everything is settled, as Unix expects."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.signum = signum


class KlaviyoError(TargetError):
    """Klaviyo's answer, or the lack of one, ends the run."""


class Transient(KlaviyoError):
    """Worth another try: connection, time-out, 429, 5xx. `retry_after` is Klaviyo's own word, in seconds.

    `answer_lost`: the request may have been sent, and Klaviyo may have done what it asks for.
    """

    def __init__(self, message: str, retry_after: float | None = None, *, answer_lost: bool = True) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.answer_lost = answer_lost


def may_be_done(error: BaseException | None) -> bool:
    """Whether Klaviyo may have done what was asked of it when this came up: the last answer before it was lost."""
    while error is not None and not isinstance(error, Transient):
        error = error.__cause__ or error.__context__
    return error is not None and error.answer_lost


class RowsRefused(KlaviyoError):
    """A 400 that names rows of an import: position in the body to Klaviyo's words. Nothing of the body was taken."""

    def __init__(self, message: str, rows: Mapping[int, Rejection]) -> None:
        super().__init__(message)
        self.rows = dict(rows)


class BodyRefused(KlaviyoError):
    """A 400 that names no row, or a 413: the body must be split to find what is wrong with it."""

    def __init__(self, message: str, rejection: Rejection) -> None:
        super().__init__(message)
        self.rejection = rejection


class NotFound(KlaviyoError):
    """A 404: there is no such list or job."""


class Denied(KlaviyoError):
    """A 401 or 403 in JSON: the key or one of its scopes."""


class ScopeMissing(Denied):
    """A 403 in JSON: the key is right, and may not do this."""


class Misconfigured(KlaviyoError):
    """Nothing can be asked as things are set: the words name the setting, or the variable, that must change."""
