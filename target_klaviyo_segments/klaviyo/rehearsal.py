"""Klaviyo as a dry run knows it: it reads, and what it would write is counted and taken for done."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.klaviyo import clearing, consent, lists, protocol, removing, suppressing
from target_klaviyo_segments.klaviyo.client import KlaviyoClient
from target_klaviyo_segments.klaviyo.directory import Directory
from target_klaviyo_segments.klaviyo.lists import ListInfo
from target_klaviyo_segments.klaviyo.membership import EVER
from target_klaviyo_segments.klaviyo.permission import Permission
from target_klaviyo_segments.klaviyo.protocol import COMPLETE, JobStatus
from target_klaviyo_segments.klaviyo.suppressing import KINDS
from target_klaviyo_segments.klaviyo.suppressions import SuppressionJobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.klaviyo.consent import Subscriber
    from target_klaviyo_segments.klaviyo.membership import JoinedRange, JoinedSpan, Person
    from target_klaviyo_segments.klaviyo.protocol import Call, Endpoint, RowError
    from target_klaviyo_segments.klaviyo.sending import Sender
    from target_klaviyo_segments.klaviyo.suppressing import Kind


@dataclass(frozen=True, slots=True)
class Amount:
    """Requests, and the bytes of their bodies."""

    requests: int = 0
    body_bytes: int = 0


class Unsent:
    """Requests that a run would send, counted by endpoint. Shared by threads; they are kept nowhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._amounts: dict[Endpoint, Amount] = {}

    def note(self, call: Call) -> int:
        """A request is not sent; it is the so-manyth of its endpoint."""
        size = len(call.body) if call.body is not None else 0
        with self._lock:
            before = self._amounts.get(call.endpoint, Amount())
            self._amounts[call.endpoint] = Amount(before.requests + 1, before.body_bytes + size)
            return before.requests + 1

    @property
    def amounts(self) -> Mapping[Endpoint, Amount]:
        """How much there was, by endpoint."""
        with self._lock:
            return dict(self._amounts)


class Rehearsal(KlaviyoClient):
    """The client of a dry run: Klaviyo takes everything, at once, and refuses nobody.

    `unsent` is what would have been sent. A list that would be made has an ID that Klaviyo gives to none. Who would be
    off a list by now is not read from it.
    """

    def __init__(self, **parts: Any) -> None:  # noqa: ANN401  # the client's
        super().__init__(**parts)
        self.unsent = Unsent()
        self._unmade = _Unmade(self._sender, self.unsent)
        self._off: defaultdict[str, set[str]] = defaultdict(set)  # ids by list, some 100 bytes each
        self.lists = self._unmade
        self.permission = _Unasked(self._sender, self.unsent)

    def submit_import(self, list_id: str, payloads: Sequence[bytes]) -> str:
        """Count a job; an id for it."""
        return f"dry-run-{self.unsent.note(protocol.import_profiles(list_id, payloads))}"

    def import_jobs(self) -> Iterator[tuple[JobStatus, ...]]:
        """None: there are no jobs of this run, and others' do not matter to it."""
        return iter(())

    def import_job(self, job_id: str) -> JobStatus:
        """A job that has ended well; what is in it is for its sender to know."""
        return _well_ended(job_id)

    def import_errors(self, job_id: str) -> Iterator[RowError]:  # noqa: ARG002  # the client's signature
        """None."""
        return iter(())

    def list_joined_span(self, list_id: str) -> JoinedSpan | None:
        """As the client's; nobody is on a list that is not made."""
        return None if list_id in self._unmade.by_id else super().list_joined_span(list_id)

    def member_pages(self, list_id: str, joined: JoinedRange = EVER) -> Iterator[tuple[Person, ...]]:
        """As the client's, but for those whom this run would have taken off before; not while some are taken off."""
        off = self._off[list_id]
        for people in super().member_pages(list_id, joined):
            yield tuple(person for person in people if person.id not in off) if off else people

    def remove_from_list(self, list_id: str, ids: Sequence[str]) -> frozenset[str]:
        """Count the requests; nobody is refused, and nobody is on the list any more."""
        each = list(dict.fromkeys(ids))
        self._off[list_id].update(each)
        for at in range(0, len(each), removing.REMOVE_IDS_MAX):
            self.unsent.note(removing.remove_profiles(list_id, each[at : at + removing.REMOVE_IDS_MAX]))
        return frozenset()

    def clear_fields(self, profile_id: str, attributes: Mapping[str, Any]) -> None:
        """Count the request."""
        self.unsent.note(clearing.clear_fields(profile_id, attributes))


class _Unmade(Directory):
    """The account's lists, and those that a run would make."""

    def __init__(self, sender: Sender, unsent: Unsent) -> None:
        super().__init__(sender)
        self._unsent = unsent
        self.by_id: dict[str, ListInfo] = {}

    def one(self, list_id: str) -> ListInfo:
        return self.by_id.get(list_id) or super().one(list_id)

    def create(self, name: str, opt_in_process: str | None) -> ListInfo:
        number = self._unsent.note(lists.create_list(name, opt_in_process))
        # As long as Klaviyo's, which have letters and digits alone: https://developers.klaviyo.com/en/reference/get_lists
        made = ListInfo(f"new-{number:02}", name, opt_in_process, flows=())
        self.by_id[made.id] = made
        return made


class _Unasked(Permission):
    """People's consent as it is, and nobody who is subscribed."""

    def __init__(self, sender: Sender, unsent: Unsent) -> None:
        super().__init__(sender)
        self._unsent = unsent
        self.suppressions = {mode: _Unbegun(sender, kind, unsent) for mode, kind in KINDS.items()}

    def subscribe(
        self, list_id: str, people: Sequence[Subscriber], *, custom_source: str | None, historical_import: bool
    ) -> bool:
        call = consent.subscribe(list_id, people, custom_source=custom_source, historical_import=historical_import)
        self._unsent.note(call)
        return False


class _Unbegun(SuppressionJobs):
    """Suppression jobs that end at once; before there is one, the account's own are read, as any run does."""

    def __init__(self, sender: Sender, kind: Kind, unsent: Unsent) -> None:
        super().__init__(sender, kind)
        self._unsent = unsent
        self._begun = False

    def begin(self, profiles: Sequence[bytes]) -> str:
        self._begun = True
        number = self._unsent.note(suppressing.begin(self._kind, profiles))
        return f"dry-run-{self._kind.resource}-{number}"

    def all(self) -> Iterator[tuple[JobStatus, ...]]:
        return iter(()) if self._begun else super().all()

    def one(self, job_id: str) -> JobStatus:
        return _well_ended(job_id)


def _well_ended(job_id: str) -> JobStatus:
    return JobStatus(job_id, COMPLETE, ended=True, total=0, completed=0, failed=0, created_at=None)
