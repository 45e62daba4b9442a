"""The options of the sandbox's command, and what may be wrong with them."""

from __future__ import annotations

import argparse
from importlib.metadata import version

from target_klaviyo_segments.sandbox.app import DEFAULT_API_KEY

HOST = "127.0.0.1"
DEFAULT_LIST = ("Y6nRLr", "Sandbox segment")
_DEFAULT_PORT = 8765


def parser() -> argparse.ArgumentParser:
    """The options, each checked, with a line of help."""
    found = argparse.ArgumentParser(
        prog="target-klaviyo-segments-sandbox",
        description="A Klaviyo on this machine, to try exports against. Nothing leaves it, nothing is kept.",
    )
    found.add_argument("--version", action="version", version=f"%(prog)s {version('target-klaviyo-segments')}")
    found.add_argument("--host", type=_loopback, default=HOST, help=f"only {HOST}: it is for this machine alone")
    found.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="0 for any free one (default: %(default)s)")
    default = "=".join(DEFAULT_LIST)
    found.add_argument(
        "--list", type=_list, action="append", metavar="ID[=NAME]", help=f"repeatable (default: {default})"
    )
    found.add_argument(
        "--double-opt-in", type=_list_id, action="append", metavar="ID", help="a list whose members must confirm"
    )
    found.add_argument("--flow", type=_list, action="append", metavar="ID=NAME", help="a live flow on a list")
    found.add_argument(
        "--api-key", type=_key, default=DEFAULT_API_KEY, help="the private key to accept (default: %(default)s)"
    )
    found.add_argument("--no-limits", action="store_true", help="no rate limits")
    found.add_argument("--job-seconds", type=_seconds, default=0.0, help="how long an import job takes (default: 0)")
    found.add_argument("--quiet", action="store_true", help="no line for each request")
    return found


def _loopback(text: str) -> str:
    if text not in {HOST, "localhost"}:
        raise argparse.ArgumentTypeError(f"the sandbox listens on {HOST} only, not on {text}")
    return text


def _list_id(text: str) -> str:
    return _list(text)[0]


def _list(text: str) -> tuple[str, str]:
    list_id, _, name = text.partition("=")
    if not list_id.isalnum() or not list_id.isascii():
        raise argparse.ArgumentTypeError(f"{list_id!r} is no list ID: letters and digits")
    return list_id, name or list_id


def _key(text: str) -> str:
    if not text.isascii() or not text.isprintable() or not text or " " in text:
        raise argparse.ArgumentTypeError("a key is ASCII text without blanks")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004  # ports have 16 bits
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time: 0 or more seconds")
    return seconds
