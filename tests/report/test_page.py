"""The report for people: what is in it, what never is, and that it costs no run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import Pipeline, record, schema

from target_klaviyo_segments.ledger import Ledger
from target_klaviyo_segments.report.html.page import render
from target_klaviyo_segments.report.page_file import write_page
from target_klaviyo_segments.report.view import warnings_of


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
    (told,) = [
        line
        for line in caplog.messages
        if line.startswith(f"connection klaviyo: the page {tmp_path / 'work' / 'report.html'} cannot be")
    ]
    assert told.endswith(". The run and its report are not concerned")


def test_a_report_that_cannot_be_written_fails_the_run(tmp_path):
    """Nobody could tell what became of the rows; what was delivered is on the list."""
    pipeline = Pipeline(tmp_path)
    path = tmp_path / "work" / "report.json"
    (path / "in-the-way").mkdir(parents=True)
    assert not pipeline.run([schema(), record("a@x.io")])
    assert pipeline.error.startswith(f"the report cannot be written to {path}: ")
    assert pipeline.error.endswith(". Make room, or make the folder writable; what was delivered stands")
    assert list(pipeline.members()) == ["a@x.io"]
    Ledger.open(pipeline.work_dir / "ledger.sqlite3", now=pipeline.clock.now, warn=print).close()  # it was let go of


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
    for name in ("pace", "earlier_runs", "retry_of", "plan", "lists_created"):
        del document[name]
    for counts in document["streams"].values():
        del counts["consent"], counts["mirror"], counts["cleared_fields"]
        for export in counts["exports"]:
            del export["began_at"], export["ended_at"]
    document["totals"]["jobs"] = 0
    assert "No import job was sent." in render(document)


@pytest.mark.parametrize("streams", [0, 1, 250])
def test_any_number_of_streams(document, streams):
    """As many as there is room for; of the rest it is said how many."""
    one = document["streams"]["news"]
    document["streams"] = {f"s{n}": one for n in range(streams)}
    page = render(document)
    assert ("And 50 more streams" in page) == (streams > 200)


@pytest.mark.parametrize(
    ("fates", "told"),
    [
        ({"filtered": 2}, "does not name it"),
        ({"filtered": 1, "rejected": 1}, "to no list"),
        ({"delivered": 1, "failed": 1}, "where to is not known"),
    ],
)
def test_a_stream_without_a_list_says_why(document, fates, told):
    """It is not exported, its rows were refused, or nobody knows where they went."""
    none = {"read": 2, "filtered": 0, "rejected": 0, "delivered": 0, "failed": 0}
    document["streams"] = {"s": document["streams"]["staff"] | none | fates}
    assert told in render(document).split('id="streams"')[1].split("</table>")[0]


def test_rows_that_were_never_sent_are_in_no_export(tmp_path):
    """The table of exports counts what Klaviyo rejected, and says so; an export that nobody came to is not shown."""
    pipeline = Pipeline(tmp_path)
    pipeline.sandbox.refuse_rows(lambda attributes: ("invalid", "bad") if "bad" in attributes["email"] else None)
    assert pipeline.run([schema(), record("a@x.io"), record("bad@x.io"), record("nobody"), schema("others")])
    table = (pipeline.work_dir / "report.html").read_text().split('id="exports"')[1].split("</table>")[0]
    assert re.findall(r'data-of="(\w+ by Klaviyo)" class="n"><span>(\d+)', table) == [("rejected by Klaviyo", "1")]
    assert pipeline.totals["rejected"] == 2
    assert not pipeline.run([schema(), *(record("nobody") for _ in range(30))])
    assert 'id="exports"' not in (pipeline.work_dir / "report.html").read_text()


def test_jobs_of_which_nobody_knows_when_are_counted(document):
    """Of a run that was killed between sending a job and hearing of it."""
    document["pace"], document["totals"]["jobs"] = None, 3
    assert "3 import jobs sent; when is not known." in render(document)


def test_lists_that_were_made_are_shown(tmp_path):
    """With how people opt in to them."""
    pipeline = Pipeline(tmp_path)
    made = {"list_id": None, "list_name": "VIP & more", "create_list": True, "opt_in_process": "single_opt_in"}
    assert pipeline.run([schema(), record("a@x.io")], **made)
    (created,) = pipeline.report["lists_created"]
    page = (pipeline.work_dir / "report.html").read_text()
    table = page.split('id="created"')[1].split("</table>")[0]
    assert re.findall("<bdi>(.*?)</bdi>", table) == ["VIP &amp; more"]
    assert created["id"] in table
    assert "single opt-in" in table


def test_fields_that_were_cleared_are_shown(tmp_path):
    """By segment and field, apart from those that were left out."""
    pipeline = Pipeline(tmp_path)
    people = schema(**{name: {"type": ["string", "null"]} for name in ("email", "title", "phone_number")})
    assert pipeline.run([people, record("a@x.io", title="Dr"), record("b@x.io", title="Dr")], null_fields="clear")
    assert 'id="fields"' not in (pipeline.work_dir / "report.html").read_text()
    lines = [people, *(record(email, title=None, phone_number="no phone") for email in ("a@x.io", "b@x.io"))]
    assert pipeline.run(lines, null_fields="clear")
    page = (pipeline.work_dir / "report.html").read_text()
    cells = {
        ident: re.findall(
            r"<bdi>(\w+)</bdi>.*?mono\">(\w+)<.*?<span>(\d+)", page.split(f'id="{ident}"')[1].split("</table>")[0]
        )
        for ident in ("cleared", "left-out")
    }
    assert cells == {"cleared": [("people", "title", "2")], "left-out": [("people", "phone_number", "2")]}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_each_warning_is_told_once_and_beside_its_kind(found):
    """Of a kind are those that differ in names and numbers only; the order is that of the first of each."""
    said = [f"stream `s{stream}`: {count} {kind} are odd" for kind, stream, count in found]
    half = len(said) // 2
    document = {"warnings": said[:half], "streams": {"s": {"warnings": said[half:]}}}
    kinds = [(kind.first, *kind.others) for kind in warnings_of(document)]
    assert sorted(warning for kind in kinds for warning in kind) == sorted(set(said))
    letters = [{re.sub("[^abc]", "", warning.split(": ")[1].split()[1]) for warning in kind} for kind in kinds]
    assert letters == [{kind} for kind in dict.fromkeys(kind for kind, _, _ in found)]


def test_a_few_warnings_of_a_kind_are_not_folded(document):
    """Of four the first is seen, the others are behind a line that counts them."""
    for count, folds in ((3, 0), (4, 1)):
        document["warnings"] = [f"stream `s{n}`: it is odd" for n in range(count)]
        for counts in document["streams"].values():
            counts["warnings"] = []
        page = render(document)
        assert page.count("it is odd") == count
        assert page.count("<details>") == folds
    assert "and 3 more of this kind" in page


def test_runs_of_every_end_are_in_the_history(document):
    """Told by a word and a mark; a run of one row is seen beside one of a million, a run of none is not."""
    one = document["earlier_runs"][0]
    ends = {"successful": "✓", "failed": "✕", "canceled": "■", "skipped": "○", "unheard_of": "?"}
    fates = dict.fromkeys(("rejected", "unchanged", "merged", "removed", "filtered", "failed"), 0)
    document["earlier_runs"] = [
        one | fates | {"status": status, "read": rows, "delivered": rows}
        for status, rows in zip(ends, (1_000_000, 0, 1, 0, 7), strict=True)
    ]
    page = render(document)
    assert re.findall(r'class="mark \w+">(.)<', page)[:-1] == [*ends.values()][::-1]
    heights = re.findall(r'class="f-delivered" style="height:([\d.]+)%', page)
    assert heights[:-1] == ["0.8", "0.0", "0.8", "0.0", "100.0"]
    for word in ("Successful", "Failed", "Stopped", "Not run", "Unheard of"):
        assert word in page.split('id="runs"')[1]


def test_a_sum_is_shown_for_the_consent_of_each_segment(document):
    """Who was subscribed and who was left alone, by segment."""
    document["streams"]["news"]["consent"] = {"asked": 7, "subscribed": 5, "left_alone_suppressed": 2}
    cells = re.findall(r'data-of="([^"]*)" class="n"><span>(\d+)', render(document).split('id="consents"')[1])
    assert cells[:3] == [("asked", "7"), ("subscribed", "5"), ("left alone suppressed", "2")]
