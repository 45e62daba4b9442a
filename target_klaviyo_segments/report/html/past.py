"""Parts of the page about warnings, and about the runs before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import htpy as h

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.html.pieces import HIDDEN, Column, lead, more, number, prose, section, table

if TYPE_CHECKING:
    from target_klaviyo_segments.report.view import Document, Past, Warned

_FATES = ("read", "delivered", "rejected", "failed", "removed")
_FOLDED_FROM = 3
_PARTS = (("delivered", "delivered"), ("filtered", "unchanged, merged, removed, filtered"))


def warnings(document: Document) -> h.Node:
    """What the user was told in passing."""
    found = view.warnings_of(document)
    if not found:
        return None
    kinds = found[: view.ROWS_SHOWN]
    return section(
        "warnings",
        "Warnings",
        h.ul(class_="plain")[(_warned(kind) for kind in kinds)],
        more(len(found) - len(kinds), "kinds of warnings"),
    )


def _warned(kind: Warned) -> list[h.Element]:
    """A few of a kind stand side by side; of many the first, and the others folded."""
    others = kind.others
    if len(others) < _FOLDED_FROM:
        return [h.li[prose(warning)] for warning in (kind.first, *others)]
    shown = others[: view.ROWS_SHOWN]
    inner = [h.ul[(h.li[prose(warning)] for warning in shown)], more(len(others) - len(shown), "like it")]
    return [h.li[prose(kind.first), h.details[h.summary[f"and {words.count(len(others))} more of this kind"], inner]]]


def history(document: Document) -> h.Node:
    """The last runs, as columns and as a table; a dry run is none."""
    runs, this = view.history_of(document), document["run_id"]
    if not runs:
        return None
    columns = [Column("Began"), Column("status"), *(Column(name, "n") for name in (*_FATES, "took"))]
    return section(
        "history",
        "The first run" if len(runs) == 1 else f"The last {len(runs)} runs",
        lead("Rows read by each run, the newest on the right.") if len(runs) > 1 else None,
        [_legend(), h.div(HIDDEN, class_="runs")[map(_column, runs)]] if len(runs) > 1 else None,
        table(
            "runs",
            "Runs, the newest first",
            columns,
            (_row(past, this=past.run["run_id"] == this) for past in reversed(runs)),
            caption_class="hidden",
        ),
    )


def _legend() -> h.Element:
    trouble = h.li[h.i(class_="f-rejected"), "rejected, failed"]
    return h.ul(HIDDEN, class_="legend")[(h.li[h.i(class_=f"f-{name}"), label] for name, label in _PARTS), trouble]


def _column(past: Past) -> h.Element:
    run, status = past.run, past.status
    told = f"{words.moment(run['began_at'])}, {status.word.lower()}: {words.count(run['read'])} rows read"
    return h.span(title=told)[
        h.span(class_="col")[
            h.i(class_="f-rejected", style=f"height:{past.trouble}%"),
            h.i(class_="f-filtered", style=f"height:{past.other}%"),
            h.i(class_="f-delivered", style=f"height:{past.delivered}%"),
        ],
        h.span(class_=f"mark {status.tone}")[status.mark],
    ]


def _row(past: Past, *, this: bool) -> list[h.Node]:
    run, status = past.run, past.status
    return [
        [
            h.span(class_="word")[words.moment(run["began_at"])],
            h.span(class_="soft word")[" this run"] if this else None,
        ],
        h.span(class_="word")[h.span(HIDDEN)[status.mark], " ", status.word],
        *(number(run[name]) for name in _FATES),
        words.duration(run["seconds"]),
    ]
