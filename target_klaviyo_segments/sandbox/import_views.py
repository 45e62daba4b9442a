"""Import jobs as they are shown, with what became of their rows."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.sandbox.account import sparse
from target_klaviyo_segments.sandbox.envelope import answer, linkage, moment, refuse, relation, resource
from target_klaviyo_segments.sandbox.life import COMPLETE, PROCESSING, QUEUED
from target_klaviyo_segments.sandbox.list_views import list_shown
from target_klaviyo_segments.sandbox.person import sent_attributes
from target_klaviyo_segments.sandbox.profile_views import as_id, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_klaviyo_segments.sandbox.account import Account
    from target_klaviyo_segments.sandbox.asking import Ask
    from target_klaviyo_segments.sandbox.exchange import Response
    from target_klaviyo_segments.sandbox.imports import Job, RowError
    from target_klaviyo_segments.sandbox.person import Person
    from target_klaviyo_segments.sandbox.rows import Import

KIND = "profile-bulk-import-job"
# Cancelled jobs cannot be filtered for: https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_jobs
_FILTERABLE = frozenset({QUEUED, PROCESSING, COMPLETE})


def submit(account: Account, ask: Ask) -> Response:
    """Queue an import: https://developers.klaviyo.com/en/reference/bulk_import_profiles ."""
    sent: Import = ask.body
    into = account.lists.by_id.get(sent.list_id) if sent.list_id is not None else None
    if sent.list_id is not None and into is None:
        raise refuse(400, f"List {sent.list_id} does not exist.", pointer="/data/relationships/lists/data/0/id")
    job = account.jobs.submit(sent, into, ask.now)
    data = _shown(job, ask)
    return answer(202, {"data": data, "links": data["links"]})


def get_jobs(account: Account, ask: Ask) -> Response:
    """All jobs of the account: https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_jobs ."""
    wanted = [condition.values for condition in ask.query.conditions]
    if any(not _FILTERABLE.issuperset(values) for values in wanted):
        names = ", ".join(sorted(_FILTERABLE))
        raise refuse(400, f"Jobs can be filtered by the statuses {names}.", parameter="filter")
    jobs = account.jobs.living()

    def pick(position: int) -> dict[str, Any] | None:
        status = jobs[position].status(ask.now)
        return _shown(jobs[position], ask) if all(status in values for values in wanted) else None

    data, links = ask.page(pick, len(jobs))
    return answer(200, {"data": data, "links": links})


def get_job(account: Account, ask: Ask) -> Response:
    """One job: https://developers.klaviyo.com/en/reference/get_bulk_import_profiles_job ."""
    job = _job(account, ask)
    data = _shown(job, ask)
    document = {"data": data, "links": data["links"]}
    if ask.query.include:
        document["included"] = [list_shown(job.into, ask)] if job.into else []
    return answer(200, document)


def get_import_errors(account: Account, ask: Ask) -> Response:
    """Dropped rows: https://developers.klaviyo.com/en/reference/get_errors_for_bulk_import_profiles_job ."""
    job = _job(account, ask)
    errors = job.errors if job.ended else []
    nested = account.scenario.nested_original_payload

    def pick(position: int) -> dict[str, Any]:
        return _error_shown(job, position, errors[position], ask, nested=nested)

    data, links = ask.page(pick, len(errors))
    return answer(200, {"data": data, "links": links})


def get_profiles(account: Account, ask: Ask) -> Response:
    """Imported profiles: https://developers.klaviyo.com/en/reference/get_profiles_for_bulk_import_profiles_job ."""
    return _profiles(account, ask, lambda person: shown(person, ask))


def get_profile_ids(account: Account, ask: Ask) -> Response:
    """Their ids: https://developers.klaviyo.com/en/reference/get_profile_ids_for_bulk_import_profiles_job ."""
    return _profiles(account, ask, as_id)


def get_job_lists(account: Account, ask: Ask) -> Response:
    """The list of a job: https://developers.klaviyo.com/en/reference/get_list_for_bulk_import_profiles_job ."""
    into = _job(account, ask).into
    return answer(200, {"data": [list_shown(into, ask)] if into else [], "links": ask.links()})


def get_job_list_ids(account: Account, ask: Ask) -> Response:
    """Its id: https://developers.klaviyo.com/en/reference/get_list_ids_for_bulk_import_profiles_job ."""
    return answer(200, {"data": _list_ids(_job(account, ask)), "links": ask.links()})


def attributes_of(job: Job, now: float) -> dict[str, Any]:
    """The attributes of a job; the counts are those of its end."""
    status = job.status(now)
    return {
        "status": status,
        "created_at": moment(job.created),
        "total_count": job.total,
        "completed_count": len(job.done),
        "failed_count": len(job.errors) if job.ended else 0,
        "started_at": None if status == QUEUED else moment(job.started),
        "completed_at": moment(job.due) if status == COMPLETE else None,
        "expires_at": moment(job.expires),
    }


def _job(account: Account, ask: Ask) -> Job:
    job = account.jobs.get(ask.params["id"])
    if job is None:
        raise refuse(404, f"A {KIND} with id {ask.params['id']} does not exist.")
    return job


def _profiles(account: Account, ask: Ask, show: Callable[[Person], dict[str, Any]]) -> Response:
    done = _job(account, ask).done
    data, links = ask.page(lambda position: show(account.people[done[position]]), len(done))
    return answer(200, {"data": data, "links": links})


def _list_ids(job: Job) -> list[dict[str, str]]:
    return [linkage("list", job.into.id)] if job.into else []


def _shown(job: Job, ask: Ask) -> dict[str, Any]:
    own_url = ask.url(f"{KIND}s", job.id)
    wanted = ask.query.sparse(KIND)
    attributes = attributes_of(job, ask.now)
    if wanted is not None:
        return resource(KIND, job.id, sparse(attributes, wanted), own_url)
    relationships = {
        "lists": relation(own_url, "lists", _list_ids(job)),
        "profiles": relation(own_url, "profiles"),
        "import-errors": {"links": {"related": f"{own_url}import-errors/"}},
    }
    return resource(KIND, job.id, attributes, own_url, relationships)


def _error_shown(job: Job, position: int, error: RowError, ask: Ask, *, nested: bool) -> dict[str, Any]:
    """Its pointer is no row number: only the payload tells whose error it is."""
    sent = sent_attributes(error.raw)
    attributes = {
        "code": error.code,
        "title": error.title,
        "detail": error.detail,
        "source": {"pointer": "/data"},
        "original_payload": {"type": "profile", "attributes": sent} if nested else sent,
    }
    identity = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{job.id} {position}"))
    return {"type": "import-error", "id": identity, "attributes": sparse(attributes, ask.query.sparse("import-error"))}
