"""What is wrong with the lists that a configuration names, a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def list_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """No list, two lists, or settings about a list that is made where none is."""
    parts = dict(_parts(config))
    for where, part in parts.items():
        if part.get("list_id") and part.get("list_name"):
            yield f"{where}`list_id` and `list_name` name a list twice: keep one of the two"
    yield from _missing(config)
    named = any(part.get("list_name") for part in parts.values())
    creates = any(part.get("create_list") is True for part in parts.values())
    if creates and not named:
        yield "`create_list` is true, and there is no `list_name`: a list is made by its name"
    if not creates and any(part.get("opt_in_process") for part in parts.values()):
        yield "`opt_in_process` is for lists that are made, and `create_list` is not true"


def _missing(config: Mapping[str, Any]) -> Iterator[str]:
    segments = config.get("segments")
    if _has_list(config):
        return
    if not isinstance(segments, dict):
        yield (
            "`list_id` is missing: the Klaviyo list to fill (the six characters in the address of its page), "
            "or `list_name`"
        )
        return
    for stream, own in segments.items():
        if isinstance(own, dict) and not _has_list(own):
            yield f"`segments.{stream}` has no `list_id` or `list_name`, and there is no general one"


def _has_list(part: Mapping[str, Any]) -> bool:
    return bool(part.get("list_id") or part.get("list_name"))


def _parts(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The general settings, and each segment's own."""
    yield "", config
    segments = config.get("segments")
    if isinstance(segments, dict):
        for stream, own in segments.items():
            if isinstance(own, dict):
                yield f"segments.{stream}: ", own
