"""Standard fields cleared that a row has null: one request a person, several at once, when everything is delivered.

No STATE waits for it, for the ledger knows what is due until it is done: in this run or in a later one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from target_klaviyo_segments.errors import TargetError
from target_klaviyo_segments.klaviyo.clearing import CLEARED_A_MINUTE, FieldsRefused, nulls_for
from target_klaviyo_segments.segment.nulls import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import Any

    from target_klaviyo_segments.export.lane import Lane
    from target_klaviyo_segments.klaviyo.clearing import Found
    from target_klaviyo_segments.ledger import Due

    Tried = tuple[Due, dict[str, Any], "Future[None]"]

# One look-up: https://developers.klaviyo.com/en/reference/get_profiles
PEOPLE_A_TIME = 100
# So many people refused one after the other, and nobody's fields cleared: it is not about the people.
HOPELESS_AFTER = 20


class Klaviyo(Protocol):
    """What is asked of Klaviyo. Each raises `KlaviyoError` when it is not done, `RunStopped` when the run ended."""

    def profiles_with(self, emails: Sequence[str], fields: Sequence[str]) -> dict[str, Found]:
        """What people have in standard fields, by e-mail."""
        ...

    def clear_fields(self, profile_id: str, attributes: Mapping[str, Any]) -> None:
        """Write one profile, whose null attributes are cleared; `FieldsRefused` when that person's are not."""
        ...


class Memory(Protocol):
    """What is due. Each raises `WorkDirError` when it cannot be read or written."""

    def count_due(self, stream: str) -> int:
        """How many people of a stream have fields to be cleared."""
        ...

    def due(self, stream: str, count: int) -> list[Due]:
        """The next of them."""
        ...

    def done(self, stream: str, cleared: Sequence[Due], refused: Sequence[Due] = ()) -> None:
        """They have the fields no more, or Klaviyo does not clear them."""
        ...

    def forget(self, stream: str) -> None:
        """Nobody notes any more what a stream gives."""
        ...


class Clearing:
    """One run's; on the main thread, with workers of its own while `carry_out` lasts."""

    def __init__(self, klaviyo: Klaviyo, memory: Memory, *, max_in_flight: int) -> None:
        self._klaviyo = klaviyo
        self._memory = memory
        self._max_in_flight = max_in_flight

    def watch(
        self, lane: Lane, marks_of: Callable[[Sequence[Any], Sequence[bytes]], Sequence[tuple[int, int]]] | None
    ) -> None:
        """Note what a stream gives people and what not, or do not.

        Raises:
            WorkDirError: The ledger cannot be written.
        """
        lane.marks_of = marks_of
        if marks_of is None:
            self._memory.forget(lane.name)

    def carry_out(self, lanes: Iterable[Lane], go_on: Callable[[], None]) -> None:
        """Clear what is due of streams; `go_on` raises when the run is to end.

        Raises:
            KlaviyoError: Klaviyo does not do it; what was cleared before is counted, and the rest stays due.
            RunStopped: As `go_on` says.
            WorkDirError: The ledger cannot be read or written.
        """
        for lane in lanes:
            if lane.marks_of is not None:
                self._carry_out(lane, go_on)

    def _carry_out(self, lane: Lane, go_on: Callable[[], None]) -> None:
        count, refused = self._memory.count_due(lane.name), 0
        if count > CLEARED_A_MINUTE:
            lane.warn(
                f"stream `{lane.name}`: {count} people had fields to be cleared, which Klaviyo takes one by one, "
                f"{CLEARED_A_MINUTE} a minute"
            )
        with ThreadPoolExecutor(self._max_in_flight, thread_name_prefix="clear") as pool:
            while dues := self._memory.due(lane.name, PEOPLE_A_TIME):
                go_on()
                refused += self._clear(lane, dues, pool)
        if refused:
            lane.warn(f"stream `{lane.name}`: Klaviyo refuses to clear fields of {refused} people; they keep them")

    def _clear(self, lane: Lane, dues: Sequence[Due], pool: ThreadPoolExecutor) -> int:
        """How many people Klaviyo refuses. Whoever it does not know, or has no value there, needs no request."""
        tried = list(self._begin(dues, pool))
        cleared, refused, errors = [], [], []
        for due, nulls, future in tried:
            error = future.exception()
            if error is None:
                cleared.append(due)
                lane.tally.cleared.update(_names(nulls))
            elif isinstance(error, FieldsRefused):
                refused.append(due)
            else:
                errors.append(error)
        if len(refused) >= HOPELESS_AFTER and not lane.tally.cleared:
            raise TargetError(f"stream `{lane.name}`: Klaviyo clears nobody's fields. {tried[0][2].exception()}")
        asked = {due.email for due, _, _ in tried}
        self._memory.done(lane.name, [*cleared, *(due for due in dues if due.email not in asked)], refused)
        if errors:
            raise errors[0]
        return len(refused)

    def _begin(self, dues: Sequence[Due], pool: ThreadPoolExecutor) -> Iterator[Tried]:
        wanted = [due for due in dues if due.fields]
        fields = sorted({name for due in wanted for name in fields_of(due.fields)})
        found = self._klaviyo.profiles_with([due.email for due in wanted], fields) if wanted else {}
        for due in wanted:
            person = found.get(due.email)
            nulls = nulls_for(person, fields_of(due.fields)) if person is not None else {}
            if person is not None and nulls:
                yield due, nulls, pool.submit(self._klaviyo.clear_fields, person.id, nulls)


def _names(nulls: Mapping[str, Any]) -> Iterator[str]:
    """Fields that are cleared by these attributes."""
    for name, value in nulls.items():
        if value is None:
            yield name
        else:
            yield from (f"{name}.{key}" for key, inner in value.items() if inner is None)
