"""Parts of the page about rows: their fates, what went where, what was rejected and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import htpy as h

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.html.pieces import (
    HIDDEN,
    Column,
    bar,
    lead,
    more,
    name,
    number,
    prose,
    section,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_klaviyo_segments.report.view import Document, Fate


def fates(document: Document) -> h.Element:
    """The sum that must be right."""
    totals = document["totals"]
    found = view.fates_of(totals)
    return section(
        "rows",
        "Every row and its fate",
        h.p(class_="sum", id="sum")[_term("", totals["read"], "read"), _terms(found)],
        bar(found),
        h.ul(class_="fates")[(_meaning(fate) for fate in found)],
    )


def where(document: Document) -> h.Element:
    """Streams to lists."""
    streams, totals = document["streams"], document["totals"]
    if not streams:
        return section("where", "What went where", lead("The tap sent no stream."))
    shown = ["read", *view.shown_fates(totals)]
    rows = list(streams.items())[: view.ROWS_SHOWN]
    return section(
        "where",
        "What went where",
        table(
            "streams",
            "Each stream of the tap is a segment, and goes to one list, unless its people are suppressed.",
            [Column("Segment and list"), *(Column(fate, "n") for fate in shown)],
            ([_stream(stream, counts), *(number(counts[fate]) for fate in shown)] for stream, counts in rows),
            foot=["All", *(number(totals[fate]) for fate in shown)],
        ),
        more(len(streams) - len(rows), "streams"),
        _created(document),
    )


def rejected(document: Document) -> h.Element:
    """Why, and what to do."""
    causes, kept = view.causes_of(document["totals"]), document["rejects_file"]
    caption: h.Node = ["Each row, with its record, is in ", h.code[kept], "."] if kept else "By reason."
    columns = [Column("Reason"), Column("rows", "n"), Column("share", "n"), Column("What to do", "advice text")]
    return section(
        "rejected",
        "Rejected rows, and what to do",
        table("causes", caption, columns, map(_cause, causes)) if causes else lead("No row was rejected."),
        _again(document) if (kept or document["failed_file"]) and not document.get("dry_run") else None,
    )


def _terms(found: list[Fate]) -> Iterator[h.Node]:
    for place, fate in enumerate(found):
        yield _term("+" if place else "=", fate.rows, fate.name)


def _term(operator: str, rows: int, fate: str) -> h.Element:
    sign = h.span(class_="op")[f"{operator} "] if operator else None
    return h.span(class_="term")[sign, h.b[words.count(rows)], " ", h.span(class_="soft")[fate], " "]


def _meaning(fate: Fate) -> h.Element:
    swatch = h.i(HIDDEN, class_=f"f-{fate.name}")
    told = h.span[h.b[fate.name.capitalize()], " ", fate.share]
    return h.li[swatch, told, h.small[prose(words.FATE_MEANINGS[fate.name])]]


def _created(document: Document) -> h.Node:
    """Lists that were missing, which older reports do not tell of."""
    found = document.get("lists_created")
    if not found:
        return None
    columns = [Column("List"), Column("id"), Column("who opts in")]
    return [
        h.h3["Lists made by this run"],
        table(
            "created",
            ["They were missing, and ", h.code["create_list"], " is set."],
            columns,
            (
                [name(one["name"]), h.span(class_="mono")[one["id"]], words.opt_in(one["opt_in_process"])]
                for one in found
            ),
        ),
    ]


def _stream(stream: str, counts: Mapping[str, Any]) -> h.Node:
    place, suppression = counts["list"], counts.get("suppression")
    if place:
        to: h.Node = ["→ ", name(place["name"] or "list"), " (", h.span(class_="mono")[place["id"]], ")"]
    elif suppression:
        to = ["→ ", words.SUPPRESSIONS[suppression["mode"]]]
    elif counts["delivered"] or counts["failed"]:
        to = "where to is not known"
    elif counts["read"] > counts["filtered"]:
        to = "to no list"
    else:
        to = ["not exported: ", h.code["segments"], " does not name it"]
    return [name(stream), h.span(class_="to soft small")[to], bar(view.fates_of(counts), "mini")]


def _cause(cause: view.Cause) -> list[h.Node]:
    advice = cause.advice
    return [
        [advice.title, h.span(class_="to soft mono")[cause.code]],
        number(cause.rows),
        cause.share,
        [h.span(class_="soft")[prose(advice.meaning)], h.b[prose(advice.remedy)]],
    ]


def _again(document: Document) -> h.Node:
    failed = document["failed_file"]
    command = f"target-klaviyo-segments --config config.json --retry {document['run_id']}"
    return [
        h.h3["Send them again"],
        h.p(class_="soft")["Once the cause is mended, in the settings or in the kept file: ", h.code[command]],
        h.p(class_="soft")[
            "Rows that were not delivered are in ",
            h.code[failed],
            ". They also come by themselves with the next run, for no STATE has passed them.",
        ]
        if failed
        else None,
    ]
