"""The check, whole: settings first, then this machine, then Klaviyo, each only when what it stands on is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from target_klaviyo_segments.check.finding import Finding, Verdict
from target_klaviyo_segments.check.here import of_revision, of_this_machine
from target_klaviyo_segments.check.there import of_klaviyo
from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.gate import refusal, user_name
from target_klaviyo_segments.segment.mapping import mapping_problems
from target_klaviyo_segments.settings import Settings
from target_klaviyo_segments.settings.rules import PRIVACY_NOTICE
from target_klaviyo_segments.wiring import Wires, make_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_klaviyo_segments.check.there import Klaviyo

# How long a check tries again what does not work at once; a run does so for `retry_max_seconds`.
_PATIENCE_SECONDS = 20


def inspect(config: Mapping[str, Any], wires: Wires) -> Iterator[Finding]:
    """All that can be told of a configuration, as it is found out. Of Klaviyo nothing is asked before it is right."""
    try:
        settings = Settings.from_config(config, mapping_problems=mapping_problems)
    except SettingsError as error:
        yield from map(_of_problem, error.problems)
        yield Finding("Klaviyo", Verdict.UNKNOWN, "not asked: the settings come first")
        return
    user = user_name()
    yield from of_this_machine(settings, user, _today(wires))
    if refusal(settings, user):
        yield Finding("Klaviyo", Verdict.UNKNOWN, "not asked: this connection may not be used now")
        return
    try:
        client = make_client(_impatient(settings), wires, lambda *_: None)
    except SettingsError as error:
        yield from map(_of_problem, error.problems)
        return
    try:
        yield from of_klaviyo(client, settings)
    finally:
        client.close()


def inspect_account(klaviyo: Klaviyo, settings: Settings, today: date) -> Iterator[Finding]:
    """What a run that has come to its first stream does not know yet."""
    yield of_revision(settings.api_revision, today)
    yield from of_klaviyo(klaviyo, settings)


def _impatient(settings: Settings) -> Settings:
    """Somebody waits for the answer, who can ask again."""
    return replace(settings, retry_max_seconds=min(settings.retry_max_seconds, _PATIENCE_SECONDS))


def _of_problem(problem: str) -> Finding:
    return Finding("data privacy" if problem == PRIVACY_NOTICE else "settings", Verdict.TODO, problem)


def _today(wires: Wires) -> date:
    return datetime.fromtimestamp(wires.wall(), timezone.utc).date()
