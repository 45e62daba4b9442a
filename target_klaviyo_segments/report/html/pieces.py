"""Small pieces of a page: numbers, bars, tables. Nothing is told by colour alone, and a table is one on a phone too.

Cells are turned into text where they are made: an element hands each piece of what is in it up through every element
around it, and a table stands deep in a page.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import htpy as h
from markupsafe import Markup

from target_klaviyo_segments.report.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from target_klaviyo_segments.report.view import Fate
    from target_klaviyo_segments.report.words import Status

HIDDEN = {"aria-hidden": "true"}


# Beyond so many rows a table is folded, unless it is what the page is about.
_UNFOLDED = 25


class Column(NamedTuple):
    """A column of a table; `kind` is the class of its cells: n for numbers, text for sentences."""

    label: str
    kind: str = ""


@lru_cache(maxsize=1024)
def number(rows: int) -> Markup:
    """A count, paler when it is nothing."""
    return _text(h.span(class_="" if rows else "zero")[count(rows)])


def name(text: str) -> Markup:
    """What somebody named; it may be written from right to left, which is not to turn what stands around it."""
    return _text(h.bdi[text])


def pill(status: Status) -> h.Element:
    """The status of a run."""
    return h.span(class_=f"pill {status.tone}")[h.span(HIDDEN)[status.mark], status.word]


def bar(fates: Iterable[Fate], size: str = "") -> h.Element:
    """Fates by their share; the numbers stand beside it."""
    parts = (h.i(class_=f"f-{fate.name}", style=f"flex:{fate.rows}") for fate in fates if fate.rows)
    return h.div(HIDDEN, class_=f"bar {size}".strip())[_joined(parts)]


def prose(text: str) -> list[h.Node]:
    """A sentence in which names stand between backquotes, as all our messages have them."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # somebody's own backquote
        return [text]
    return [h.code[part] if place % 2 else part for place, part in enumerate(parts)]


def section(ident: str, title: str, *content: h.Node) -> h.Element:
    """A part of the page with its heading."""
    return h.section(aria_labelledby=ident)[h.h2(id=ident)[title], content]


def lead(*words: h.Node) -> h.Element:
    """The sentence below a heading."""
    return h.p(class_="lead")[words]


def table(
    ident: str,
    caption: h.Node,
    columns: Sequence[Column],
    rows: Iterable[Sequence[h.Node]],
    *,
    foot: Sequence[h.Node] | None = None,
    caption_class: str = "",
) -> h.Element:
    """Rows under their columns; the first cell of each is its heading."""
    head = (h.th(scope="col", class_="n" if column.kind == "n" else "")[column.label] for column in columns)
    row = _row_of(columns)
    found = h.table(class_="cards", id=ident)[
        h.caption(class_=caption_class)[caption],
        h.thead[h.tr[head]],
        h.tbody[_joined(map(row, rows))],
        h.tfoot[row(foot)] if foot else None,
    ]
    return h.div(class_="wide")[found]


def folded(rows: int, summary: h.Node, *content: h.Node) -> h.Node:
    """What is long behind a line that opens it; on paper it is open."""
    return content if rows <= _UNFOLDED else h.details[h.summary[summary], content]


def numbers(ident: str, pairs: Iterable[tuple[str, str]]) -> h.Element:
    """A few numbers with their names."""
    return h.dl(class_="numbers", id=ident)[(h.div[h.dt[label], h.dd[value]] for label, value in pairs)]


def more(left_out: int, noun: str) -> h.Node:
    """What a table has no room for."""
    if left_out <= 0:
        return None
    return h.p(class_="soft small")[f"And {count(left_out)} more {noun}, in ", h.code["report.json"], "."]


def _row_of(columns: Sequence[Column]) -> Callable[[Sequence[h.Node]], Markup]:
    """What makes a row of these columns."""
    blank = [h.th(scope="row"), *(h.td({"data-of": column.label}, class_=column.kind) for column in columns[1:])]

    def row(cells: Sequence[h.Node]) -> Markup:
        return _text(h.tr[_joined(cell[content] for cell, content in zip(blank, cells, strict=True))])

    return row


def _joined(elements: Iterable[h.Element | Markup]) -> Markup:
    return Markup("").join(elements)


def _text(element: h.Element) -> Markup:
    return Markup(element)  # noqa: S704  # htpy has escaped what is in it
