"""What is wrong with stream maps and flattening, which are the SDK's and which it refuses late, a sentence each."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.settings.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# https://sdk.meltano.com/en/latest/stream_maps.html
_NULL = (None, "__NULL__")
_FLATTENING = (
    Setting("flattening_enabled", "boolean", "", default=False),
    Setting("flattening_max_depth", "integer", "", default=0),
    Setting("flattening_max_key_length", "integer", "", default=255),
)
_NO_EXPRESSIONS = ("__alias__", "__else__", "__key_properties__", "__source__")


def map_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Of the shape of `stream_maps`, and of the spelling of its expressions."""
    maps = config.get("stream_maps", {})
    if not isinstance(maps, dict):
        yield "`stream_maps` must be an object of streams"
        return
    for stream, own in maps.items():
        if isinstance(own, dict) and not stream.startswith("__"):
            yield from _of_stream(stream, own)
        elif own not in _NULL or (stream.startswith("__") and stream != "__else__"):
            yield (
                f"`stream_maps.{stream}` must give an object for a stream, or null to leave it out; `__else__` with "
                "null leaves out all others"
            )


def flattening_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Of what the SDK flattens, and how deep."""
    for setting in _FLATTENING:
        if problem := setting.problem(config.get(setting.name, setting.default)):
            yield f"`{setting.name}` {problem}"
    if config.get("flattening_enabled") is True and config.get("flattening_max_depth", -1) == -1:
        yield "`flattening_enabled` is true, and `flattening_max_depth` is missing: how deep to flatten, such as 1"


def _of_stream(stream: str, own: Mapping[str, Any]) -> Iterator[str]:
    for name, value in own.items():
        if name not in _NO_EXPRESSIONS and value is not None and not _is_expression(value):
            yield (
                f"`stream_maps.{stream}.{name}` is no expression, such as \"first_name + ' ' + last_name\": look for a "
                "bracket or a quotation mark that is missing"
            )


def _is_expression(value: object) -> bool:
    """As the SDK reads it; whether it works is known when records come."""
    try:
        return isinstance(value, str) and bool(ast.parse(value).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
