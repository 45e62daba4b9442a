"""Lists by their names: found when exactly one has it, made when asked for, and never made for nothing."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from pipeline import LIST, record, schema, state

from target_klaviyo_segments.sandbox.app import Response
from target_klaviyo_segments.target import TargetKlaviyoSegments

BY_NAME = {"list_id": None, "list_name": "VIP"}
MADE = BY_NAME | {"create_list": True}
ROWS = [schema(), record("a@x.io"), record("b@x.io"), state(1)]


def names(pipeline):
    return sorted(name for name, _ in pipeline.sandbox.lists.values())


def made(pipeline, name="VIP"):
    """Who is on the one list of a name."""
    (list_id,) = (each for each, (found, _) in pipeline.sandbox.lists.items() if found == name)
    return sorted(pipeline.members(list_id))


def test_a_list_is_found_by_its_name_on_any_page(pipeline):
    """Klaviyo shows ten a page; the report has ID and name."""
    for number in range(25):
        pipeline.sandbox.add_list(f"L{number:05}", f"list {number}")
    pipeline.sandbox.add_list("VIP001", "VIP")
    assert pipeline.run(ROWS, **BY_NAME)
    assert sorted(pipeline.members("VIP001")) == ["a@x.io", "b@x.io"]
    assert pipeline.report["streams"]["people"]["list"] == {"id": "VIP001", "name": "VIP"}
    assert pipeline.report["lists_created"] == []


def test_two_lists_of_one_name_are_told_with_their_ids(pipeline):
    """Nobody can know which is meant; nothing is sent."""
    pipeline.sandbox.add_list("VIP001", "VIP")
    pipeline.sandbox.add_list("VIP002", "VIP")
    assert not pipeline.run(ROWS, **MADE)
    assert pipeline.error == (
        "stream `people`: `list_name` is `VIP`, and 2 lists have that name: VIP001, VIP002. "
        "Give the ID of the right one as `list_id`"
    )
    assert pipeline.sandbox.counts["members"] == 0


def test_a_name_that_no_list_has_is_told_with_the_nearest(pipeline):
    """A typing error makes no list; the way to have it made is named."""
    for list_id, name in (("A00001", "Newsletter"), ("A00002", "Newsletter 2"), ("A00003", "Churned")):
        pipeline.sandbox.add_list(list_id, name)
    assert not pipeline.run(ROWS, list_id=None, list_name="newsleter")
    assert pipeline.error == (
        "stream `people`: `list_name` is `newsleter`, and the Klaviyo account Sandbox Ltd has no list of that name; "
        "the nearest are `Newsletter`, `Newsletter 2`. Correct the name, or set `create_list` to true to have the list "
        "made"
    )
    assert len(pipeline.sandbox.lists) == 4


def test_a_list_is_made_once_and_found_by_the_next_run(pipeline, caplog):
    """It is told in the report of the run that made it."""
    caplog.set_level(logging.INFO, logger=TargetKlaviyoSegments.logger.name)
    for number in range(2):
        assert pipeline.run(ROWS, **MADE, opt_in_process="single_opt_in")
        created = pipeline.report["lists_created"]
        assert [(each["name"], each["opt_in_process"]) for each in created] == [("VIP", "single_opt_in")][number:]
    assert names(pipeline) == ["People", "VIP"]
    assert made(pipeline) == ["a@x.io", "b@x.io"]
    told = [
        line for line in caplog.messages if re.fullmatch(r"the list `VIP` \(\w+, .*\) was made for stream `.*`", line)
    ]
    assert len(told) == 1
    pipeline.assert_balanced()


def test_without_a_way_of_opting_in_the_account_decides(pipeline):
    """Klaviyo's own default is double."""
    assert pipeline.run(ROWS, **MADE)
    assert ("VIP", "double_opt_in") in pipeline.sandbox.lists.values()


@pytest.mark.parametrize(
    "lines",
    [
        [schema(), state(1)],
        [schema(), record("no address"), record(None)],
        [schema(mail={"type": "string"}), record("a@x.io")],
        [schema(_sdc_deleted_at={}, email={}), record("a@x.io", _sdc_deleted_at="now")],
    ],
    ids=["no_row", "no_good_row", "no_email_property", "only_leavers"],
)
def test_nothing_is_made_when_nothing_is_to_be_sent(pipeline, lines):
    """No row, no good row, a stream that cannot be exported, people who leave."""
    pipeline.run(lines, **MADE)
    assert names(pipeline) == ["People"]
    assert pipeline.report["lists_created"] == []
    pipeline.assert_balanced()


