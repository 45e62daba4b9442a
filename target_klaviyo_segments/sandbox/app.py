"""A Klaviyo of one account, without a socket: a request goes in, a response comes out. Time is passed in.

Reads Klaviyo's contract on its own: nothing here knows the program that it tests.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from target_klaviyo_segments.sandbox import gate
from target_klaviyo_segments.sandbox.account import Account
from target_klaviyo_segments.sandbox.asking import Ask
from target_klaviyo_segments.sandbox.consents import Consent
from target_klaviyo_segments.sandbox.envelope import Refusal, moment
from target_klaviyo_segments.sandbox.exchange import Entry, Request, Response, at_loopback
from target_klaviyo_segments.sandbox.import_views import attributes_of
from target_klaviyo_segments.sandbox.lists import GONE
from target_klaviyo_segments.sandbox.merging import merge
from target_klaviyo_segments.sandbox.oauth import OAuthApps
from target_klaviyo_segments.sandbox.query import read_query
from target_klaviyo_segments.sandbox.route import find
from target_klaviyo_segments.sandbox.routes import ROUTES
from target_klaviyo_segments.sandbox.scenario import Scenario
from target_klaviyo_segments.sandbox.traffic import Traffic
from target_klaviyo_segments.sandbox.windows import Windows, unlimited_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_klaviyo_segments.sandbox.merging import OldIds
    from target_klaviyo_segments.sandbox.route import Route

__all__ = ["DEFAULT_API_KEY", "Entry", "Request", "Response", "Sandbox"]

DEFAULT_API_KEY = "pk_sandbox_0123456789abcdef"

T = TypeVar("T")


class Sandbox(Scenario):
    """One Klaviyo account. `handle` may be called by any number of threads.

    `interceptors` are asked first, in order: a response of theirs replaces the real one, and what they raise reaches
    the caller, as a broken network would. `scopes` of None are all; `plan_profiles` of None is a plan that names none;
    `requests_kept` of None keeps a line of every request.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        api_key: str = DEFAULT_API_KEY,
        account_id: str = "SANDBX",
        account_name: str = "Sandbox Ltd",
        scopes: frozenset[str] | None = None,
        limits: bool = True,
        job_seconds: float = 0.0,
        plan_profiles: tuple[int, int] | None = (0, 1_000_000),
        requests_kept: int | None = None,
    ) -> None:
        super().__init__(job_seconds=job_seconds)
        self.interceptors: list[Callable[[Request], Response | None]] = []
        self.traffic = Traffic(requests_kept)
        self.api_keys = {api_key}
        self.access_tokens: set[str] = set()
        self.oauth = OAuthApps()
        self.scopes = scopes
        self.limits = limits
        self.now = now
        self._account = Account(account_id, account_name, self, plan_profiles)
        self._windows: dict[str, Windows] = {}
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        response = next(filter(None, (intercept(request) for intercept in self.interceptors)), None)
        words = ""
        if response is None:
            try:
                response = self.oauth.answer(request, self) or self._answer(request)
            except Refusal as refusal:
                response, words = refusal.response(), refusal.faults[0].detail
        size, at = len(request.body), self.now()
        with self._lock:
            self.traffic.note(Entry(request.method, request.path, response.status, at, size, words))
        return response

    def look(self, view: Callable[[Account, Traffic, float], T]) -> T:
        """What a view makes of all that there is, now. It changes nothing."""
        with self._lock:
            return view(self._settled(), self.traffic, self.now())

    @property
    def requests(self) -> list[Entry]:
        """The requests that were answered, oldest first."""
        return self.traffic.entries

    def add_list(self, list_id: str, name: str, opt_in_process: str = "single_opt_in") -> None:
        """Make a list with an id of one's own."""
        with self._lock:
            self._account.lists.add(list_id, name, opt_in_process, self.now())

    def hang_flow(self, list_id: str, name: str, status: str = "live") -> None:
        """Let joining a list start a flow: draft, manual or live."""
        with self._lock:
            self._account.lists.by_id[list_id].hang_flow(name, status, self.now())

    @property
    def lists(self) -> dict[str, tuple[str, str]]:
        """Name and opt-in of every list, by id."""
        with self._lock:
            return {each.id: (each.name, each.opt_in_process) for each in self._account.lists.by_id.values()}

    def members(self, list_id: str) -> list[dict[str, Any]]:
        """Who is on a list, in the order of joining: the attributes that are set, and `joined_group_at`."""
        with self._lock:
            people = self._settled().people
            members = self._account.lists.by_id[list_id].members
            return [
                {"id": people[number].id, **people[number].attributes(), "joined_group_at": moment(joined)}
                for number, joined in zip(members.numbers, members.joined, strict=True)
                if number != GONE
            ]

    @property
    def profiles(self) -> dict[str, dict[str, Any]]:
        """Attributes of everybody who has an e-mail, by e-mail."""
        with self._lock:
            by_email = self._settled().people.with_email()
            return {email: {"id": person.id, **person.attributes()} for email, person in by_email.items()}

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        """Attributes of the import jobs that can be seen, oldest first, by id."""
        with self._lock:
            now = self.now()
            return {job.id: attributes_of(job, now) for job in self._settled().jobs.living()}

    @property
    def counts(self) -> dict[str, int]:
        """How much there is: profiles, members of all lists, jobs, requests, and those of them that were throttled."""
        with self._lock:
            account = self._settled()
            return {
                "profiles": len(account.people),
                "members": sum(len(record.members) for record in account.lists.by_id.values()),
                "jobs": len(account.jobs.living()),
                "requests": self.traffic.total,
                "throttled": self.traffic.throttled,
            }

    def merge(self, source_id: str, destination_id: str, old_ids: OldIds = "refused") -> None:
        """Let one profile become part of another; its own id is then `refused`, `followed` or `ignored`."""
        with self._lock:
            merge(self._settled(), source_id, destination_id, self.now(), old_ids)

    def consent(self, email: str) -> Consent:
        """What a person has consented to, to look at or to change: `unsubscribe` it, or suppress it."""
        with self._lock:
            person = self._settled().people.by_email(email)
            return self._account.consents.of(person.number) if person else Consent()

    def confirm(self, email: str) -> None:
        """Let a person press the button in the mail that double opt-in sends."""
        with self._lock:
            self._settled().consents.pending.pop(email)(self.now())

    def refuse_rows(self, predicate: Callable[[dict[str, Any]], tuple[str, str] | None] | None) -> None:
        """Drop rows of later imports with an import error of this code and detail; None ends it."""
        self.row_refusal = predicate

    def refuse_at_submit(self, predicate: Callable[[dict[str, Any]], str | None] | None) -> None:
        """Refuse later imports that hold such a row with a 400 that names it in these words; None ends it."""
        self.submit_refusal = predicate

    def cancel_jobs(self, jobs: int = 1) -> None:
        """Let the next jobs end cancelled: nothing of them is imported."""
        self.plan_fates("cancelled", jobs)

    def job_status_override(self, status: str, jobs: int = 1) -> None:
        """Let the next jobs show this status for ever: `processing`, or one that nobody knows."""
        self.plan_fates(status, jobs)

    def _answer(self, request: Request) -> Response:
        """The gate and the windows under the lock, the body decoded outside of it, the endpoint under it again."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        caller = gate.caller(headers, self.api_keys, self.access_tokens)
        route, params = find(ROUTES, request.method, request.path)
        gate.check_revision(headers)
        gate.check_scopes(self.scopes, route.scopes)
        query = read_query(request.query, route.parameters)
        with self._lock:
            now = self.now()
            windows = self._windows.setdefault(caller, Windows())
            limits = windows.take(route.budgets(query), now) if self.limits else unlimited_headers()
        body = self._read(route, headers, request.body)
        origin = _origin(headers)
        with self._lock:
            at = max(now, self.now())
            ask = Ask(origin, request.path, request.query, params, query, at, self._account.consents, body)
            self._account.advance(ask.now)
            response = route.handler(self._account, ask)
        return replace(response, headers={**response.headers, **limits})

    def _read(self, route: Route, headers: Mapping[str, str], body: bytes) -> Any:  # noqa: ANN401  # each route's own
        if route.read is None:
            return None
        plain = gate.read_body(headers, body)
        gate.check_json(plain)
        return route.read(plain, self)

    def _settled(self) -> Account:
        self._account.advance(self.now())
        return self._account


def _origin(headers: Mapping[str, str]) -> str:
    """What links begin with; a request that names no host gets links that name none."""
    host = headers.get("host")
    if not host:
        return ""
    return f"{'http' if at_loopback(host) else 'https'}://{host}"
