"""The Singer shell: settings in, everything assembled, messages to the run, STATE out, signals."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Target
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities

from target_klaviyo_segments.batch_files import batch_records
from target_klaviyo_segments.malformed import checked_schema, no_schema_yet, state_of, stream_of
from target_klaviyo_segments.messages import Records, State
from target_klaviyo_segments.onlooker import looked_at
from target_klaviyo_segments.reader import MessageReader
from target_klaviyo_segments.routed_sink import RoutedSink
from target_klaviyo_segments.run import Run
from target_klaviyo_segments.segment.mapping import mapping_problems
from target_klaviyo_segments.segment.schema import flattenable
from target_klaviyo_segments.settings import Settings
from target_klaviyo_segments.settings.table import config_jsonschema
from target_klaviyo_segments.sink import SegmentSink
from target_klaviyo_segments.stopping import end_at_once, stdout_is_gone, stop_of, take_hangup, winding_up
from target_klaviyo_segments.suppression_sink import SuppressionSink
from target_klaviyo_segments.takers import Taker, maps_in_words, maps_unused, taker
from target_klaviyo_segments.unselected import UnselectedSink
from target_klaviyo_segments.wiring import Once, Wires, make_alarm

if TYPE_CHECKING:
    from types import FrameType

    from target_klaviyo_segments.onlooker import Aside

# What `meltano config test` sends to a loader: one record without an e-mail. It asks whether the connection works.
TEST_STREAM = "meltano_test_stream"


class TargetKlaviyoSegments(Target):
    """Exports segments from any tap to Klaviyo lists: a stream is a segment, a record a person, each row has a fate."""

    name = "target-klaviyo-segments"
    config_jsonschema: ClassVar[dict[str, Any]] = config_jsonschema()
    message_reader_class = MessageReader
    default_sink_class = SegmentSink
    capabilities: ClassVar[list[Any]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
        PluginCapabilities.BATCH,
        PluginCapabilities.ACTIVATE_VERSION,
        TargetCapabilities.VALIDATE_RECORDS,
    ]
    message_reader: MessageReader

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        wires: Wires | None = None,
        once: Once | None = None,
        **sdk: Any,  # noqa: ANN401  # whatever the SDK passes on
    ) -> None:
        """Check the settings.

        Raises:
            SettingsError: With every problem found.
        """
        self.settings = Settings.from_config(config or {}, mapping_problems=mapping_problems)
        self._wires = wires or Wires()
        self._once = once or Once()
        self._alarm = make_alarm(self.settings, self._wires, self.logger)
        self._run: Run | None = None
        self._takers: dict[str, Taker] = {}
        self._signal: int | None = None
        self._aside: Aside = nullcontext
        super().__init__(config=dict(config or {}), **sdk)
        self.message_reader.on_tick = self._tick
        self.message_reader.on_records = self._process_records
        if _asks_for_opposites(self.settings):
            self.message_reader.keep_order()

    @property
    def run(self) -> Run:
        """The run, opened when first asked for."""
        if self._run is None:
            self._run = Run(
                self.settings,
                wires=self._wires,
                log=self.logger,
                emit_state=self._emit_state,
                once=self._once,
                alarm=self._alarm,
            )
        return self._run

    def export(self, file_input: IO[str] | None = None) -> None:
        """Read the input to its end and deliver it.

        Raises:
            TargetError: With the one line for the user; the report is written and what was under way settled.
        """
        with self._alarm.watching():
            run = self.run
            with looked_at(run, self.logger, self._wires.clock.now) as self._aside:
                self._export(run, file_input)

    def _export(self, run: Run, file_input: IO[str] | None) -> None:
        try:
            run.resume()
            self.listen(file_input)
        except BaseException as reason:
            stopped = stop_of(self._signal)
            if not run.ended:
                if self._signal is not None and (told := winding_up(self._signal, run.numbers().under_way)):
                    self.logger.warning("%s", told)
                run.break_off(stopped or reason)
            if stopped is not None:
                raise stopped from None
            raise

    def process_endofpipe(self) -> None:
        """The input has ended: settle everything.

        Raises:
            RunStopped: A signal ended the reading, not the tap.
        """
        stopped = stop_of(self._signal)
        if stopped is not None:
            raise stopped
        if self.message_reader.is_empty:
            self.run.warn("the input was empty: not one message came. If there should be rows, see whether the tap ran")
        for words in maps_unused(self.config.get("stream_maps") or {}, self._takers):
            self.run.warn(words)
        self.run.finish()

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's settings that have a meaning here: stream maps and flattening."""
        super(Target, cls).append_builtin_config(config_jsonschema)

    def get_sink_class(self, stream_name: str) -> Any:  # noqa: ANN401  # a sink class with what it needs beyond the SDK's
        """The way of a stream: exported, or counted as not selected."""
        segment = self.settings.segment(stream_name)
        if stream_name == TEST_STREAM and stream_name not in (self.settings.segments or ()):
            self.run.check()
            segment = None
        if segment is None:
            return partial(UnselectedSink, tally=self.run.selection.leave_out(stream_name))
        sink = SegmentSink if segment.segment_field is None else RoutedSink
        sink = SuppressionSink if segment.suppresses else sink
        return partial(sink, run=self.run, settings=self.settings, segment=segment)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:  # noqa: ARG002  # the SDK's signature
        """Nothing: `Settings` has checked more, in words."""
        return []

    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        stream = checked_schema(message_dict)
        flattening = self.mapper.flattening_options
        schema = message_dict["schema"]
        if flattening.enabled and flattening.max_level > 0:
            schema = flattenable(schema)
        with maps_in_words(stream):
            super()._process_schema_message({**message_dict, "schema": schema})
        ways = [
            (stream_map, cast("SegmentSink | UnselectedSink", self._sinks_active[stream_map.stream_alias]))
            for stream_map in self.mapper.stream_maps[stream]
        ]
        self._takers[stream] = taker(ways, message_dict, validate=self.settings.validate_records)
        self._takers[stream].shape(message_dict)
        self.message_reader.expect(stream, self._takers[stream].type)

    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        try:
            way = self._takers[message_dict["stream"]]
            record = message_dict["record"]
        except (KeyError, TypeError):
            raise no_schema_yet(message_dict) from None
        way.record(message_dict.get("version"))
        way.one(record)

    def _process_records(self, found: Records) -> None:
        if found.stream not in self._takers:
            raise no_schema_yet({"type": "RECORD", "stream": found.stream, "record": None})
        way = self._takers[found.stream]
        for version in found.versions:
            way.record(version)
        way.many(found)

    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        stream, version = stream_of(message_dict), message_dict.get("version")
        way = self._takers.get(stream)
        for count, found in enumerate(batch_records(message_dict, way.type if way is not None else None)):
            if isinstance(found, Records):
                self._process_records(found._replace(stream=stream, versions=[version]))
                self._tick()
                continue
            self._process_record_message({"type": "RECORD", "stream": stream, "record": found, "version": version})
            if count % 1000 == 0:
                self._tick()

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        self.run.exporter.state(state_of(message_dict))

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        if way := self._takers.get(stream_of(message_dict)):
            way.activate(message_dict.get("version"))

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002  # a signal handler's signature
        """Stop as if the input had ended, and know that it did not."""
        if self._signal is not None:
            end_at_once(signum)
        self._signal = signum
        self.message_reader.stop()
        if self._run is not None:
            self._run.interrupt()

    def _setup_signal_handlers(self) -> None:
        """SIGINT and SIGTERM as the SDK does it, and SIGHUP."""
        super()._setup_signal_handlers()
        take_hangup(self._handle_termination)

    def _emit_state(self, value: Any) -> None:  # noqa: ANN401  # a STATE's value is whatever the tap says
        try:
            with self._aside():
                self._write_state_message(value)
        except OSError as error:
            raise stdout_is_gone(error) from None

    def _write_state_message(self, state: Any) -> None:  # noqa: ANN401  # a STATE's value is whatever the tap says
        """As the tap wrote it: the SDK would print what Python makes of its numbers."""
        if not isinstance(state, State):
            super()._write_state_message(state)
            return
        sys.stdout.write(state.line + "\n")
        sys.stdout.flush()

    def _tick(self) -> None:
        if self._run is not None:
            self._run.exporter.settle()


def _asks_for_opposites(settings: Settings) -> bool:
    """Whether one stream suppresses people and another lifts that."""
    streams = filter(None, map(settings.segment, settings.segments or ()))
    return {stream.sync_mode for stream in streams} >= {"suppress", "unsuppress"}
