"""What is wrong with a configuration about suppression, a sentence each: it goes with little else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.settings.rows_consent import NAMES as CONSENT
from target_klaviyo_segments.settings.rows_leaving import ROWS as LEAVING
from target_klaviyo_segments.settings.rows_segment import SUPPRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LISTS = ("list_id", "list_name", "create_list", "opt_in_process")


def suppression_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """A suppression of every stream, of a list, of a part of a stream; with consent, or with a mirror's settings."""
    segments = config.get("segments")
    entries = {key: own for key, own in (segments.items() if isinstance(segments, dict) else ()) if _is_entry(own)}
    if config.get("sync_mode") in SUPPRESSION:
        yield (
            f"`sync_mode` is {config['sync_mode']}, for every stream that the tap sends. Name in `segments` whom you "
            f'mean, such as {{"optouts": {{"sync_mode": "{config["sync_mode"]}"}}}}'
        )
    for key, own in entries.items():
        if own.get("sync_mode") in SUPPRESSION:
            yield from (f"segments.{key}: {problem}" for problem in _of_stream(own, config))
        yield from _of_values(key, own.get("segments"))
    modes = [own.get("sync_mode") for own in (config, *entries.values(), *_inner(entries))]
    if "mirror" not in modes and any(mode in SUPPRESSION for mode in modes):
        yield from _of_mirrors(config)


def _of_stream(own: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    mode = own["sync_mode"]
    for name in _LISTS:
        if own.get(name):
            yield (
                f"`{name}` is of no use with `sync_mode` {mode}, which concerns no list: who is suppressed gets no "
                "e-mail marketing at all. Take it out"
            )
    for name in CONSENT:
        if own.get(name) and name != "subscribe_channels":
            yield f"`{name}` is about people who are subscribed, and `sync_mode` is {mode}. Take one of the two out"
    if own.get("segment_field") or own.get("segments") is not None or config.get("segment_field"):
        yield (
            f"`sync_mode` {mode} concerns no list, so `segment_field` has nothing to choose. Give the people who are "
            "meant a stream of their own"
        )


def _of_values(stream: str, values: object) -> Iterator[str]:
    for value, own in values.items() if isinstance(values, dict) else ():
        if _is_entry(own) and own.get("sync_mode") in SUPPRESSION:
            yield (
                f"segments.{stream}.segments.{value}: `sync_mode` {own['sync_mode']} is for whole streams. Give the "
                "people who are meant a stream of their own"
            )


def _of_mirrors(config: Mapping[str, Any]) -> Iterator[str]:
    """Whoever sets these thinks of something that does not happen; the defaults, which Meltano gives, say nothing."""
    for row in LEAVING:
        if config.get(row.name, row.default) != row.default:
            yield f"`{row.name}` is for `sync_mode` mirror, and no stream has it: whoever left is not looked for"


def _inner(entries: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for own in entries.values():
        values = own.get("segments")
        yield from filter(_is_entry, values.values()) if isinstance(values, dict) else ()


def _is_entry(own: object) -> bool:
    return isinstance(own, dict)
