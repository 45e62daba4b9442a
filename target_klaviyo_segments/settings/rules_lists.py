"""What is wrong with the lists that a configuration names, a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.settings.rows_segment import SUPPRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# As in https://developers.klaviyo.com/en/reference/get_list, whose example is Y6nRLr.
_NO_ID = (
    "is no ID of a list, which is letters and digits alone, the six characters in the address of its page; the name of "
    "a list belongs in `list_name`"
)


def list_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """No list, two lists, or settings about a list that is made where none is."""
    parts = dict(_parts(config))
    for where, part in parts.items():
        if part.get("list_id") and part.get("list_name"):
            yield f"{where}`list_id` and `list_name` name a list twice: keep one of the two"
        if not _is_id(part.get("list_id")):
            yield f"{where}`list_id` {_NO_ID}"
        if part.get("segment_field") and part.get("segment_field") == {**config, **part}.get("email_field", "email"):
            yield f"{where}`segment_field` is the e-mail property: every person would be a segment"
    yield from _routed(config)
    yield from _missing(config)
    named = any(part.get("list_name") or part.get("segment_field") for part in parts.values())
    creates = any(part.get("create_list") is True for part in parts.values())
    if creates and not named:
        yield "`create_list` is true, and there is no `list_name` or `segment_field`: a list is made by its name"
    if not creates and any(part.get("opt_in_process") for part in parts.values()):
        yield "`opt_in_process` is for lists that are made, and `create_list` is not true"


def _routed(config: Mapping[str, Any]) -> Iterator[str]:
    """Streams whose rows name their segments: by values that have settings, or by the names of lists."""
    if config.get("segment_field"):
        if _has_list(config) and not isinstance(config.get("segments"), dict):
            yield (
                "`segment_field` without `segments` takes each row to the list that its value names: take `list_id` or "
                "`list_name` out, or give `segments` by value"
            )
        return
    for stream, own in _entries(config.get("segments")):
        if own.get("segments") is not None and not own.get("segment_field"):
            yield f"`segments.{stream}` has `segments` of its own, and no `segment_field` that tells them apart"
        if own.get("segment_field") and own.get("segments") is None and _has_list(own):
            yield f"`segments.{stream}` has a list, and a `segment_field` whose value names one: keep one of the two"


def _missing(config: Mapping[str, Any]) -> Iterator[str]:
    segments = config.get("segments")
    if _has_list(config) or config.get("segment_field"):
        return
    if not isinstance(segments, dict):
        yield (
            "`list_id` is missing: the Klaviyo list to fill (the six characters in the address of its page), "
            "or `list_name`"
        )
        return
    for stream, own in _entries(segments):
        if not _has_list(own) and not own.get("segment_field") and own.get("sync_mode") not in SUPPRESSION:
            yield f"`segments.{stream}` has no `list_id` or `list_name`, and there is no general one"


def _is_id(list_id: object) -> bool:
    """Or no text at all, or empty, which others tell."""
    return not isinstance(list_id, str) or not list_id or (list_id.isascii() and list_id.isalnum())


def _has_list(part: Mapping[str, Any]) -> bool:
    return bool(part.get("list_id") or part.get("list_name"))


def _parts(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The general settings, each segment's own, and those of the segments inside it."""
    yield "", config
    for key, own in _entries(config.get("segments")):
        yield f"segments.{key}: ", own
        for inner, its in _entries(own.get("segments")):
            yield f"segments.{key}.segments.{inner}: ", its


def _entries(segments: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, own in segments.items() if isinstance(segments, dict) else ():
        if isinstance(own, dict):
            yield key, own
