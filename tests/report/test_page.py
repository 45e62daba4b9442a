"""The report for people: what is in it, what never is, and that it costs no run."""

from __future__ import annotations

import re

import pytest
from pipeline import Pipeline, record, schema

from target_klaviyo_segments.report.html.page import render
from target_klaviyo_segments.report.page_file import write_page


def test_each_run_leaves_a_page_for_its_owner(run_of_everything):
    """Written with the report, readable by its owner only, with no e-mail address of the people in it."""
    page = run_of_everything.work_dir / "report.html"
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text()
    assert "@example.com" not in text
    assert "nobody" not in re.sub(r"<[^>]*>|Nobody|nobody was taken|removes nobody|Delete marker of nobody", "", text)
    assert run_of_everything.report["run_id"] in text


def test_what_comes_from_outside_is_text(run_of_everything):
    """A list that is named like HTML stays a name."""
    page = (run_of_everything.work_dir / "report.html").read_text()
    assert "News &amp; &lt;b&gt;more&lt;/b&gt;" in page
    assert "<b>more" not in page


def test_it_loads_nothing(document):
    """No script, no address but those of data, and a policy that forbids the rest."""
    page = render(document)
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert "url(" not in page
    assert "default-src &#39;none&#39;" in page


def test_a_page_that_cannot_be_written_is_a_warning(tmp_path, caplog):
    """The run ends well, its report is written, and the trouble is told once."""
    pipeline = Pipeline(tmp_path)
    (tmp_path / "work" / "report.html").mkdir(parents=True)
    assert pipeline.run([schema(), record("a@x.io")])
    assert pipeline.totals["delivered"] == 1
    assert [line for line in caplog.messages if "report.html cannot be written" in line]


def test_a_page_that_fails_leaves_no_old_one(tmp_path, document):
    """Whoever looks for the page of this run does not find that of another."""
    path = tmp_path / "report.html"
    assert write_page(document, path) is None
    del document["totals"]
    assert "cannot be written: KeyError" in write_page(document, path)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_run_has_a_page_too(tmp_path):
    """It says why, and shows no numbers."""
    pipeline = Pipeline(tmp_path)
    assert not pipeline.run([schema()], enabled=False)
    page = (pipeline.work_dir / "report.html").read_text()
    assert "Nothing was read and nothing was sent." in page
    assert "Every row and its fate" not in page


def test_a_report_of_an_older_release_is_shown(document):
    """What it does not have is left out."""
    for name in ("pace", "earlier_runs", "retry_of", "plan"):
        del document[name]
    for counts in document["streams"].values():
        del counts["consent"], counts["mirror"]
        for export in counts["exports"]:
            del export["began_at"], export["ended_at"]
    assert "No import job was sent." in render(document)


@pytest.mark.parametrize("streams", [0, 1, 250])
def test_any_number_of_streams(document, streams):
    """As many as there is room for; of the rest it is said how many."""
    one = document["streams"]["news"]
    document["streams"] = {f"s{n}": one for n in range(streams)}
    page = render(document)
    assert ("And 50 more streams" in page) == (streams > 200)


def test_a_sum_is_shown_for_the_consent_of_each_segment(document):
    """Who was subscribed and who was left alone, by segment."""
    document["streams"]["news"]["consent"] = {"asked": 7, "subscribed": 5, "left_alone_suppressed": 2}
    cells = re.findall(r'data-of="([^"]*)" class="n"><span>(\d+)', render(document).split('id="consents"')[1])
    assert cells[:3] == [("asked", "7"), ("subscribed", "5"), ("left alone suppressed", "2")]
