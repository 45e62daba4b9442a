"""The page as people see it, in Chromium."""

from __future__ import annotations

import json
import re

import pytest

from target_klaviyo_segments.report.html.page import render
from target_klaviyo_segments.report.tally import FATES

pytestmark = pytest.mark.browser


@pytest.fixture
def url(run_of_everything):
    return (run_of_everything.work_dir / "report.html").absolute().as_uri()


@pytest.fixture(params=["report", "plan"])
def either(request, url, plan_of_everything):
    """The page of a run, and that of a dry run."""
    return url if request.param == "report" else (plan_of_everything / "plan.html").absolute().as_uri()


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_any_screen_and_asks_nobody(browser, either, width, dark):
    """Desktop or phone, light or dark: nothing to scroll sideways, no complaint, not one request but the page's own."""
    browser.open(either, width=width, dark=dark)
    assert not browser.overflows
    assert browser.complaints == []
    assert browser.requests == [either]


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
    assert browser.texts("#mirrors tbody th") == ["VIP (VIPS02)"]
    assert [int(text) for text in browser.texts("#mirrors tbody td")] == [39, 35, 0, 0, 0, 0]
    assert browser.texts("#runs [data-of=read]") == ["138", "113", "104"]


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(browser, either, dark):
    """Contrast of at least 4.5 to 1, as WCAG AA wants, of every text against what is behind it."""
    browser.open(either, dark=dark)
    assert browser.faint == []


def test_it_is_built_for_a_screen_reader(browser, either):
    """One h1, headings without gaps, a caption and scoped headings in each table, shapes hidden or named."""
    browser.open(either)
    assert browser.unheard == []


def page_of(document, folder):
    path = folder / "page.html"
    path.write_text(render(document))
    return path.as_uri()


def test_it_prints_as_pages(browser, document, tmp_path):
    """A PDF of A4 pages, light even when the screen is dark; nothing is cut off, with every fate there is."""
    counts = dict.fromkeys(("read", *FATES), 1_234_567)
    for found in (document["totals"], *document["streams"].values(), *document["earlier_runs"]):
        found.update(counts)
    browser.open(page_of(document, tmp_path), width=710, dark=True, media="print")  # A4 between margins, a scroll bar
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not browser.overflows
    printed = browser.pdf()
    assert printed.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8


@pytest.mark.parametrize("width", [1200, 390])
def test_long_names_and_huge_numbers_do_not_widen_the_page(browser, document, tmp_path, width):
    """A stream, a list and a message without a blank in them, and 14 digits; and no column is squeezed by them."""
    word, rows = "w" * 300, 12_345_678_901_234
    huge = document["streams"]["news"] | {"read": rows, "delivered": rows}
    document["message"] = word
    document["streams"] = {word: document["streams"]["news"] | {"list": {"id": "L" * 64, "name": word}}, "huge": huge}
    document["totals"] |= {"read": rows, "delivered": rows}
    browser.open(page_of(document, tmp_path), width=width)
    assert not browser.overflows
    one_line = """e => { const content = document.createRange(); content.selectNodeContents(e);
      return content.getBoundingClientRect().height < 30 }"""
    assert browser.run(f"[...document.querySelectorAll('#exports td')].every({one_line})")
    assert browser.run(f"[...document.querySelectorAll('#left-out td .mono')].every({one_line})")


def test_names_from_right_to_left_turn_nothing_around_them(browser, document, tmp_path):
    """The sentence and its numbers stay in order."""
    document["warnings"] = ["stream `רשימה`: 5 rows have no e-mail; look at `email_field`"]
    document["streams"] = {"רשימה": document["streams"]["vip"]}
    browser.open(page_of(document, tmp_path))
    middle = """(() => { const item = document.querySelector('ul.plain li'), last = item.childNodes[2];
      const five = document.createRange(); five.setStart(last, 2); five.setEnd(last, 3);
      const [name, number] = [item.querySelector('code'), five].map(e => e.getBoundingClientRect());
      return [name.right, number.left, five.toString()] })()"""
    name_ends, number_begins, number = browser.run(middle)
    assert number == "5"
    assert name_ends <= number_begins
    assert browser.run("document.querySelector('#streams tbody th bdi').innerText") == "רשימה"


def test_what_is_long_is_folded_and_open_on_paper(browser, document, tmp_path):
    """A hundred streams with a thousand warnings make a page that one can look through; the rest is counted."""
    one = document["streams"]["news"]
    document["streams"] = {
        f"s{n:03}": one | {"warnings": [f"stream `s{n:03}`: property `p{k}` is not there" for k in range(10)]}
        for n in range(100)
    }
    url = page_of(document, tmp_path)
    browser.open(url)
    assert browser.run("document.documentElement.scrollHeight") < 16_000
    assert len(browser.texts("#streams tbody tr")) == 100
    assert browser.texts("details > summary") == [
        "200 exports",
        "100 lines, 1,500 rows in all",
        "and 999 more of this kind",
    ]
    shown = "[...document.querySelectorAll('details table, details ul')].map(e => e.checkVisibility())"
    assert browser.run(shown) == [False, False, False]
    browser.open(url, width=710, media="print")
    assert (
        browser.run(shown.replace("e.checkVisibility()", "e.offsetHeight > 500 && e.checkVisibility()")) == [True] * 3
    )
    assert browser.run("getComputedStyle(document.querySelector('#streams tfoot')).display") == "table-row-group"


def test_a_dry_run_shows_what_a_run_would_write(browser, plan_of_everything):
    """The numbers of plan.json, and that it was one."""
    found = json.loads((plan_of_everything / "plan.json").read_text())["foretold"]
    browser.open((plan_of_everything / "plan.html").absolute().as_uri())
    assert "This was a dry run" in browser.texts("#dry-run")[0]
    for kind, count in found["people"].items():
        (shown,) = browser.texts(f"#people tfoot [data-of='{kind.replace('_', ' ')}']")
        assert int(shown) == count
    jobs = found["requests"]["Bulk Import Profiles"]["requests"]
    assert browser.texts("#requests-to-send dd")[0].startswith(f"{jobs} import jobs")
    assert "xxxxxxx.xxx" in browser.texts("#sample-0")[0]
