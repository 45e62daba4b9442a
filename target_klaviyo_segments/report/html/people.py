"""Parts of the page about who left, and about rejected people when somebody asked to see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import htpy as h

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.html.pieces import Column, folded, lead, more, name, number, prose, section, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_klaviyo_segments.report.view import Document, Mirrored

_MIRROR = {
    "members_before": "members before",
    "leavers": "left the segment",
    "removed": "taken off",
    "not_found": "not in Klaviyo any more",
    "stayed": "stay: another segment has them",
    "kept": "Klaviyo refuses to take them off",
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
        lead("People are taken off the list. Nobody is unsubscribed, suppressed or deleted for it."),
        h.p(id="removed")[asked] if removed else None,
        [_refused(found) for found in mirrors if found.outcome["refused"]],
        _mirrors(mirrors),
    )


def consent(document: Document) -> h.Node:
    """Who was subscribed, and who was left alone."""
    found = view.consents(document)
    if not found:
        return None
    outcomes = list(dict.fromkeys(outcome for _, counts in found for outcome in counts))
    return section(
        "consent",
        "Consent",
        lead(
            "Only people whose row has their consent are subscribed; who unsubscribed or is suppressed is left alone."
        ),
        table(
            "consents",
            "People by what became of their consent",
            [Column("Segment"), *(Column(outcome.replace("_", " "), "n") for outcome in outcomes)],
            ([name(stream), *(number(counts.get(outcome, 0)) for outcome in outcomes)] for stream, counts in found),
            caption_class="hidden",
        ),
    )


def suppression(document: Document) -> h.Node:
    """Whose mail was stopped, or allowed again."""
    found = view.suppressions(document)
    if not found:
        return None
    return section(
        "suppression",
        "Suppression",
        lead(
            "Who is suppressed gets no e-mail marketing, whatever list they are on and whatever they consented to. "
            "Klaviyo skips people for whom there was nothing to do, and does not say who they are."
        ),
        h.ul(class_="plain")[
            (
                h.li[h.b[stream], ": ", words.suppression_told(outcome, dry_run=bool(document.get("dry_run"))), "."]
                for stream, outcome in found
            )
        ],
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
            ([name(str(row["stream"])), number(row["row"]), str(row["reason"]), row["record"]] for row in rows),
        ),
        h.p(class_="soft small")[f"And {words.count(left_out)} more, in the rejects file."] if left_out > 0 else None,
    )


def _refused(found: Mirrored) -> h.Element:
    where = h.strong["Nobody was taken off ", _list(found)]
    return h.div(class_="message warn")[where, h.p[prose(found.outcome["refused"])]]


def _mirrors(found: list[Mirrored]) -> h.Node:
    if not found:
        return None
    shown = found[: view.ROWS_SHOWN]
    columns = [Column("List"), *(Column(label, "n") for label in _MIRROR.values())]
    rows = ([_list(one), *(number(one.outcome.get(each, 0)) for each in _MIRROR)] for one in shown)
    return [
        h.h3["Mirrored lists"],
        folded(
            len(shown),
            words.plural(len(found), "mirrored list"),
            table("mirrors", "Mirrored lists, and those who left", columns, rows, caption_class="hidden"),
            more(len(found) - len(shown), "lists"),
        ),
    ]


def _list(found: Mirrored) -> list[h.Node]:
    return [name(found.list_name), " (", h.span(class_="mono")[found.list_id], ")"]
