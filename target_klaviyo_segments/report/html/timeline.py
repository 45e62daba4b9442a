"""The part of the page about time: jobs against Klaviyo's quota, and each export's stretch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import htpy as h

from target_klaviyo_segments.report import view, words
from target_klaviyo_segments.report.chart import chart_of
from target_klaviyo_segments.report.html.pieces import (
    HIDDEN,
    Column,
    folded,
    lead,
    more,
    name,
    number,
    numbers,
    section,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from markupsafe import Markup

    from target_klaviyo_segments.report.chart import Bar, Chart
    from target_klaviyo_segments.report.view import Document

_BRAKED_FROM = 90
_NEAR_THE_EDGE = 92
_LINES = (("quota", "the quota allows"), ("submitted", "jobs sent"), ("ended", "jobs ended"))


def over_time(document: Document) -> h.Element:
    """Chart, exports, requests."""
    chart = chart_of(document)
    return section(
        "time",
        "Over time, against Klaviyo's quota",
        [_words(chart), _legend(), _plot(chart)] if chart else lead(_jobs_alone(document["totals"].get("jobs"))),
        _exports(document),
        numbers("requests", _requests(document)),
    )


def _jobs_alone(jobs: int | None) -> str:
    return f"{words.plural(jobs, 'import job')} sent; when is not known." if jobs else "No import job was sent."


def _words(chart: Chart) -> h.Element:
    brake = "was" if chart.quota_used >= _BRAKED_FROM else "was not"
    used = h.span(id="quota-used")[f"{chart.quota_used:.0f}%"]
    jobs = words.plural(chart.jobs, "import job")
    end = f" of what Klaviyo's quota would have let through until the last one was sent. The quota {brake} the brake."
    return lead(jobs, ", ", used, end)


def _legend() -> h.Element:
    return h.ul(HIDDEN, class_="legend")[
        (h.li[h.svg(viewBox="0 0 30 10")[h.path(class_=f"l l-{name}", d="M1 5H29")], label] for name, label in _LINES)
    ]


def _plot(chart: Chart) -> h.Element:
    left_out = chart.bars_left_out
    return h.div(class_="plot")[
        h.div(HIDDEN, class_="y")[(h.span(style=f"bottom:{tick.place}%")[tick.label] for tick in chart.y_ticks)],
        h.div(class_="area")[_drawing(chart)],
        h.div(HIDDEN, class_="x")[_times(chart)],
        h.ul(HIDDEN, class_="gantt")[
            (_stretch(bar) for bar in chart.bars),
            h.li(class_="soft")[f"and {words.count(left_out)} more exports"] if left_out else None,
        ],
    ]


def _drawing(chart: Chart) -> h.Element:
    told = f"Import jobs sent and ended over {words.duration(chart.seconds)}: {words.count(chart.jobs)} in all, "
    return h.svg(
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        role="img",
        aria_label=told + "beside what the quota would have let through",
    )[
        (h.path(class_="grid", d=f"M0 {100 - tick.place}H100") for tick in chart.y_ticks[1:]),
        h.polygon(class_="under", points=f"0,100 {chart.ended} 100,100"),
        h.polyline(class_="l l-quota", points=chart.quota),
        h.polyline(class_="l l-ended", points=chart.ended),
        h.polyline(class_="l l-submitted", points=chart.submitted),
    ]


def _times(chart: Chart) -> Iterator[h.Element]:
    for tick in chart.x_ticks:
        edge = "end" if tick.place > _NEAR_THE_EDGE else ""
        yield h.span(class_=edge, style=f"left:{tick.place:.2f}%")[tick.label if tick.place else "0"]


def _stretch(bar: Bar) -> h.Element:
    return h.li[
        h.span(class_="words late" if bar.late else "words")[name(bar.label), " ", h.span(class_="soft")[bar.told]],
        h.span(class_="track")[h.i(style=f"left:{bar.left:.2f}%;width:{bar.width:.2f}%")],
    ]


def _exports(document: Document) -> h.Node:
    found = view.exports_of(document)
    if not found:
        return None
    counts = ("profiles", "delivered", "rejected", "failed", "jobs")
    labels = ("profiles", "delivered", "rejected by Klaviyo", "failed", "jobs", "took")
    shown = found[: view.ROWS_SHOWN]
    columns = [Column("Segment and export"), Column("state"), *(Column(each, "n") for each in labels)]
    rows = (_export(stream, export, [number(export[each]) for each in counts], took) for stream, export, took in shown)
    limit = h.code["max_profiles_per_export"]
    caption = ["An export is one pass of a segment into its list, and is closed at ", limit, "."]
    more_exports = more(len(found) - len(shown), "exports")
    return [
        h.h3["Exports"],
        folded(len(shown), words.plural(len(found), "export"), table("exports", caption, columns, rows), more_exports),
    ]


def _export(stream: str, export: Mapping[str, Any], counts: list[Markup], took: str) -> list[h.Node]:
    return [[name(stream), h.span(class_="soft")[f" {export['number']}"]], str(export["status"]), *counts, took]


def _requests(document: Document) -> Iterator[tuple[str, str]]:
    yield "requests to Klaviyo", words.known(document["requests"])
    yield "of them throttled", words.known(document["throttled"])
    plan = view.plan_of(document)
    if plan is not None:
        yield "profiles in the plan, before", plan
