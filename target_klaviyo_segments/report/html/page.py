"""The page, whole: what a document says, in the order in which a person asks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import htpy as h
from markupsafe import Markup

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.html import fields, foretold, past, people, rows, timeline
from target_klaviyo_segments.report.html.pieces import name, pill, prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_klaviyo_segments.report.view import Document

# Even a mistake of ours cannot make the page ask anybody for anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
KEPT_ROWS_SHOWN = 500
_CODES = frozenset({"Run", "Retry of run"})


def render(document: Document, kept: Sequence[dict[str, Any]] | None = None) -> str:
    """The page as HTML. `kept`, lines of the rejects file, put personal data into it; without them it has none."""
    ran = document["status"] != "skipped"
    body = h.body[
        h.main[
            _top(document),
            foretold.plan(document),
            [rows.fates(document), rows.where(document), timeline.over_time(document)] if ran else None,
            [rows.rejected(document), fields.fields(document), people.who_left(document)] if ran else None,
            [people.consent(document), people.suppression(document)] if ran else None,
            past.warnings(document),
            people.kept_rows(kept[:KEPT_ROWS_SHOWN], len(kept) - KEPT_ROWS_SHOWN) if kept is not None else None,
            past.history(document),
        ],
        _bottom(document, personal=kept is not None),
    ]
    return str(h.html(lang="en")[_head(document), body])


def _head(document: Document) -> h.Element:
    status, what = view.status_of(document), "dry run, " if document.get("dry_run") else ""
    title = f"{document['connection']}: {what}{status.word.lower()}, {words.moment(document['started_at'])}"
    return h.head[
        h.meta(charset="utf-8"),
        h.meta(name="viewport", content="width=device-width, initial-scale=1"),
        h.meta({"http-equiv": "Content-Security-Policy"}, content=_POLICY),
        h.meta(name="robots", content="noindex"),
        h.meta(name="color-scheme", content="light dark"),
        h.link(rel="icon", href="data:,"),
        h.title[title],
        h.style[_style()],
    ]


def _top(document: Document) -> h.Element:
    status, message = view.status_of(document), document["message"]
    happened = "What would happen" if document.get("dry_run") else "What happened"
    return h.header(class_="top")[
        h.div(class_="line")[
            h.h1["Klaviyo export of connection ", h.span(id="connection")[name(document["connection"])]], pill(status)
        ],
        foretold.banner(document),
        h.p(class_="headline")[view.headline(document)],
        h.div(class_=f"message {status.tone}")[h.strong[happened], h.p[prose(message)]] if message else None,
        h.dl(class_="facts")[
            (
                h.div[h.dt[label], h.dd(class_="mono" if label in _CODES else "")[value]]
                for label, value in view.facts(document)
            )
        ],
    ]


def _bottom(document: Document, *, personal: bool) -> h.Element:
    who = "This page holds personal data." if personal else "No e-mail address is in this page."
    return h.footer[
        h.p[f"target-klaviyo-segments {document['version']}. Times are UTC."],
        h.p[who, " It is made from the report ", h.span(class_="mono")[document["run_id"]], " and loads nothing."],
    ]


@cache
def _style() -> Markup:
    return Markup((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))  # noqa: S704  # a file of ours
