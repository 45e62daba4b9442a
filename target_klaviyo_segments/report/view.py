"""A report's document as a page shows it: every number is the document's own, or a share of two of them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from target_klaviyo_segments.report import words
from target_klaviyo_segments.report.advice import Advice, advice_on
from target_klaviyo_segments.report.tally import FATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Document = dict[str, Any]

# So that a page stays one that a phone can open; report.json has everything.
ROWS_SHOWN = 200
_ALWAYS = frozenset({"delivered", "rejected", "failed"})
# Percent of a column's height below which one row would look like none.
_SEEN = 0.8
# Names stand between backquotes in our messages.
_VARYING = re.compile(r"`[^`]*`|\d+")


class Fate(NamedTuple):
    """One fate of rows, and how many had it."""

    name: str
    rows: int
    share: str


class Cause(NamedTuple):
    """A reason for which rows were rejected."""

    code: str
    rows: int
    share: str
    advice: Advice


class Field(NamedTuple):
    """A field of a stream, and how many of its delivered rows it concerns."""

    stream: str
    name: str
    rows: int


class Warned(NamedTuple):
    """Warnings that differ in names and numbers only; the first of them, and the others."""

    first: str
    others: tuple[str, ...]


class Mirrored(NamedTuple):
    """What became of those who left a mirrored list."""

    list_name: str
    list_id: str
    outcome: Mapping[str, Any]


class Past(NamedTuple):
    """A run, with the heights of its column in percent of the largest one."""

    run: Mapping[str, Any]
    status: words.Status
    delivered: float
    other: float
    trouble: float


def fates_of(counts: Mapping[str, int]) -> list[Fate]:
    """The fates that rows had, and those that everybody looks for."""
    return [Fate(fate, counts[fate], words.share(counts[fate], counts["read"])) for fate in shown_fates(counts)]


def shown_fates(counts: Mapping[str, int]) -> list[str]:
    """Names of those fates."""
    return [fate for fate in FATES if counts[fate] or fate in _ALWAYS]


def causes_of(totals: Mapping[str, Any]) -> list[Cause]:
    """Why rows were rejected, the most frequent first."""
    return [
        Cause(code, rows, words.share(rows, totals["rejected"]), advice_on(code))
        for code, rows in totals["reject_reasons"].items()
    ]


def warnings_of(document: Document) -> list[Warned]:
    """Of the run and of its streams, each once; those of a kind together."""
    found = [*document["warnings"]]
    for counts in document["streams"].values():
        found += counts["warnings"]
    kinds: dict[str, list[str]] = {}
    for warning in dict.fromkeys(found):
        kinds.setdefault(_VARYING.sub("", warning), []).append(warning)
    return [Warned(first, tuple(others)) for first, *others in kinds.values()]


def status_of(document: Document) -> words.Status:
    """How the run ended, or one like it would."""
    return words.status_of(document["status"], dry_run=bool(document.get("dry_run")))


def headline(document: Document) -> str:
    """The run in one sentence."""
    totals, seconds = document["totals"], document["seconds"]
    if document["status"] == "skipped":
        return "Nothing was read and nothing was sent."
    if document.get("dry_run"):
        return _plan_in_words(totals)
    if not totals["read"]:
        return "No row was read."
    lists = {counts["list"]["id"] for counts in document["streams"].values() if counts["list"]}
    where = f" to {words.plural(len(lists), 'list')}" if lists else ""
    rows = f"{words.count(totals['delivered'])} of {words.plural(totals['read'], 'row')}"
    return f"{rows} delivered{where}{'' if seconds is None else f' in {words.duration(seconds)}'}."


def _plan_in_words(totals: Mapping[str, int]) -> str:
    rows = f"{words.count(totals['delivered'])} of {words.plural(totals['read'], 'row')}"
    return f"A run over the same input would deliver {rows}."


def facts(document: Document) -> Iterator[tuple[str, str]]:
    """Whose run it was, and when."""
    account = document["account"]
    if account["id"]:
        yield "Klaviyo account", f"{account['name']} ({account['id']})" if account["name"] else account["id"]
    yield "Began", words.moment(document["started_at"])
    yield "Took", words.duration(document["seconds"])
    yield "Run", document["run_id"]
    if document.get("retry_of"):
        yield "Retry of run", document["retry_of"]
    yield "Started by", document["user"]
    yield "Data privacy", "accepted" if document["data_privacy_accepted"] else "not accepted"


def exports_of(document: Document) -> list[tuple[str, Mapping[str, Any], str]]:
    """Stream, export, and how long it took; without those that nobody came to."""
    return [
        (name, export, _took(export.get("began_at"), export.get("ended_at")))
        for name, counts in document["streams"].items()
        for export in counts["exports"]
        if export["profiles"]
    ]


def fields_of(document: Document, which: str) -> list[Field]:
    """Fields that a stream counts: `dropped_fields`, or `cleared_fields`, which older reports do not have."""
    return [
        Field(stream, name, rows)
        for stream, counts in document["streams"].items()
        for name, rows in (counts.get(which) or {}).items()
    ]


def mirrored(document: Document) -> Iterator[Mirrored]:
    """Each mirrored list once, whichever of its streams tells of it."""
    seen: set[str] = set()
    for counts in document["streams"].values():
        if counts.get("mirror") and counts["list"]["id"] not in seen:
            seen.add(counts["list"]["id"])
            yield Mirrored(counts["list"]["name"] or "list", counts["list"]["id"], counts["mirror"])


def consents(document: Document) -> list[tuple[str, dict[str, int]]]:
    """Streams whose people were asked to be subscribed, and the counts of what came of it."""
    return [
        (stream, {name: people for name, people in counts["consent"].items() if isinstance(people, int)})
        for stream, counts in document["streams"].items()
        if counts.get("consent")
    ]


def suppressions(document: Document) -> list[tuple[str, Mapping[str, Any]]]:
    """Streams whose people were to be suppressed, or no longer, and what came of it."""
    return [
        (stream, counts["suppression"]) for stream, counts in document["streams"].items() if counts.get("suppression")
    ]


def plan_of(document: Document) -> str | None:
    """How full the Klaviyo plan was, when that is known."""
    plan = document.get("plan") or {}
    if plan.get("used") is None or plan.get("maximum") is None:
        return None
    return f"{words.count(round(plan['used']))} of {words.count(round(plan['maximum']))}"


def history_of(document: Document) -> list[Past]:
    """Runs, this one last."""
    this = {"run_id": document["run_id"], "status": document["status"], "began_at": document["started_at"]}
    this |= {"seconds": document["seconds"], **{fate: document["totals"][fate] for fate in ("read", *FATES)}}
    runs = [*reversed(document.get("earlier_runs") or ()), *([] if document.get("dry_run") else [this])]
    most = max([1, *(run["read"] for run in runs)])
    return [_past(run, most) for run in runs]


def _past(run: Mapping[str, Any], most: int) -> Past:
    delivered, trouble = run["delivered"], run["rejected"] + run["failed"]
    parts = delivered, max(0, run["read"] - delivered - trouble), trouble
    heights = [max(_SEEN, round(100 * rows / most, 2)) if rows else 0.0 for rows in parts]
    return Past(run, words.status_of(run["status"]), *heights)


def _took(began: str | None, ended: str | None) -> str:
    first, last = words.at(began), words.at(ended)
    return "unknown" if first is None or last is None else words.duration((last - first).total_seconds())