def test_a_stream_that_names_leavers_makes_no_list(pipeline):
    """From a list that is not there nobody can be taken off."""
    assert not pipeline.run(ROWS, **MADE, sync_mode="remove")
    assert "no list of that name" in pipeline.error
    assert names(pipeline) == ["People"]


def test_two_streams_to_one_name_make_one_list(pipeline):
    """Both asked for it before it was there."""
    lines = [schema("a"), schema("b"), record("p@x.io", "a"), record("q@x.io", "b")]
    assert pipeline.run(lines, **MADE)
    assert made(pipeline) == ["p@x.io", "q@x.io"]


def test_a_segment_names_its_own_list(pipeline):
    """Its own name outranks the general ID, and its own ID the general name."""
    segments = {"vips": {"list_name": "VIP", "create_list": True, "opt_in_process": "single_opt_in"}, "people": {}}
    lines = [schema(), schema("vips"), record("p@x.io"), record("v@x.io", "vips")]
    assert pipeline.run(lines, segments=segments)
    assert (sorted(pipeline.members()), made(pipeline)) == (["p@x.io"], ["v@x.io"])
    segments = {"vips": {"list_id": LIST}}
    assert pipeline.run([schema("vips"), record("w@x.io", "vips")], segments=segments, **BY_NAME)
    assert sorted(pipeline.members()) == ["p@x.io", "w@x.io"]


def test_a_run_that_died_after_making_the_list_makes_no_second(pipeline):
    """The next run finds it by its name: nothing that is kept between runs is needed for it."""
    pipeline.sandbox.interceptors.append(
        lambda request: Response(500) if request.method == "POST" and "import" in request.path else None
    )
    assert not pipeline.run(ROWS, **MADE)
    pipeline.sandbox.interceptors.clear()
    (pipeline.work_dir / "ledger.sqlite3").unlink()
    assert pipeline.run(ROWS, **MADE)
    assert names(pipeline) == ["People", "VIP"]
    assert made(pipeline) == ["a@x.io", "b@x.io"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_list_that_cannot_be_made_ends_the_run_with_klaviyos_bound(pipeline, alone):
    """150 a day; the row that was to go there is kept, whether it came alone or with others."""
    pipeline.sandbox.interceptors.append(
        lambda request: (
            Response(429, {"retry-after": "80000"}) if request.path == "/api/lists" and request.body else None
        )
    )
    rows = [schema(), record("bad"), record("a@x.io")] if alone else ROWS
    assert not pipeline.run(rows, **MADE)
    assert "stream `people`: the list `VIP` cannot be made: " in pipeline.error
    assert (
        "Klaviyo makes 150 lists a day for an account at most; nothing of the stream was sent to it" in pipeline.error
    )
    assert pipeline.states == []
    failed = Path(pipeline.report["failed_file"]).read_text().splitlines()
    assert pipeline.totals["failed"] == len(failed) == (1 if alone else 2)
    pipeline.assert_balanced()


def test_a_mirror_knows_its_list_by_name(pipeline):
    """Also when another stream, which names the list by its ID, comes first."""
    pipeline.sandbox.add_list("VIP001", "VIP")
    segments = {"others": {"list_id": "VIP001"}, "people": {"list_name": "VIP", "sync_mode": "mirror"}}
    opened = {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}
    for people in (("a@x.io", "b@x.io", "c@x.io"), ("a@x.io",)):
        rows = [{**record(email), "version": 1} for email in people]
        lines = [schema("others"), record("b@x.io", "others"), schema(), *rows, opened]
        assert pipeline.run(lines, segments=segments, list_id=None, max_removal_percent=100), pipeline.error
    assert sorted(pipeline.members("VIP001")) == ["a@x.io", "b@x.io"]


def test_a_mirror_makes_its_list(pipeline):
    """Everybody who goes there is seen, from the first row on."""
    closed = {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}
    for people in (("a@x.io", "b@x.io"), ("b@x.io",)):
        rows = [{**record(email), "version": 1} for email in people]
        settings = MADE | {"sync_mode": "mirror", "max_removal_percent": 100}
        assert pipeline.run([schema(), *rows, closed], **settings), pipeline.error
    assert made(pipeline) == ["b@x.io"]
