"""Parts of the page about who left, and about rejected people when somebody asked to see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import htpy as h

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.html.pieces import Column, lead, number, numbers, prose, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_klaviyo_segments.report.view import Document, Mirrored

_MIRROR = {
    "members_before": "members before",
    "leavers": "left the segment",
    "removed": "taken off the list",
    "not_found": "no longer in Klaviyo",
    "stayed": "stay: another segment has them",
}


def who_left(document: Document) -> h.Node:
    """What mirrors and delete markers did, or why not."""
    removed, mirrors = document["totals"]["removed"], list(view.mirrored(document))
    if not removed and not mirrors:
        return None
    asked = f"{words.plural(removed, 'row')} asked for {'a person' if removed == 1 else 'people'} to leave."
    return section(
        "left",
        "Who left",
        lead("People are taken off the list. Nobody is unsubscribed, suppressed or deleted."),
        h.p(id="removed")[asked] if removed else None,
        map(_mirror, mirrors),
    )


def consent(document: Document) -> h.Node:
    """Who was subscribed, and who was left alone."""
    found = view.consents(document)
    if not found:
        return None
    names = list(dict.fromkeys(name for _, counts in found for name in counts))
    return section(
        "consent",
        "Consent",
        lead(
            "Only people whose row has their consent are subscribed; who unsubscribed or is suppressed is left alone."
        ),
        table(
            "consents",
            "People by what became of their consent",
            [Column("Segment"), *(Column(name.replace("_", " "), "n") for name in names)],
            ([stream, *(number(counts.get(name, 0)) for name in names)] for stream, counts in found),
            caption_class="hidden",
        ),
    )


def kept_rows(rows: Sequence[Mapping[str, Any]], left_out: int) -> h.Element:
    """Rows of the rejects file."""
    columns = [Column("Segment"), Column("row", "n"), Column("reason", "text"), Column("record", "text mono")]
    return section(
        "kept",
        "The rejected rows themselves",
        table(
            "kept-rows",
            "This part holds personal data. Delete the page when it has served.",
            columns,
            ([str(row["stream"]), number(row["row"]), str(row["reason"]), row["record"]] for row in rows),
        ),
        h.p(class_="soft small")[f"And {words.count(left_out)} more, in the rejects file."] if left_out > 0 else None,
    )


def _mirror(found: Mirrored) -> h.Element:
    refused = found.outcome["refused"]
    return h.div(class_="mirror")[
        h.h3["Mirror of ", found.list_name, " (", h.span(class_="mono")[found.list_id], ")"],
        h.div(class_="message warn")[h.strong["Nobody was taken off"], h.p[prose(refused)]] if refused else None,
        numbers(f"mirror-{found.list_id}", _numbers(found.outcome)),
    ]


def _numbers(outcome: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, label in _MIRROR.items():
        yield label, words.count(outcome[name])
