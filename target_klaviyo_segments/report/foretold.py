"""What a dry run foretells: as a part of its document, and in a few lines for a terminal or a log. Pure.

No e-mails; no word that looks like trouble without cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from target_klaviyo_segments.report import words
from target_klaviyo_segments.report.text import counts_of, lists_of, reasons_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.report.document import RunReport, StreamReport

# People by what the ledger has of them.
KINDS = ("new", "changed", "due_again", "unchanged")
# Endpoints by what a request to them is.
_CALLED = {
    "Bulk Import Profiles": "import job",
    "Create List": "new list",
    "Remove Profiles from List": "removal request",
    "Bulk Subscribe Profiles": "subscription request",
    "Create or Update Profile": "clearing request",
    "Bulk Suppress Profiles": "suppression job",
    "Bulk Unsuppress Profiles": "unsuppression job",
}
_DELIVERED = "to be delivered"
_ENDS = {
    "successful": "a run would end well",
    "failed": "a run would fail",
    "canceled": "it was stopped and knows no more than it read",
}


class Requests(NamedTuple):
    """Requests of one endpoint that a run would send; the quota spreads them over so many seconds."""

    requests: int
    body_bytes: int
    seconds: float


def foretold(
    unsent: Mapping[str, Requests],
    people: Mapping[str, Mapping[str, int]],
    sample: Mapping[str, Sequence[Mapping[str, Any]]],
    new_lists: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """For the document: requests by endpoint, people and outlines of profiles by stream.

    `seconds_by_quota` is the least that the writing takes: endpoints follow each other, and each has its own quota.
    """
    streams = {stream: {kind: found.get(kind, 0) for kind in KINDS} for stream, found in people.items()}
    return {
        "people": {kind: sum(found[kind] for found in streams.values()) for kind in KINDS},
        "streams": {
            stream: {"people": found, "sample": list(sample.get(stream, ()))} for stream, found in streams.items()
        },
        "requests": {
            name: {"requests": each.requests, "bytes": each.body_bytes, "seconds_by_quota": round(each.seconds, 1)}
            for name, each in unsent.items()
        },
        "lists_to_create": list(new_lists),
        "bytes": sum(each.body_bytes for each in unsent.values()),
        "seconds_by_quota": round(sum(each.seconds for each in unsent.values()), 1),
    }


def lines_of_plan(report: RunReport, report_path: str, page: str | None) -> list[str]:
    """How a run would end; that it was none; rows; people; who leaves; requests; where to read more."""
    found = report.foretold or foretold({}, {}, {})
    people = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in found["people"].items())
    lines = [
        f"dry run {report.run_id} of connection {report.connection}, in {report.seconds:.1f} s: {_ENDS[report.status]}",
        "nothing was written to Klaviyo, neither to the ledger nor as STATE",
        f"rows: {counts_of(report.totals, delivered=_DELIVERED)}; rejected because: {reasons_of(report.totals)}",
        f"people, by the ledger: {people}",
        f"lists: {lists_of(report, delivered=_DELIVERED)}",
    ]
    lines += [f"who would leave: {told}" for told in _leaving(report)]
    return [
        *lines,
        f"to be sent: {requests_of(found)}",
        f"plan: {page or report_path}; rejects: {report.rejects_file or 'none'}; requests to read: {report.requests}",
    ]


def _leaving(report: RunReport) -> Iterator[str]:
    rows = report.totals.removed
    if rows:
        yield f"people of {words.plural(rows, 'row')} that ask for it"
    mirrored = {stream.list_id: stream for stream in report.streams if stream.mirror is not None}
    yield from (_of_mirror(stream, stream.mirror) for stream in mirrored.values() if stream.mirror is not None)


def _of_mirror(stream: StreamReport, mirror: Mapping[str, Any]) -> str:
    place = f"of the list {stream.list_name or stream.list_id}"
    if mirror["refused"]:
        return f"nobody {place}, for the mirror is refused ({mirror['leavers']} of {mirror['members_before']})"
    return f"{mirror['removed']} of {mirror['members_before']} {place}"


def requests_of(found: Mapping[str, Any]) -> str:
    """What would be sent, and how long Klaviyo's quota makes it take."""
    parts = [words.plural(each["requests"], _CALLED.get(name, name)) for name, each in found["requests"].items()]
    if not parts:
        return "nothing"
    took = f"at least {words.duration(found['seconds_by_quota'])}" if found["seconds_by_quota"] else "no wait"
    return f"{', '.join(parts)}; {words.count(found['bytes'])} bytes; {took} by Klaviyo's quota"
