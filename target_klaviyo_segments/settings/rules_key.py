"""Exactly one way to be known to Klaviyo: a key, a file with it, or OAuth. Part of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OAUTH = ("oauth_client_id", "oauth_client_secret", "oauth_refresh_token")


def key_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the ways that are given, a sentence each."""
    oauth = [name for name in _OAUTH if name in config]
    ways = [name for name in ("api_key", "api_key_file") if name in config] + oauth[:1]
    if not ways:
        yield (
            "`api_key` is missing: the private API key of the Klaviyo account (Settings > API keys in Klaviyo), or "
            "`api_key_file`, or the three `oauth_*` settings"
        )
    if len(ways) > 1:
        yield f"{' and '.join(f'`{way}`' for way in ways)} are two ways to be known to Klaviyo: keep one"
    if oauth:
        for name in _OAUTH:
            if name not in config:
                yield f"`{name}` is missing: OAuth needs all three of {', '.join(f'`{each}`' for each in _OAUTH)}"
