"""What is wrong with a web address of the settings, as the rest of a sentence that begins with its name."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

_HTTPS = "must begin with https:// (plain http is allowed for a loopback host such as 127.0.0.1 only)"


def api_url(value: str) -> str | None:
    """Of Klaviyo's API: a place alone, and no road that the key would travel in the open."""
    parts = _parts(value)
    if parts is None:
        return "is not a web address"
    if parts.path.rstrip("/").endswith("/api"):
        return "must end before `/api`, which is added to it"
    if _is_private(parts) and not (parts.username or parts.query):
        return None
    return f"{_HTTPS}: the key travels with it"


def webhook_url(value: str) -> str | None:
    """Of a webhook, which is a secret itself: whoever knows it can post."""
    parts = _parts(value)
    if parts is None:
        return "is not a web address"
    return None if _is_private(parts) else f"{_HTTPS}: whoever reads it on its way can post to it"


def _parts(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.hostname, parts.port
    except ValueError:
        return None
    return parts


def _is_private(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return bool(parts.scheme == "https" and host) or (parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a host, without its port, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
