"""What is done for people after their delivery, among faults: put off, never lost, and never done twice over."""

from __future__ import annotations

import pytest
from pipeline import Pipeline, record, schema, state

from target_klaviyo_segments.sandbox.exchange import Response

CLEARING, SUBSCRIBING = "/api/profile-import", "/api/profile-subscription-bulk-create-jobs"
ASKED = {"null_fields": "clear", "subscribe_channels": ["email"], "consent_field": "optin"}
TEXT = {"type": ["string", "null"]}
PEOPLE = schema(email=TEXT, first_name=TEXT, optin={})


@pytest.fixture
def pipeline(tmp_path):
    """A target on a sandbox where somebody has a first name of ours."""
    made = Pipeline(tmp_path)
    assert made.run([PEOPLE, record("a@x.io", first_name="Ada")], **ASKED)
    return made


def done(pipeline):
    """Whether the name is gone, and whether the person is subscribed."""
    cleared = "first_name" not in pipeline.sandbox.profiles["a@x.io"]
    return cleared, pipeline.sandbox.consent("a@x.io").channels.get("email") == "SUBSCRIBED"


@pytest.mark.parametrize("path", [CLEARING, SUBSCRIBING], ids=["clearing", "subscribing"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_fault_once_after_delivery(pipeline, path, status):
    """Klaviyo fails once: asked again in the same run."""
    answers = [Response(status, {"retry-after": "1"} if status == 429 else {}, b"")]
    pipeline.sandbox.interceptors.append(lambda request: answers.pop() if request.path == path and answers else None)
    assert pipeline.run([PEOPLE, record("a@x.io", first_name=None, optin=True), state(1)], **ASKED), pipeline.error
    assert not answers
    assert done(pipeline) == (True, True)
    assert pipeline.states == [1]


@pytest.mark.parametrize("path", [CLEARING, SUBSCRIBING], ids=["clearing", "subscribing"])
def test_fault_for_good_after_delivery(pipeline, path):
    """Rows are delivered and their STATE is out; the run says what is left; the next does it, with rows or without."""
    pipeline.sandbox.interceptors.append(lambda request: Response(503, {}, b"") if request.path == path else None)
    lines = [PEOPLE, record("a@x.io", first_name=None, optin=True), state(1)]
    assert not pipeline.run(lines, retry_max_seconds=1, **ASKED)
    assert "retry_max_seconds" in pipeline.error
    assert (pipeline.totals["delivered"], pipeline.totals["failed"], pipeline.states) == (1, 0, [1])
    assert done(pipeline) != (True, True)
    pipeline.sandbox.interceptors.clear()
    assert pipeline.run([PEOPLE], **ASKED), pipeline.error
    assert done(pipeline) == (True, True)
