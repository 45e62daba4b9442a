"""Part of the page about fields of people who were delivered: those left out, and those cleared in Klaviyo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import htpy as h

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.html.pieces import Column, folded, more, name, number, section, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_klaviyo_segments.report.view import Document, Field

_COLUMNS = (Column("Segment"), Column("field"), Column("rows", "n"))


def fields(document: Document) -> h.Node:
    """Values that Klaviyo does not take, and values that a null took away."""
    left_out, cleared = view.fields_of(document, "dropped_fields"), view.fields_of(document, "cleared_fields")
    if not left_out and not cleared:
        return None
    return section("fields", "Fields of delivered people", _left_out(left_out), _cleared(cleared))


def _left_out(found: list[Field]) -> h.Node:
    if not found:
        return None
    phones = any(field.name == "phone_number" for field in found)
    return [
        h.h3["Left out"],
        h.p(class_="soft")["Their value is not one that Klaviyo takes; the person was delivered without it. "],
        h.p(class_="soft")["Phone numbers without a country code need ", h.code["default_country"], "."]
        if phones
        else None,
        _table("left-out", "Fields left out, by segment", found),
    ]


def _cleared(found: list[Field]) -> h.Node:
    if not found:
        return None
    return [
        h.h3["Cleared in Klaviyo"],
        h.p(class_="soft")["The row has null there, and this target had given the person the value that is gone now."],
        _table("cleared", "Fields cleared, by segment", found),
    ]


def _table(ident: str, caption: str, found: list[Field]) -> h.Node:
    shown = found[: view.ROWS_SHOWN]
    rows: Iterator[list[h.Node]] = (
        [name(field.stream), h.span(class_="mono")[field.name], number(field.rows)] for field in shown
    )
    all_rows = words.count(sum(field.rows for field in found))
    return folded(
        len(shown),
        f"{words.plural(len(found), 'line')}, {all_rows} rows in all",
        table(ident, caption, _COLUMNS, rows, caption_class="hidden"),
        more(len(found) - len(shown), "lines"),
    )
