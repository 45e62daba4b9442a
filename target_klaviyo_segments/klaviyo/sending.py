"""How a request gets its answer: waits its turn, is sent, tried again, followed to the last page. Shared by threads."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from target_klaviyo_segments.errors import KlaviyoError, Transient
from target_klaviyo_segments.klaviyo import protocol
from target_klaviyo_segments.klaviyo.refusals import read_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.klaviyo.pacing import RetryPolicy
    from target_klaviyo_segments.klaviyo.protocol import Call, Endpoint, Page
    from target_klaviyo_segments.klaviyo.turns import Turns
    from target_klaviyo_segments.klaviyo.wire import Reply, Wire

    Refusal = Callable[[Reply], KlaviyoError | None]

T = TypeVar("T")

# A 429 without Retry-After: the burst window is the one most easily hit.
_THROTTLED_SECONDS = 1.0
# Of a 2xx, when a phone number was ignored: https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api
_PARTIAL = "x-klaviyo-partial-failure"


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests sent so far, those answered by 429, and by endpoint those that were taken but for phone numbers."""

    requests: int
    throttled: int
    left_out: Mapping[str, int] = field(default_factory=dict)


class Sender:
    """Every method raises `KlaviyoError` when Klaviyo does not do it, and `RunStopped` when the turns ended first."""

    def __init__(
        self,
        wire: Wire,
        turns: Turns,
        retries: RetryPolicy,
        *,
        api_url: str,
        clock: Clock,
        random: Callable[[], float],
        on_retry: Callable[[str, float], None],
    ) -> None:
        self._wire = wire
        self._turns = turns
        self._retries = retries
        self._api_url = api_url
        self._clock = clock
        self._random = random
        self._on_retry = on_retry
        self._lock = threading.Lock()  # over the counts
        self._requests = 0
        self._throttled = 0
        self._told: tuple[float, float] | None = None  # Klaviyo's time and ours, when it last answered
        self._left_out: Counter[str] = Counter()

    @property
    def counters(self) -> Counts:
        """The counts at this instant."""
        with self._lock:
            return Counts(self._requests, self._throttled, dict(self._left_out))

    def klaviyos_time(self) -> float | None:
        """What Klaviyo's clock shows, in seconds since the epoch, up to a second less; None before an answer told."""
        return None if self._told is None else self._told[0] + self._clock.now() - self._told[1]

    def _learn_time(self, date: str) -> None:
        with suppress(ValueError, TypeError, OverflowError):  # none, or no date
            self._told = parsedate_to_datetime(date).timestamp(), self._clock.now()

    def items(self, call: Call, read: Callable[[bytes], Page[T]]) -> Iterator[T]:
        """What is on all pages, read as they are asked for."""
        for page in self.pages(call, read):
            yield from page

    def pages(self, call: Call, read: Callable[[bytes], Page[T]]) -> Iterator[tuple[T, ...]]:
        """Page by page, to the last."""
        seen = {hash(call.path)}
        while True:
            page = self.ask(call, read)
            yield page.items
            if page.next_url is None:
                return
            call = protocol.follow(call, page.next_url, self._api_url)
            if hash(call.path) in seen:
                raise KlaviyoError(
                    f"{call.endpoint.name}: Klaviyo's pages go round in a circle. Run again; report it when it stays"
                )
            seen.add(hash(call.path))

    def ask(
        self,
        call: Call,
        read: Callable[[bytes], T],
        *,
        done: Callable[[], T | None] | None = None,
        refusal: Refusal | None = None,
        left_out: Callable[[Call], None] | None = None,
    ) -> T:
        """Send until there is an answer that can be read, or the time for it is over.

        `done` finds what a request did whose answer was lost, where to send it again would do harm. `refusal` reads
        an answer that is no 2xx, where an endpoint says more than all do; None leaves it to the common reading.
        `left_out` is told when Klaviyo left phone numbers out, which is else counted.
        """
        turn = self._turns.take(call.endpoint)
        began = self._clock.now()
        attempt = 1
        while True:
            try:
                return read(self._exchange(call, turn, refusal, left_out or self._count_left_out))
            except Transient as error:
                self._turns.wait(0)  # nobody is told of a retry that the end of the run prevents
                self._turns.wait(self._delay(call, attempt, began, error))
                found = done() if done is not None and error.answer_lost else None
                if found is not None:
                    return found
            turn = self._turns.take(call.endpoint)
            attempt += 1

    def _exchange(self, call: Call, turn: float, refusal: Refusal | None, left_out: Callable[[Call], None]) -> bytes:
        """One attempt: the body of a 2xx."""
        with self._lock:
            self._requests += 1
        reply = self._wire.send(call)
        if reply.status != HTTPStatus.TOO_MANY_REQUESTS:
            self._turns.answered(call.endpoint, turn)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            self._turns.learn(call.endpoint, reply.headers.get("ratelimit-limit", ""))
            self._learn_time(reply.headers.get("date", ""))
            body = _whole(call.endpoint, reply)
            if _PARTIAL in reply.headers:
                left_out(call)
            return body
        told = refusal(reply) if refusal is not None else None
        failure = told or read_failure(reply.status, reply.headers, reply.body, call)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._hold(call, failure)
        raise failure

    def _count_left_out(self, call: Call) -> None:
        with self._lock:
            self._left_out[call.endpoint.name] += 1

    def _hold(self, call: Call, failure: KlaviyoError) -> None:
        """After a 429 every request of the endpoint would get another, whichever thread sends it."""
        with self._lock:
            self._throttled += 1
        asked = failure.retry_after if isinstance(failure, Transient) else None
        self._turns.hold(call.endpoint, _THROTTLED_SECONDS if asked is None else asked)

    def _delay(self, call: Call, attempt: int, began: float, error: Transient) -> float:
        elapsed = self._clock.now() - began
        delay = self._retries.next_delay(attempt, elapsed, error, self._random())
        if delay is None:
            asked = f", and Klaviyo asks to wait {error.retry_after:.0f} s" if error.retry_after else ""
            raise KlaviyoError(
                f"{call.endpoint.name} failed {attempt} times in {elapsed:.0f} s{asked}; tries end after "
                f"{self._retries.limit_seconds:g} s (`retry_max_seconds`; 20 at most in a check). Last: {error}"
            ) from error
        self._on_retry(str(error), delay)
        return delay


def _whole(endpoint: Endpoint, reply: Reply) -> bytes:
    """The body of a yes.

    Raises:
        Transient: Klaviyo does not answer like this: something in between does, and nobody knows what was done.
    """
    if endpoint.silent is not None and (reply.status, reply.body) != (endpoint.silent, b""):
        raise Transient(
            f"the answer {reply.status} with {len(reply.body)} bytes to {endpoint.name} is not Klaviyo's, which is "
            f"{endpoint.silent} without a body"
        )
    return reply.body
