"""What is said before people go to a list: told in time, told once, and nothing when all is well."""

from __future__ import annotations

import re

import pytest
from pipeline import LIST, Pipeline, record, schema

from target_klaviyo_segments.sandbox.app import Response


def rows(first, last, stream="people"):
    return [schema(stream), *(record(f"p{n}@x.io", stream) for n in range(first, last))]


def warnings(pipeline):
    return pipeline.report["warnings"]


def test_an_ordinary_list_warns_of_nothing(pipeline):
    """Neither the first run nor the next."""
    for _ in range(2):
        assert pipeline.run(rows(0, 5))
        assert warnings(pipeline) == []


@pytest.mark.parametrize("by", [{}, {"list_id": None, "list_name": "People"}], ids=["id", "name"])
def test_flows_are_told_of_at_the_first_fill_alone(pipeline, by):
    """With the list and the flows that may start; afterwards the harm is done or was wanted."""
    pipeline.sandbox.hang_flow(LIST, "Welcome")
    pipeline.sandbox.hang_flow(LIST, "Some day", "draft")
    assert pipeline.run(rows(0, 5), **by)
    (warning,) = warnings(pipeline)
    assert f"the list `People` ({LIST}) is filled for the first time" in warning
    assert (
        "and flows hang on it: `Welcome`. Joining the list may start them for everybody who is sent; pause" in warning
    )
    assert "Some day" not in warning
    assert pipeline.run(rows(0, 9), **by)
    assert warnings(pipeline) == []


def test_a_double_opt_in_is_told_of(pipeline):
    """Members are added without a confirmation, and membership is no consent."""
    pipeline.sandbox.add_list("DOUBLE", "Double", "double_opt_in")
    assert pipeline.run(rows(0, 5), list_id="DOUBLE")
    (warning,) = warnings(pipeline)
    assert warning == (
        "the list `Double` (DOUBLE) has double opt-in: people are added to it without being asked for a confirmation. "
        "To be a member is no consent, and changes none"
    )
    assert len(pipeline.members("DOUBLE")) == 5


def test_a_warning_comes_before_the_first_batch_goes(pipeline, caplog):
    """In the log at once: whoever watches can still stop the run."""
    pipeline.sandbox.hang_flow(LIST, "Welcome")
    told = []

    def intercept(request):
        if request.method == "POST":
            told.append("flows hang on it" in caplog.text)
        return Response(503) if request.method == "POST" and len(told) == 1 else None

    pipeline.sandbox.interceptors.append(intercept)
    with caplog.at_level("WARNING"):
        assert pipeline.run(rows(0, 5))
    assert told == [True, True]
    (again,) = [line for line in caplog.messages if "503" in line]
    connection = "klaviyo"
    assert re.fullmatch(rf"connection {connection}: .*; again in \d\.\d s", again)


def test_nothing_is_said_of_a_list_that_nobody_goes_to(pipeline):
    """Rejected rows start no flow."""
    pipeline.sandbox.hang_flow(LIST, "Welcome")
    assert pipeline.run([schema(), record("no address")])
    assert warnings(pipeline) == []


def test_more_new_people_than_expected_are_told_of_once(pipeline):
    """Those beyond the members that the ledger knew; as soon as the count passes the bound."""
    settings = {"warn_new_members": 6, "batch_size_rows": 4}
    assert pipeline.run(rows(0, 6), **settings)
    assert warnings(pipeline) == []
    assert pipeline.run(rows(0, 12), **settings)
    assert warnings(pipeline) == []
    assert pipeline.run(rows(0, 30), **settings)
    (warning,) = warnings(pipeline)
    assert warning == (
        f"the list `People` ({LIST}) gets more new people than `warn_new_members` (6): 8 or more; "
        "before this run the ledger knew of 12 members"
    )


def test_each_list_has_its_own_count(pipeline):
    """Two streams to one list are one crowd."""
    pipeline.sandbox.add_list("VIP001", "VIP")
    segments = {"a": {}, "b": {}, "c": {"list_id": "VIP001"}}
    assert pipeline.run([*rows(0, 5, "a"), *rows(5, 10, "b"), *rows(0, 5, "c")], segments=segments, warn_new_members=7)
    (warning,) = warnings(pipeline)
    assert f"`People` ({LIST})" in warning


def test_people_whom_this_target_delivered_are_not_new_to_the_plan(tmp_path):
    """To whatever list: only the others count, each once, and the run that fits is not stopped."""
    pipeline = Pipeline(tmp_path, plan_profiles=(0, 25))
    pipeline.sandbox.add_list("VIP001", "VIP")
    assert pipeline.run(rows(0, 20), on_plan_limit="fail")
    assert pipeline.run(rows(0, 24), on_plan_limit="fail", list_id="VIP001", batch_size_rows=7), pipeline.error
    assert pipeline.report["plan"] == {"used": 20, "maximum": 25, "needed": 4}
    lines = [*rows(20, 26, "a"), *rows(20, 25, "b")]
    assert pipeline.run(lines, on_plan_limit="warn")
    assert pipeline.report["plan"] == {"used": 24, "maximum": 25, "needed": 2}
    assert "24 of 25" in warnings(pipeline)[0]
    assert not pipeline.run(rows(20, 40), on_plan_limit="fail", batch_size_rows=3)
    assert pipeline.error == (
        "the people to send may exceed the Klaviyo plan: 26 of 25 profiles are used, and 0 or more are needed if all "
        "whom this target never delivered are new to it; 0 of them were sent before. Raise the plan, or set "
        "`on_plan_limit` to warn"
    )
    pipeline.assert_balanced()


def test_nobody_is_looked_up_when_the_plan_does_not_matter(tmp_path, caplog):
    """With `ignore`, or when the key may not see the plan: every row counts, and costs nothing."""
    caplog.set_level("INFO")
    for name, sandbox, settings in (
        ("ignored", {}, {"on_plan_limit": "ignore"}),
        ("unknown", {"plan_profiles": None}, {}),
    ):
        pipeline = Pipeline(tmp_path / name, **sandbox)
        for _ in range(2):
            assert pipeline.run(rows(0, 5), **settings)
        assert pipeline.report["plan"] == {"needed": 5}
    told = "the plan's limit is not known: the key has no scope usage:read, or the plan names none"
    assert caplog.messages.count(told) == 2
