"""What workers tell the main thread, which alone changes the run's books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from target_klaviyo_segments.errors import Rejection, TargetError
    from target_klaviyo_segments.klaviyo.protocol import JobStatus, RowError


@dataclass(frozen=True, slots=True)
class Submitted:
    """Klaviyo took these rows of a parcel as a job."""

    parcel: int
    job_id: str
    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class Refused:
    """Klaviyo named a row in its refusal of the request."""

    parcel: int
    row: int
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class Shipped:
    """Nothing of a parcel is left to submit; `unsent` rows never went out, for the reason in `error`.

    The answer about those `in_doubt` never came: they may be on the list.
    """

    parcel: int
    unsent: Sequence[int]
    error: TargetError | None
    in_doubt: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job ended and every page of its import errors was read."""

    status: JobStatus
    errors: Sequence[RowError]


@dataclass(frozen=True, slots=True)
class JobPeople:
    """Who a job brought in: asked for when an error could not be tied to a row."""

    job_id: str
    emails: frozenset[str]


@dataclass(frozen=True, slots=True)
class JobLost:
    """How a job ended cannot be told."""

    job_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A worker cannot go on; nor can the run."""

    error: Exception


Event = Submitted | Refused | Shipped | JobEnded | JobPeople | JobLost | Broken


def guarded(run: Callable[[], None], post: Callable[[Event], None]) -> None:
    """Run a worker; what it cannot handle is raised on the main thread, where `Broken` arrives."""
    try:
        run()
    except Exception as error:  # noqa: BLE001  # the one place: nothing that happens in a thread may be lost
        post(Broken(error))
