"""The smallest target on the Singer SDK's own path: its reader, its checks, its batches, and a sink that drops them."""

from __future__ import annotations

from typing import Any, ClassVar

from singer_sdk import Target
from singer_sdk.sinks import BatchSink


class NowhereSink(BatchSink):
    """Takes batches of 10,000 and does nothing with them."""

    max_size = 10_000

    def process_batch(self, context: dict[str, Any]) -> None:
        """Let them go."""


class TargetNowhere(Target):
    """`--config` may say `validate_records: false`."""

    name = "target-nowhere"
    config_jsonschema: ClassVar[dict[str, Any]] = {"type": "object", "properties": {}}
    default_sink_class = NowhereSink


if __name__ == "__main__":
    TargetNowhere.cli()
