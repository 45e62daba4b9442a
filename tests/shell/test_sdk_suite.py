"""singer-sdk's own target tests, and the private hooks that this target overrides."""

from __future__ import annotations

import pytest
from pipeline import KEY, LIST
from singer_sdk.target_base import Target as SdkTarget
from singer_sdk.testing import get_target_test_class

from target_klaviyo_segments.errors import RunStopped
from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer
from target_klaviyo_segments.target import TargetKlaviyoSegments


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    """The suite builds the target by itself, from settings alone: so there is a socket."""
    box = Sandbox(limits=False)
    box.add_list(LIST, "People")
    with SandboxServer(box) as server:
        SETTINGS["api_url"] = server.url
        yield box


@pytest.fixture(autouse=True)
def work_dir(tmp_path):
    """The suite listens without end: each of its runs keeps its ledger locked, and is ended here."""
    SETTINGS["work_dir"] = str(tmp_path)
    yield
    while OPEN:
        target = OPEN.pop()
        if target._run is not None and not target._run.ended:
            target._run.break_off(RunStopped("the suite goes on"))


class Target(TargetKlaviyoSegments):
    """As shipped, and remembered until it is ended."""

    def __init__(self, **given):
        super().__init__(**given)
        OPEN.append(self)


OPEN = []

SETTINGS = {
    "api_key": KEY,
    "api_url": "http://127.0.0.1:9",
    "list_id": LIST,
    "accept_data_privacy": True,
    # The suite's streams have no e-mail; a stream map gives every row one. Everything else is as shipped.
    "stream_maps": {"*": {"email": "'a@example.com'"}},
    # The suite expects an exception for a row that breaks its schema, which is this setting.
    "on_invalid_record": "fail",
}


# Left out, with the reason: none. `schema_no_properties` has no property an e-mail could be in, but the stream map
# adds one before the contract is checked, as it would for a user.
TestSingerTarget = get_target_test_class(Target, config=SETTINGS)


@pytest.mark.parametrize(
    "hook",
    [
        "_handle_termination",
        "_process_activate_version_message",
        "_process_batch_message",
        "_process_record_message",
        "_process_schema_message",
        "_process_state_message",
        "_validate_config",
        "_write_state_message",
    ],
)
def test_the_private_hooks_that_are_overridden_exist(hook):
    """The SDK calls them by these names; `~=` keeps minor versions out, this test says what a new one broke."""
    assert hasattr(SdkTarget, hook)


def test_a_state_is_never_written_by_the_sdks_own_drain(tmp_path, capsys):
    """`drain_all` writes the SDK's latest state, delivered or not: so it is never given one."""
    target = TargetKlaviyoSegments(config=SETTINGS | {"work_dir": str(tmp_path)})
    target.run.exporter.lane("people", LIST)
    target.run.exporter.intake.sequence = 1
    target._process_state_message({"type": "STATE", "value": {"n": 1}})
    capsys.readouterr()
    target.drain_all(is_endofpipe=True)
    assert capsys.readouterr().out == ""
    target.run.exporter.finish()
    target.run._ledger.close()  # nothing else ends this run, and Python 3.13 warns of what is left open
