"""Klaviyo for the rest of the program: a method for each thing that is asked of it. Safe to share by threads.

On lists: `lists.one`, `lists.named`, `lists.everything`, `lists.create`. On membership, beside what is about imports:

    profile_ids(emails: Sequence[str]) -> dict[str, str]                       # e-mail to id, of those known to Klaviyo
    member_pages(list_id: str, joined: JoinedRange = EVER) -> Iterator[tuple[Person, ...]]     # the first to join first
    list_joined_span(list_id: str) -> JoinedSpan | None                        # when the first and the last joined
    remove_from_list(list_id: str, ids: Sequence[str]) -> frozenset[str]       # ids that Klaviyo does not know
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.errors import NotFound, ScopeMissing
from target_klaviyo_segments.klaviyo import answers, clearing, membership, probing, protocol, removing
from target_klaviyo_segments.klaviyo.bodies import emails_of
from target_klaviyo_segments.klaviyo.directory import Directory
from target_klaviyo_segments.klaviyo.finding import CLOCKS_DIFFER_SECONDS, KLAVIYOS_CLOCKS_DIFFER_SECONDS, Finder
from target_klaviyo_segments.klaviyo.membership import EVER, JoinedSpan
from target_klaviyo_segments.klaviyo.pacing import RetryPolicy
from target_klaviyo_segments.klaviyo.permission import Permission
from target_klaviyo_segments.klaviyo.removing import REMOVE_IDS_MAX, take_all
from target_klaviyo_segments.klaviyo.sending import Counts, Sender
from target_klaviyo_segments.klaviyo.turns import Turns
from target_klaviyo_segments.klaviyo.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from requests.adapters import BaseAdapter

    from target_klaviyo_segments.clock import Clock
    from target_klaviyo_segments.klaviyo.auth import Auth
    from target_klaviyo_segments.klaviyo.clearing import Found
    from target_klaviyo_segments.klaviyo.lists import ListInfo
    from target_klaviyo_segments.klaviyo.membership import JoinedRange, Person
    from target_klaviyo_segments.klaviyo.probing import Probe
    from target_klaviyo_segments.klaviyo.protocol import Account, JobStatus, PlanUsage, RowError

# JSON:API: https://developers.klaviyo.com/en/reference/api_overview
_MEDIA_TYPE = "application/vnd.api+json"
# 410 for a retired revision, instead of the answers of another:
# https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
_FALL_FORWARD_OPT_OUT = "X-Klaviyo-Revision-Fall-Forward-Opt-Out"


class KlaviyoClient:
    """Every method raises `KlaviyoError` when Klaviyo does not do it, and `RunStopped` when `close` came first."""

    def __init__(  # noqa: PLR0913  # what a wire, a pace and a retry need: all by keyword
        self,
        *,
        api_url: str,
        auth: Auth,
        revision: str,
        user_agent: str,
        request_timeout_seconds: float,
        retry_max_seconds: float,
        job_timeout_seconds: float,
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
        self.turns = Turns(clock, retry_max_seconds)
        self._sender = Sender(
            self._wire,
            self.turns,
            RetryPolicy(retry_max_seconds),
            api_url=api_url,
            clock=clock,
            random=random,
            on_retry=on_retry,
        )
        self._wall = wall
        self.lists = Directory(self._sender)
        self.permission = Permission(self._sender)
        self.known_jobs: set[str] = set()  # ids of import jobs that are accounted for
        self._finder = Finder(
            self,
            known=self.known_jobs,
            now=clock.now,
            wait=self.turns.wait,
            patience_seconds=job_timeout_seconds,
        )

    @property
    def counters(self) -> Counts:
        """The counts at this instant."""
        return self._sender.counters

    def account(self) -> Account:
        """The account that the key belongs to."""
        return self._sender.ask(protocol.get_account(), answers.read_account)

    def list(self, list_id: str) -> ListInfo:
        """A list, by its id."""
        return self.lists.one(list_id)

    def plan_usage(self) -> PlanUsage | None:
        """People that the plan holds and may hold; None when the key may not see it or the plan sets no limit."""
        try:
            return self._sender.ask(protocol.get_billing_usage(), answers.read_plan_usage)
        except (ScopeMissing, NotFound):
            return None

    def list_size(self, list_id: str) -> int | None:
        """How many are on a list, once a second; None when it is not told."""
        return self._sender.ask(probing.get_list_size(list_id), probing.read_list_size)

    def may(self, probe: Probe) -> bool:
        """Whether the key has the scopes that a probe needs; nothing is written."""
        try:
            self._sender.ask(probe.call, partial(probing.read_granted, probe), refusal=probing.read_refusal)
        except ScopeMissing:
            return False
        except probing.Refused:
            pass
        return True

    def submit_import(self, list_id: str, payloads: Sequence[bytes]) -> str:
        """Begin a job that writes encoded profiles and puts them on a list; its id.

        Raises:
            RowsRefused: Klaviyo names rows that it does not take. Nothing was taken.
            BodyRefused: It names none. Nothing was taken.
        """
        began = self._sender.klaviyos_time()
        since = self._wall() - CLOCKS_DIFFER_SECONDS if began is None else began - KLAVIYOS_CLOCKS_DIFFER_SECONDS
        job_id = self._sender.ask(
            protocol.import_profiles(list_id, payloads),
            answers.read_submitted,
            done=lambda: self._finder.find(emails_of(payloads), list_id, since),
        )
        self.known_jobs.add(job_id)
        return job_id

    def import_jobs(self) -> Iterator[tuple[JobStatus, ...]]:
        """Pages of the account's import jobs, newest first; also those of other integrations."""
        return self._sender.pages(protocol.list_import_jobs(), answers.read_jobs)

    def import_job(self, job_id: str) -> JobStatus:
        """One import job."""
        return self._sender.ask(protocol.get_import_job(job_id), answers.read_job)

    def import_errors(self, job_id: str) -> Iterator[RowError]:
        """The import errors of a job, of all pages."""
        return self._sender.items(protocol.get_import_errors(job_id), answers.read_import_errors)

    def job_emails(self, job_id: str) -> Iterator[str]:
        """E-mails of the profiles that a job brought in, of all pages."""
        return self._sender.items(protocol.get_job_profiles(job_id), answers.read_emails)

    def list_members(self, list_id: str) -> Iterator[str]:
        """E-mails of a list's members, of all pages."""
        return self._sender.items(protocol.get_list_profiles(list_id), answers.read_emails)

    def profile_ids(self, emails: Sequence[str]) -> dict[str, str]:
        """Klaviyo's ids of people by e-mail, of those it knows; an e-mail is spelled as it was given.

        A profile that is found by another e-mail than its own is left out: it may be somebody else by now.
        """
        asked = {email.lower(): email for email in emails}
        found: dict[str, str] = {}
        for call in membership.look_ups(emails):
            for person in self._sender.items(call, answers.read_people):
                if person.email in asked:
                    found.setdefault(asked[person.email], person.id)
        return found

    def member_pages(self, list_id: str, joined: JoinedRange = EVER) -> Iterator[tuple[Person, ...]]:
        """A list's members, the first to join first, a page at a time; several ranges may be read side by side."""
        return self._sender.pages(membership.get_members(list_id, joined), answers.read_people)

    def list_joined_span(self, list_id: str) -> JoinedSpan | None:
        """When the first and the last member joined; None when nobody is on the list."""
        ends = [
            self._sender.ask(membership.get_first_joined(list_id, last=last), answers.read_joined).items
            for last in (False, True)
        ]
        return JoinedSpan(ends[0][0], ends[1][0]) if all(ends) else None

    def remove_from_list(self, list_id: str, ids: Sequence[str]) -> frozenset[str]:
        """Take people off a list, 1,000 a request; the ids that Klaviyo refuses, which stop none of the others.

        Those are unknown to it, or merged into another profile. Who is not on the list is no hindrance. Consent and
        the profiles themselves stay as they are.

        Raises:
            IdsRefused: Klaviyo takes none of them, and names none.
        """
        each = list(dict.fromkeys(ids))
        parts = (each[at : at + REMOVE_IDS_MAX] for at in range(0, len(each), REMOVE_IDS_MAX))
        return frozenset().union(*(take_all(part, partial(self._remove, list_id)) for part in parts))

    def profiles_with(self, emails: Sequence[str], fields: Sequence[str]) -> dict[str, Found]:
        """What people have in standard fields, by e-mail as it was given, of those whom Klaviyo knows by it."""
        asked = {email.lower(): email for email in emails}
        found: dict[str, Found] = {}
        for call in clearing.look_up(emails, fields):
            for person in self._sender.items(call, clearing.read_found):
                if person.email in asked:
                    found.setdefault(asked[person.email], person)
        return found

    def clear_fields(self, profile_id: str, attributes: Mapping[str, Any]) -> None:
        """Write one profile, whose null attributes are cleared.

        Raises:
            FieldsRefused: Klaviyo does not do it for this person.
        """
        call = clearing.clear_fields(profile_id, attributes)
        self._sender.ask(call, answers.read_id, refusal=lambda reply: clearing.read_refusal(reply.status, reply.body))

    def close(self) -> None:
        """End the client: whoever waits is woken, and no request begins any more."""
        self.turns.close()
        self._wire.close()

    def _remove(self, list_id: str, ids: Sequence[str]) -> None:
        call = removing.remove_profiles(list_id, ids)
        self._sender.ask(call, bytes, refusal=lambda reply: removing.read_refusal(reply.status, reply.body, ids))


def _headers(revision: str, user_agent: str) -> dict[str, str]:
    return {
        "Accept": _MEDIA_TYPE,
        "Content-Type": _MEDIA_TYPE,
        "User-Agent": user_agent,
        "revision": revision,
        _FALL_FORWARD_OPT_OUT: "1",
    }
