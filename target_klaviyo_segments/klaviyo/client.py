"""Klaviyo for the rest of the program: waits its turn, sends, tries again, follows pages. Safe to share by threads."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from target_klaviyo_segments.errors import KlaviyoError, NotFound, ScopeMissing, Transient
from target_klaviyo_segments.klaviyo import answers, protocol
from target_klaviyo_segments.klaviyo.bodies import emails_of
from target_klaviyo_segments.klaviyo.finding import Finder
from target_klaviyo_segments.klaviyo.pacing import RetryPolicy
from target_klaviyo_segments.klaviyo.refusals import read_failure
from target_klaviyo_segments.klaviyo.turns import PATIENCE_SECONDS, Turns
from target_klaviyo_segments.klaviyo.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from requests.adapters import BaseAdapter

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.klaviyo.protocol import (
        Account,
        Call,
        JobStatus,
        ListInfo,
        Page,
        PlanUsage,
        RowError,
    )

T = TypeVar("T")

# JSON:API: https://developers.klaviyo.com/en/reference/api_overview
_MEDIA_TYPE = "application/vnd.api+json"
# 410 for a retired revision, instead of the answers of another:
# https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
_FALL_FORWARD_OPT_OUT = "X-Klaviyo-Revision-Fall-Forward-Opt-Out"
# A 429 without Retry-After: the burst window is the one most easily hit.
_THROTTLED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests sent so far, and how many of them were answered by 429."""

    requests: int
    throttled: int


class KlaviyoClient:
    """Every method raises `KlaviyoError` when Klaviyo does not do it, and `RunStopped` when `close` came first."""

    def __init__(  # noqa: PLR0913  # what a wire, a pace and a retry need: all by keyword
        self,
        *,
        api_url: str,
        auth: Callable[[], str],
        revision: str,
        user_agent: str,
        request_timeout_seconds: float,
        retry_max_seconds: float,
        pool_size: int,
        clock: Clock,
        random: Callable[[], float],
        on_retry: Callable[[str, float], None],
        wall: Callable[[], float] = time.time,
        transport: BaseAdapter | None = None,
    ) -> None:
        self._wire = Wire(
            api_url=api_url,
            auth=auth,
            headers=_headers(revision, user_agent),
            timeout_seconds=request_timeout_seconds,
            pool_size=pool_size,
            clock=clock,
            transport=transport,
        )
        self._api_url = api_url
        self._clock = clock
        self._random = random
        self._on_retry = on_retry
        self._retries = RetryPolicy(retry_max_seconds)
        self._turns = Turns(clock, retry_max_seconds)
        self._lock = threading.Lock()  # over the counts
        self._requests = 0
        self._throttled = 0
        self._wall = wall
        self.known_jobs: set[str] = set()  # ids of import jobs that are accounted for
        self._finder = Finder(
            self,
            known=self.known_jobs,
            now=clock.now,
            wait=self._turns.wait,
            patience_seconds=min(retry_max_seconds, PATIENCE_SECONDS),
        )

    @property
    def counters(self) -> Counts:
        """The counts at this instant."""
        with self._lock:
            return Counts(self._requests, self._throttled)

    def account(self) -> Account:
        """The account that the key belongs to."""
        return self._ask(protocol.get_account(), answers.read_account)

    def list(self, list_id: str) -> ListInfo:
        """A list, by its id."""
        return self._ask(protocol.get_list(list_id), answers.read_list)

    def plan_usage(self) -> PlanUsage | None:
        """People that the plan holds and may hold; None when the key may not see it or the plan sets no limit."""
        try:
            return self._ask(protocol.get_billing_usage(), answers.read_plan_usage)
        except (ScopeMissing, NotFound):
            return None

    def submit_import(self, list_id: str, payloads: Sequence[bytes]) -> str:
        """Begin a job that writes encoded profiles and puts them on a list; its id.

        Raises:
            RowsRefused: Klaviyo names rows that it does not take. Nothing was taken.
            BodyRefused: It names none. Nothing was taken.
        """
        began = self._wall()
        job_id = self._ask(
            protocol.import_profiles(list_id, payloads),
            answers.read_submitted,
            done=lambda: self._finder.find(emails_of(payloads), began),
        )
        self.known_jobs.add(job_id)
        return job_id

    def import_jobs(self) -> Iterator[tuple[JobStatus, ...]]:
        """Pages of the account's import jobs, newest first; also those of other integrations."""
        return self._pages(protocol.list_import_jobs(), answers.read_jobs)

    def import_job(self, job_id: str) -> JobStatus:
        """One import job."""
        return self._ask(protocol.get_import_job(job_id), answers.read_job)

    def import_errors(self, job_id: str) -> Iterator[RowError]:
        """The import errors of a job, of all pages."""
        return self._items(protocol.get_import_errors(job_id), answers.read_import_errors)

    def job_emails(self, job_id: str) -> Iterator[str]:
        """E-mails of the profiles that a job brought in, of all pages."""
        return self._items(protocol.get_job_profiles(job_id), answers.read_emails)

    def list_members(self, list_id: str) -> Iterator[str]:
        """E-mails of a list's members, of all pages."""
        return self._items(protocol.get_list_profiles(list_id), answers.read_emails)

    def close(self) -> None:
        """End the client: whoever waits is woken, and no request begins any more."""
        self._turns.close()
        self._wire.close()

    def _items(self, call: Call, read: Callable[[bytes], Page[T]]) -> Iterator[T]:
        for page in self._pages(call, read):
            yield from page

    def _pages(self, call: Call, read: Callable[[bytes], Page[T]]) -> Iterator[tuple[T, ...]]:
        seen = {hash(call.path)}
        while True:
            page = self._ask(call, read)
            yield page.items
            if page.next_url is None:
                return
            call = protocol.follow(call, page.next_url, self._api_url)
            if hash(call.path) in seen:
                raise KlaviyoError(f"{call.endpoint.name}: Klaviyo's pages go round in a circle")
            seen.add(hash(call.path))

    def _ask(self, call: Call, read: Callable[[bytes], T], done: Callable[[], T | None] | None = None) -> T:
        """Send until there is an answer that can be read, or the time for it is over.

        `done` finds what a request did whose answer was lost, where to send it again would do harm.
        """
        self._turns.take(call.endpoint)
        began = self._clock.now()
        attempt = 1
        while True:
            try:
                return read(self._exchange(call))
            except Transient as error:
                self._turns.wait(0)  # nobody is told of a retry that the end of the run prevents
                self._turns.wait(self._delay(call, attempt, began, error))
                found = done() if done is not None and error.answer_lost else None
                if found is not None:
                    return found
            self._turns.take(call.endpoint)
            attempt += 1

    def _exchange(self, call: Call) -> bytes:
        """One attempt: the body of a 2xx."""
        with self._lock:
            self._requests += 1
        reply = self._wire.send(call)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            self._turns.learn(call.endpoint, reply.headers.get("ratelimit-limit", ""))
            return reply.body
        failure = read_failure(reply.status, reply.headers, reply.body, call)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._hold(call, failure)
        raise failure

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
                f"{call.endpoint.name} failed {attempt} times in {elapsed:.0f} s{asked}; `retry_max_seconds` is "
                f"{self._retries.limit_seconds:g}. Last: {error}"
            ) from error
        self._on_retry(str(error), delay)
        return delay


def _headers(revision: str, user_agent: str) -> dict[str, str]:
    return {
        "Accept": _MEDIA_TYPE,
        "Content-Type": _MEDIA_TYPE,
        "User-Agent": user_agent,
        "revision": revision,
        _FALL_FORWARD_OPT_OUT: "1",
    }
