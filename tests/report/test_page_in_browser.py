"""The page as people see it, in Chromium."""

from __future__ import annotations

import re

import pytest

from target_klaviyo_segments.report.html.page import render
from target_klaviyo_segments.report.tally import FATES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def url(run_of_everything):
    return (run_of_everything.work_dir / "report.html").absolute().as_uri()


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_any_screen_and_asks_nobody(browser, url, width, dark):
    """Desktop or phone, light or dark: nothing to scroll sideways, no complaint, not one request but the page's own."""
    browser.open(url, width=width, dark=dark)
    assert not browser.overflows
    assert browser.complaints == []
    assert browser.requests == [url]


def test_it_shows_the_numbers_of_the_report(browser, url, document):
    """Every number of the streams, the sum and the reasons is the report's."""
    browser.open(url)
    totals = document["totals"]
    numbers = [int(found.replace(",", "")) for found in re.findall(r"[\d,]+", browser.texts("#sum")[0])]
    assert numbers == [totals["read"], *(totals[fate] for fate in FATES if f" {fate}" in browser.texts("#sum")[0])]
    assert numbers[0] == sum(numbers[1:]) > 0
    cells = "[...r.cells].map(c => [c.dataset.of, c.innerText])"
    rows = browser.run(f"[...document.querySelectorAll('#streams tbody tr')].map(r => {cells})")
    for counts, row in zip(document["streams"].values(), rows, strict=True):
        assert {name: int(text.replace(",", "")) for name, text in row[1:]} == {
            name: counts[name] for name, _ in row[1:]
        }
    causes = dict(zip(browser.texts("#causes tbody th .mono"), browser.texts("#causes [data-of=rows]"), strict=True))
    assert {code: int(rows) for code, rows in causes.items()} == totals["reject_reasons"]
    assert [int(text) for text in browser.texts("#mirror-VIPS02 dd")] == [39, 35, 0, 0, 0]
    assert browser.texts("#runs [data-of=read]") == ["138", "113", "104"]


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(browser, url, dark):
    """Contrast of at least 4.5 to 1, as WCAG AA wants, of every text against what is behind it."""
    browser.open(url, dark=dark)
    assert browser.faint == []


def test_it_is_built_for_a_screen_reader(browser, url):
    """One h1, headings without gaps, a caption and scoped headings in each table, shapes hidden or named."""
    browser.open(url)
    assert browser.unheard == []


def test_it_prints_as_pages(browser, url):
    """A PDF of A4 pages, light even when the screen is dark, and nothing cut off at the side."""
    browser.open(url, width=700, dark=True, media="print")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not browser.overflows
    printed = browser.pdf()
    assert printed.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8


def test_long_names_break_and_do_not_widen_the_page(browser, document, tmp_path):
    """A stream, a list and a message without a blank in them fit a phone."""
    word = "w" * 300
    document["message"] = word
    document["streams"] = {word: document["streams"]["news"] | {"list": {"id": "L" * 64, "name": word}}}
    path = tmp_path / "long.html"
    path.write_text(render(document))
    browser.open(path.as_uri(), width=390)
    assert not browser.overflows
