"""A webhook of alerts among faults: whatever it does, the run delivers and ends as it would have without one."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from pipeline import Pipeline, record, schema, state
from receiver import SECRET, Alarmed, Receiver

from tests.faults.catalogue import WEBHOOKS

# Three people arrive and their STATE is out; the line after them ends the run.
LINES = [schema(), record("ada@x.io"), record("bea@x.io"), record("cid@x.io"), state(3), "{ not JSON"]


def outcome(pipeline):
    return pipeline.error, pipeline.states, pipeline.totals, pipeline.report["status"], len(pipeline.members())


@pytest.mark.parametrize("webhook", WEBHOOKS, ids=lambda webhook: webhook.name)
def test_webhook(webhook, tmp_path, caplog):
    """People, STATE, report and message are those of a run that tells nobody; one warning, without the address."""
    quiet, alarmed = Pipeline(tmp_path / "quiet"), Alarmed(tmp_path / "alarmed")
    alarmed.patience = 5.0 if webhook.manner == "at once" else 0.1
    assert not quiet.run(LINES)
    with ExitStack() as open_ones:
        receiver = open_ones.enter_context(Receiver(*webhook.statuses, manner=webhook.manner))
        if not webhook.listens:
            open_ones.close()
        assert not alarmed.run(LINES, alert_webhook_url=receiver.url)
    assert outcome(alarmed) == outcome(quiet)
    assert (alarmed.totals["delivered"], alarmed.states) == (3, [3])
    assert len(receiver.bodies) == (webhook.words is None)
    told = [line.getMessage() for line in caplog.records if "`alert_webhook_url`" in line.getMessage()]
    assert [line.rpartition(": ")[2] for line in told] == ([webhook.words] if webhook.words else [])
    assert SECRET not in caplog.text
