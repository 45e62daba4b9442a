"""What can be told on this machine: who may, what was agreed to, where a run would write, how old the revision is."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from target_klaviyo_segments.check.finding import Finding, Verdict
from target_klaviyo_segments.errors import WorkDirError
from target_klaviyo_segments.gate import refusal
from target_klaviyo_segments.ledger import Glance, glance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_klaviyo_segments.settings import Settings

# https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
_STABLE_YEARS = 1
_LIVE_YEARS = 2


def of_this_machine(settings: Settings, user: str, today: date) -> Iterator[Finding]:
    """In the order in which a run would meet them."""
    yield Finding("settings", Verdict.OK, f"they fit together; the connection is `{settings.connection_name}`")
    yield Finding("data privacy", Verdict.OK, "accepted (`accept_data_privacy` is true)")
    message = refusal(settings, user)
    yield Finding("user", Verdict.TODO if message else Verdict.OK, message or f"{user} may run it")
    work_dir = Path(settings.work_dir)
    yield _of_work_dir(work_dir)
    yield _of_ledger(work_dir / "ledger.sqlite3")
    yield _of_alerts(settings)
    yield of_revision(settings.api_revision, today)


def _of_alerts(settings: Settings) -> Finding:
    """Not where: the address is a secret. Not whether it works: that would be an alert."""
    told = "a webhook is told of runs that go wrong; it was not asked now"
    nobody = "nobody is told of a run that goes wrong: `alert_webhook_url` is not set"
    return Finding("alerts", Verdict.OK, told if settings.alert_webhook_url else nobody)


def of_revision(revision: str, today: date) -> Finding:
    """How old a revision is, by Klaviyo's rule: stable for a year, deprecated for another, then retired."""
    released, _, suffix = revision.partition(".")
    try:
        born = date.fromisoformat(released)
    except ValueError:
        return Finding("revision", Verdict.TODO, f"`api_revision` {revision} is no date. Remove the setting")
    deprecated, retired = _years_after(born, _STABLE_YEARS), _years_after(born, _LIVE_YEARS)
    if today >= retired:
        words = f"{revision} is retired since {retired}. Remove the setting, or upgrade this program"
        return Finding("revision", Verdict.TODO, words)
    if today >= deprecated:
        words = f"{revision} is deprecated, and retired on {retired}: remove the setting, or upgrade this program"
        return Finding("revision", Verdict.NOTE, words)
    if suffix:
        return Finding("revision", Verdict.NOTE, f"{revision} is a beta, which Klaviyo may change at any time")
    age = max((today - born).days, 0)
    return Finding(
        "revision", Verdict.OK, f"{revision}, {age} days old: stable until {deprecated}, live until {retired}"
    )


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def _of_work_dir(path: Path) -> Finding:
    """Nothing is made: where the folder does not exist, the nearest one above it is looked at."""
    found = next((folder for folder in (path, *path.absolute().parents) if folder.exists()), path)
    trouble = _cannot_be_written(found)
    if trouble:
        words = f"{found} cannot be written: {trouble}. Make it writable, or set `work_dir` to another folder"
        return Finding("work_dir", Verdict.TODO, words)
    return Finding("work_dir", Verdict.OK, f"{path} can be written" + ("" if found == path else " once it is made"))


def _cannot_be_written(folder: Path) -> str | None:
    if not folder.is_dir():
        return "it is no folder"
    try:
        if not os.access(folder, os.W_OK | os.X_OK):
            return "permission denied"
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _of_ledger(path: Path) -> Finding:
    try:
        found = glance(path)
    except WorkDirError as error:
        return Finding("ledger", Verdict.TODO, str(error))
    if found is None:
        return Finding("ledger", Verdict.OK, f"there is none yet; the first run makes {path}")
    if found.holder is not None:
        words = f"a run has it at this moment ({found.holder}): wait until it ends before you start another"
        return Finding("ledger", Verdict.NOTE, words)
    return Finding("ledger", Verdict.OK, _told(found))


def _told(found: Glance) -> str:
    rest = f"; {found.unfinished} batches are under way, which the next run asks about" if found.unfinished else ""
    return f"{found.runs} runs, the last one {found.last}; {found.members} people on lists{rest}"
