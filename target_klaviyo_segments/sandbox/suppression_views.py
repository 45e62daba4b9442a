"""Bulk suppression and its lifting, as they are asked for and shown.

https://developers.klaviyo.com/en/reference/bulk_suppress_profiles
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from target_klaviyo_segments.sandbox.account import sparse
from target_klaviyo_segments.sandbox.contact import email_fault
from target_klaviyo_segments.sandbox.decoding import decode
from target_klaviyo_segments.sandbox.envelope import Fault, Refusal, answer, linkage, moment, refuse, relation, resource
from target_klaviyo_segments.sandbox.life import COMPLETE
from target_klaviyo_segments.sandbox.rows import ROWS_POINTER
from target_klaviyo_segments.sandbox.shapes import ToList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.lists import ListRecord
    from target_klaviyo_segments.sandbox.scenario import Scenario
    from target_klaviyo_segments.sandbox.suppressions import SuppressionJob

    Handler = Callable[[Account, Ask], Response]

# https://developers.klaviyo.com/en/reference/bulk_suppress_profiles
PEOPLE_MAX = 100
KINDS = {False: "profile-suppression-bulk-create-job", True: "profile-suppression-bulk-delete-job"}


class _Attributes(Struct, forbid_unknown_fields=True):
    email: str


class _Profile(Struct, forbid_unknown_fields=True):
    type: Literal["profile"]
    attributes: _Attributes


class _Profiles(Struct, forbid_unknown_fields=True):
    data: list[_Profile]


class _JobAttributes(Struct, forbid_unknown_fields=True):
    profiles: _Profiles | None = None


class _SegmentId(Struct, forbid_unknown_fields=True):
    type: Literal["segment"]
    id: str


class _Segment(Struct, forbid_unknown_fields=True):
    data: _SegmentId


class _Relationships(Struct, forbid_unknown_fields=True):
    list: ToList | None = None
    segment: _Segment | None = None


class _Job(Struct, forbid_unknown_fields=True):
    type: Literal["profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"]
    attributes: _JobAttributes
    relationships: _Relationships = msgspec.field(default_factory=_Relationships)


class _Body(Struct, forbid_unknown_fields=True):
    data: _Job


_body = msgspec.json.Decoder(_Body)


def reading(*, lifts: bool) -> Callable[[bytes, Scenario], _Job]:
    """What reads the body of a job of one kind: people, a list, or a segment; one of the three and no other."""

    def read(body: bytes, scenario: Scenario) -> _Job:
        job = decode(_body, body).data
        if job.type != KINDS[lifts]:
            raise refuse(400, f"'{job.type}' is not '{KINDS[lifts]}'.", pointer="/data/type")
        linked = job.relationships
        if sum(each is not None for each in (job.attributes.profiles, linked.list, linked.segment)) != 1:
            raise refuse(400, "Exactly one of profiles, list and segment is required.", pointer="/data/attributes")
        if job.attributes.profiles is not None:
            _check(job.attributes.profiles.data, scenario)
        return job

    return read


def submitting(*, lifts: bool) -> Handler:
    """What queues a job of one kind."""

    def submit(account: Account, ask: Ask) -> Response:
        job: _Job = ask.body
        into = _list_of(account, job.relationships)
        sent = job.attributes.profiles
        emails = (
            [row.attributes.email.lower() for row in sent.data] if sent is not None else list(_members(account, into))
        )
        made = account.suppressions.submit(emails, ask.now, lifts=lifts, list_id=into.id if into is not None else None)
        return _document(202, _shown(made, ask))

    return submit


def showing_all(*, lifts: bool) -> Handler:
    """What shows the jobs of one kind."""

    def show(account: Account, ask: Ask) -> Response:
        jobs = account.suppressions.of_kind(lifts=lifts)

        def pick(position: int) -> dict[str, Any] | None:
            job = jobs[position]
            facts = {"status": job.status(ask.now), "list_id": job.list_id or "", "segment_id": ""}
            fits = all(condition.holds(facts[condition.field]) for condition in ask.query.conditions)
            return _shown(job, ask) if fits else None

        data, links = ask.page(pick, len(jobs))
        return answer(200, {"data": data, "links": links})

    return show


def showing_one(*, lifts: bool) -> Handler:
    """What shows a job of one kind."""

    def show(account: Account, ask: Ask) -> Response:
        job = account.suppressions.get(ask.params["id"], lifts=lifts)
        if job is None:
            raise refuse(404, f"A {KINDS[lifts]} with id {ask.params['id']} does not exist.")
        return _document(200, _shown(job, ask))

    return show


def _check(rows: Sequence[_Profile], scenario: Scenario) -> None:
    if not 0 < len(rows) <= PEOPLE_MAX:
        raise refuse(400, f"1 to {PEOPLE_MAX} profiles are accepted.", pointer=ROWS_POINTER)
    faults = list(_faults(rows, scenario))
    if faults:
        raise Refusal(400, faults if scenario.name_all_bad_rows else faults[:1])


def _faults(rows: Sequence[_Profile], scenario: Scenario) -> Iterator[Fault]:
    for at, row in enumerate(rows):
        email, pointer = row.attributes.email, f"{ROWS_POINTER}/{at}/attributes/email"
        fault = email_fault(email)
        objection = scenario.suppression_refusal and scenario.suppression_refusal(email)
        if fault or objection:
            yield Fault(fault.detail if fault else objection or "", {"pointer": pointer})


def _list_of(account: Account, linked: _Relationships) -> ListRecord | None:
    """Segments are nowhere in the sandbox, so none exists."""
    if linked.segment is not None:
        raise refuse(
            400, f"Segment {linked.segment.data.id} does not exist.", pointer="/data/relationships/segment/data/id"
        )
    if linked.list is None:
        return None
    found = account.lists.by_id.get(linked.list.data.id)
    if found is None:
        raise refuse(400, f"List {linked.list.data.id} does not exist.", pointer="/data/relationships/list/data/id")
    return found


def _members(account: Account, into: ListRecord | None) -> Iterator[str]:
    """Addresses of all who are on the list at this moment."""
    for number in into.members.numbers if into is not None else ():
        email = account.people[number].email if number >= 0 else None
        if email:
            yield email


def _document(status: int, data: dict[str, Any]) -> Response:
    return answer(status, {"data": data, "links": data["links"]})


def _shown(job: SuppressionJob, ask: Ask) -> dict[str, Any]:
    kind = KINDS[job.lifts]
    own_url = ask.url(f"{kind}s", job.id)
    status = job.status(ask.now)
    attributes = {
        "status": status,
        "created_at": moment(job.created),
        "total_count": job.total,
        "completed_count": job.total if status == COMPLETE else 0,
        "completed_at": moment(job.due) if status == COMPLETE else None,
        "skipped_count": job.skipped,
    }
    wanted = ask.query.sparse(kind)
    if wanted is not None:
        return resource(kind, job.id, sparse(attributes, wanted), own_url)
    lists = [linkage("list", job.list_id)] if job.list_id else []
    relationships = {"lists": relation(own_url, "lists", lists), "segments": relation(own_url, "segments", [])}
    return resource(kind, job.id, attributes, own_url, relationships)
