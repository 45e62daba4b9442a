"""Parts of the page of a dry run: that it was one, what a run would write, and what profiles would look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import htpy as h

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.foretold import KINDS, requests_of
from target_klaviyo_segments.report.html.pieces import Column, more, name, number, numbers, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_klaviyo_segments.report.view import Document

_FIELDS_SHOWN = 60
_SAMPLES_SHOWN = 20


def banner(document: Document) -> h.Node:
    """What nobody may overlook."""
    if not document.get("dry_run"):
        return None
    return h.div(class_="message warn", id="dry-run")[
        h.strong["This was a dry run"],
        h.p[
            "Nothing was written to Klaviyo. Every number below is foretold: ",
            h.b["delivered"],
            " means that the row would be sent, ",
            h.b["removed"],
            " that its person would be taken off. What Klaviyo itself refuses cannot be foretold.",
        ],
    ]


def plan(document: Document) -> h.Node:
    """People by what the ledger has of them, requests, a sample."""
    found = document.get("foretold")
    if not found:
        return None
    streams = list(found["streams"].items())[: view.ROWS_SHOWN]
    sampled = [(stream, each) for stream, each in streams if each["sample"]]
    return section(
        "plan",
        "What a run would write",
        numbers("requests-to-send", _requests(found)),
        table(
            "people",
            "People of each segment, by what this target gave Klaviyo before.",
            [Column("Segment"), *(Column(kind.replace("_", " "), "n") for kind in KINDS)],
            ([name(stream), *(number(each["people"][kind]) for kind in KINDS)] for stream, each in streams),
            foot=["All", *(number(found["people"][kind]) for kind in KINDS)],
        ),
        more(len(found["streams"]) - len(streams), "streams"),
        (_sample(place, stream, each["sample"]) for place, (stream, each) in enumerate(sampled[:_SAMPLES_SHOWN])),
        more(len(sampled) - _SAMPLES_SHOWN, "samples"),
    )


def _requests(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "to be sent", requests_of(found)
    if found["lists_to_create"]:
        named = [each["name"] for each in found["lists_to_create"]]
        yield "lists to be made", ", ".join(named[: view.ROWS_SHOWN])


def _sample(place: int, stream: str, profiles: list[dict[str, Any]]) -> h.Node:
    flat = [dict(_flat(profile)) for profile in profiles]
    paths = list(dict.fromkeys(path for each in flat for path in each))
    columns = [
        Column("Field in Klaviyo"),
        *(Column(words.count(column), "text mono") for column in range(1, len(flat) + 1)),
    ]
    return [
        h.h3["Profiles of ", name(stream), ", masked"],
        table(
            f"sample-{place}",
            "The first ones, with letters as x and digits as 9: whether each value is where it should be.",
            columns,
            ([h.span(class_="mono")[path], *(each.get(path, "") for each in flat)] for path in paths[:_FIELDS_SHOWN]),
        ),
        more(len(paths) - _FIELDS_SHOWN, "fields"),
    ]


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Fields by their path, `location.city`."""
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _flat(inner, f"{before}{key}.")
        else:
            shown = ", ".join(map(str, inner)) if isinstance(inner, list) else inner
            yield f"{before}{key}", "null" if shown is None else str(shown)
