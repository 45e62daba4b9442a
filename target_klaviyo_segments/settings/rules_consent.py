"""What is wrong with a configuration about consent, a sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.settings.rows_consent import NAMES
from target_klaviyo_segments.settings.rows_segment import DELIVERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def consent_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Channels without consent, consent without channels, dates that a historical import lacks."""
    parts = dict(_parts(config))
    for where, part in parts.items():
        if part.get("subscribe_channels"):
            yield from (f"{where}{problem}" for problem in _of_part(part))
    given = [name for name in NAMES if name != "subscribe_channels" and config.get(name)]
    if given and not any(part.get("subscribe_channels") for part in (config, *parts.values())):
        yield f"`{given[0]}` is set, and `subscribe_channels` is not: nobody would be subscribed"


def _of_part(part: Mapping[str, Any]) -> Iterator[str]:
    mode = part.get("sync_mode") or "upsert"
    if mode not in DELIVERS:
        yield f"`subscribe_channels` goes with `sync_mode` upsert and mirror, and it is {mode}: nobody is delivered"
    if not part.get("consent_field") and not part.get("consented_at_field"):
        yield (
            "`subscribe_channels` needs `consent_field` or `consented_at_field`: nobody is subscribed whose row does "
            "not have their consent"
        )
    if part.get("historical_import") is True and not part.get("consented_at_field"):
        yield "`historical_import` needs `consented_at_field`: Klaviyo wants to know when each person consented"


def _parts(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The settings of each segment, with what it inherits; the general ones where there are no segments."""
    segments = config.get("segments")
    if not isinstance(segments, dict):
        yield "", config
        return
    for stream, own in segments.items():
        if isinstance(own, dict):
            given = {name: value for name, value in own.items() if value is not None}
            channels_are_own = "subscribe_channels" in given
            merged = {**config, **given}
            if not channels_are_own and (merged.get("sync_mode") or "upsert") not in DELIVERS:
                merged["subscribe_channels"] = None  # general channels do not concern it
            yield f"segments.{stream}: ", merged
