"""What somebody who looks is shown: of everything the newest, so that an answer has a size however much there is."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.person import sent_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.imports import Job
    from target_klaviyo_segments.sandbox.lists import ListRecord
    from target_klaviyo_segments.sandbox.person import Person
    from target_klaviyo_segments.sandbox.traffic import Traffic

LISTS_SHOWN = 200
JOBS_SHOWN = ERRORS_SHOWN = MEMBERS_SHOWN = 50
REQUESTS_SHOWN = 100

Shown = dict[str, Any]


def overview(account: Account, traffic: Traffic, now: float) -> Shown:
    """The account in numbers, its lists, and the newest jobs, import errors and requests, newest first."""
    lists = list(account.lists.by_id.values())
    return {
        "account": {"id": account.id, "name": account.name},
        "counts": _counts(account, traffic),
        "lists": [_list(record) for record in lists[-LISTS_SHOWN:]],
        "lists_left_out": max(0, len(lists) - LISTS_SHOWN),
        "jobs": [_job(job, now) for job in account.jobs.latest(JOBS_SHOWN)],
        "errors": list(islice(_errors(account), ERRORS_SHOWN)),
        "requests": [entry._asdict() for entry in reversed(traffic.entries[-REQUESTS_SHOWN:])],
    }


def members(account: Account, list_id: str, below: int | None) -> Shown | None:
    """Who joined a list last, and `older`: the position below which the next are. None: there is no such list."""
    record = account.lists.by_id.get(list_id)
    if record is None:
        return None
    on_list = record.members
    places = on_list.latest(len(on_list.numbers) if below is None else below, MEMBERS_SHOWN)
    people = [(account.people[on_list.numbers[place]], on_list.joined[place]) for place in places]
    older = places[-1] if len(places) == MEMBERS_SHOWN else None
    return {"list": _list(record), "older": older, "members": [_member(*one) for one in people]}


def person(account: Account, wanted: str) -> Shown | None:
    """Everything about one person, by e-mail or profile id. None: there is nobody of that kind."""
    found = account.people.by_email(wanted.strip().lower()) or account.people.by_id(wanted.strip())
    if found is None:
        return None
    on_lists = [record for record in account.lists.by_id.values() if record.members.place(found.number) is not None]
    return {
        "id": found.id,
        "email": found.email,
        "created": found.created,
        "updated": found.updated,
        # Text, because a browser rounds what is beyond its own numbers.
        "attributes": _pretty(found.attributes()),
        "consent": _pretty(account.consents.shown(found.number)),
        "lists": [f"{record.name} ({record.id})" for record in on_lists[:LISTS_SHOWN]],
    }


def _counts(account: Account, traffic: Traffic) -> dict[str, int]:
    jobs, still_open, dropped = account.jobs.counts
    return {
        "profiles": len(account.people),
        "members": sum(len(record.members) for record in account.lists.by_id.values()),
        "jobs": jobs,
        "open": still_open,
        "dropped": dropped,
        "requests": traffic.total,
        "throttled": traffic.throttled,
        "refused": traffic.refused,
    }


def _list(record: ListRecord) -> Shown:
    return {
        "id": record.id,
        "name": record.name,
        "opt_in": record.opt_in_process,
        "members": len(record.members),
        "joined": len(record.members.numbers),
        "flows": [f"{flow.name} ({flow.status})" for flow in record.flows],
    }


def _job(job: Job, now: float) -> Shown:
    return {
        "id": job.id,
        "list": job.into.id if job.into else None,
        "status": job.status(now),
        "created": job.created,
        "rows": job.total,
        "imported": len(job.done),
        "dropped": len(job.errors) if job.ended else 0,
    }


def _errors(account: Account) -> Iterator[Shown]:
    for job in account.jobs.troubled():
        for error in job.errors:
            sent = sent_attributes(error.raw)
            whose = sent.get("email") or sent.get("phone_number") or sent.get("external_id")
            yield {"job": job.id, "created": job.created, "code": error.code, "detail": error.detail, "whose": whose}


def _member(found: Person, joined: float) -> Shown:
    known = found.attributes()
    name = " ".join(str(known[part]) for part in ("first_name", "last_name") if known.get(part))
    return {
        "id": found.id,
        "email": found.email,
        "phone": known.get("phone_number"),
        "name": name,
        "properties": len(known["properties"]),
        "joined": joined,
    }


def _pretty(value: Shown) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
