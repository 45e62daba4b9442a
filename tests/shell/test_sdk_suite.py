"""singer-sdk's own target tests, and the private hooks that this target overrides."""

from __future__ import annotations

import pytest
from pipeline import KEY, LIST
from target_klaviyo_segments.sandbox.app import Sandbox
from target_klaviyo_segments.sandbox.server import SandboxServer


@pytest.fixture(scope="module", autouse=True)
def sandbox():
    """The suite builds the target by itself, from settings alone: so there is a socket."""
    box = Sandbox(limits=False)
    box.add_list(LIST, "People")
    with SandboxServer(box) as server:
        SETTINGS["api_url"] = server.url
        yield box


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
