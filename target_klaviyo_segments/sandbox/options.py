"""The options of the sandbox's command, what may be wrong with them, and the sandbox that they ask for."""

from __future__ import annotations

import argparse
from importlib.metadata import version

from target_klaviyo_segments.sandbox.app import DEFAULT_API_KEY, Sandbox

HOST = "127.0.0.1"
DEFAULT_LIST = ("Y6nRLr", "Sandbox segment")
_DEFAULT_PORT = 8765
# Lines of the last requests, for those who look.
_REQUESTS_KEPT = 1_000


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
    found.add_argument(
        "--oauth", type=_app, action="append", metavar="ID:SECRET:TOKEN", help="an installed OAuth app; repeatable"
    )
    found.add_argument(
        "--oauth-rotates", action="store_true", help="a refresh token is good for one use, and a new one comes back"
    )
    found.add_argument("--no-limits", action="store_true", help="no rate limits")
    found.add_argument("--job-seconds", type=_seconds, default=0.0, help="how long an import job takes (default: 0)")
    found.add_argument("--quiet", action="store_true", help="no line for each request")
    return found


def asked_for(options: argparse.Namespace) -> Sandbox:
    """The sandbox of these options.

    Raises:
        ValueError: A flow is to hang on a list that is not there.
    """
    sandbox = Sandbox(
        api_key=options.api_key,
        limits=not options.no_limits,
        job_seconds=options.job_seconds,
        requests_kept=_REQUESTS_KEPT,
    )
    names = dict(options.list or [DEFAULT_LIST])
    for list_id, name in names.items():
        double = list_id in (options.double_opt_in or ())
        sandbox.add_list(list_id, name, "double_opt_in" if double else "single_opt_in")
    for list_id, flow in options.flow or ():
        if list_id not in names:
            raise ValueError(f"--flow {list_id}={flow}: there is no such list; name it by --list")
        sandbox.hang_flow(list_id, flow)
    for app in options.oauth or ():
        sandbox.oauth.install(*app)
    sandbox.oauth.rotates = options.oauth_rotates
    return sandbox


def told(options: argparse.Namespace, url: str) -> str:
    """What it says once it listens: where, who is let in, and what there is."""
    apps = [f"OAuth app {app[0]}" for app in options.oauth or ()]
    lists = dict(options.list or [DEFAULT_LIST])
    let_in = " or ".join([f"API key {options.api_key}", *apps])
    return (
        f"Sandbox Klaviyo at {url} with {let_in} and lists {', '.join(lists)}\n"
        f"Open {url}/ in a browser to see what arrives"
    )


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
        raise argparse.ArgumentTypeError("a key, an ID, a secret or a token is ASCII text without blanks")
    return text


def _app(text: str) -> tuple[str, str, str]:
    client_id, _, rest = text.partition(":")
    client_secret, _, refresh_token = rest.partition(":")
    return _key(client_id), _key(client_secret), _key(refresh_token)


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
