"""`target-klaviyo-segments report`."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pipeline import Pipeline, record, schema, state

from target_klaviyo_segments.cli import main


@pytest.fixture
def work_dir(run_of_everything):
    return run_of_everything.work_dir


def test_the_page_of_the_last_run_is_made_anew(work_dir, capsys):
    """Its path is all that is printed."""
    page = work_dir / "report.html"
    page.unlink()
    assert main(["report", "--work-dir", str(work_dir)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert "Every row and its fate" in page.read_text()


def test_the_folder_may_come_from_the_settings(work_dir, capsys, tmp_path):
    """Of a config file, as the target has it."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"work_dir": str(work_dir)}))
    assert main(["report", "--config", str(config)]) == 0
    assert str(work_dir) in capsys.readouterr().out


def test_an_earlier_run_has_a_page_of_its_own(work_dir, run_of_everything, capsys):
    """Beside its report; that of the last run stays."""
    earlier = run_of_everything.report["earlier_runs"][0]["run_id"]
    assert main(["report", earlier, "--work-dir", str(work_dir)]) == 0
    assert capsys.readouterr().out.strip() == str(work_dir / "reports" / f"{earlier}.html")
    assert earlier in (work_dir / "reports" / f"{earlier}.html").read_text()


def test_the_page_of_a_killed_run_says_what_is_known_of_it(tmp_path, capsys):
    """Where its rows went and in how many jobs; what nobody knows is unknown, and not nothing."""
    pipeline = Pipeline(tmp_path)
    assert pipeline.run([schema(), record("a@x.io"), state(1)])
    run_id = pipeline.report["run_id"]
    with closing(sqlite3.connect(pipeline.work_dir / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE runs SET ended = NULL, status = NULL")
    (pipeline.work_dir / "reports" / f"{run_id}.json").unlink()
    assert pipeline.run([schema(), record("b@x.io"), state(2)])
    assert main(["report", run_id, "--work-dir", str(pipeline.work_dir)]) == 0
    page = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", Path(capsys.readouterr().out.strip()).read_text()))
    for told in ("1 of 1 row delivered to 1 list. ", "( Y6nRLr )", "1 import job, ", "requests to Klaviyo unknown"):
        assert told in page
    assert "Took unknown" in page
    assert "does not name it" not in page
    assert "No import job was sent" not in page


def test_rejected_rows_are_shown_when_asked_for_beside_their_file(work_dir, run_of_everything, capsys):
    """In a page made for it, readable by its owner only; the other page stays without."""
    assert main(["report", "--rows", "--work-dir", str(work_dir)]) == 0
    page = work_dir / "rejects" / f"{run_of_everything.report['run_id']}.html"
    assert capsys.readouterr().out.strip() == str(page)
    assert page.stat().st_mode & 0o777 == 0o600
    assert "This page holds personal data" in page.read_text()
    assert page.read_text().count("nobody&#34;") == 1
    assert "No e-mail address is in this page" in (work_dir / "report.html").read_text()


def report_opened(work_dir, folder, **environment):
    """The command in a process of its own: a browser is chosen once in the life of one."""
    command = [sys.executable, "-m", "target_klaviyo_segments", "report", "--open", "--work-dir", str(work_dir)]
    here = {"HOME": str(folder), "PATH": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=here | environment, capture_output=True, text=True, check=False, timeout=60)


def test_the_page_is_opened_in_the_browser_of_the_user(work_dir, tmp_path):
    """By its address as a file; the path is printed all the same."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf %s "$*" > {opened}\n')
    browser.chmod(0o700)
    done = report_opened(work_dir, tmp_path, BROWSER=str(browser))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{work_dir / 'report.html'}\n", "")
    assert opened.read_text() == (work_dir / "report.html").as_uri()


def test_where_no_browser_is_the_page_is_made_all_the_same(work_dir, tmp_path):
    """Exit status 1, and one line that says where it is."""
    (work_dir / "report.html").unlink()
    done = report_opened(work_dir, tmp_path)
    assert (done.returncode, done.stdout) == (1, f"{work_dir / 'report.html'}\n")
    assert done.stderr == f"no browser can be opened here; the page is {work_dir / 'report.html'}\n"
    assert (work_dir / "report.html").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            None,
            (
                "there is no report to show: {} cannot be read: No such file or directory. Name the folder by --config "
                "or --work-dir, or another run by its id\n"
            ),
        ),
        ("no JSON", "{} is not a report of this program, or was damaged. Name another run by its id\n"),
        ("[]", "{} is not a report of this program, or was damaged. Name another run by its id\n"),
    ],
)
def test_without_a_report_it_says_what_to_do(tmp_path, capsys, content, words):
    """One line, exit status 1."""
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    assert main(["report", "--work-dir", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert words.format(tmp_path / "report.json") in told.err
    assert told.err.count("\n") == 1


def test_rows_of_a_run_without_rejects(tmp_path, work_dir, capsys):
    """There is nothing to show, and that is said."""
    (tmp_path / "report.json").write_text((work_dir / "report.json").read_text())
    assert main(["report", "--rows", "--work-dir", str(tmp_path)]) == 1
    run_id = json.loads((tmp_path / "report.json").read_text())["run_id"]
    path = tmp_path / "rejects" / f"{run_id}.jsonl"
    assert f"{path} has no rejected rows to show: No such file or directory\n" in capsys.readouterr().err
    path.parent.mkdir()
    path.write_text("{}\n")
    assert main(["report", "--rows", "--work-dir", str(tmp_path)]) == 1
    assert f"{path} is not a rejects file of this program, or was damaged. Leave --rows out" in capsys.readouterr().err
