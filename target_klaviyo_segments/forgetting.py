"""`target-klaviyo-segments forget`: what a connection left here is removed, and on request whom it put on lists."""

from __future__ import annotations

import fnmatch
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from target_klaviyo_segments import acceptance, tokens
from target_klaviyo_segments import config as configuration
from target_klaviyo_segments.alerts import memory
from target_klaviyo_segments.errors import NotFound, RunStopped, SettingsError, WorkDirError, in_one_line
from target_klaviyo_segments.export.removal import Removal
from target_klaviyo_segments.gate import refusal, user_name
from target_klaviyo_segments.ledger import Ledger, glance
from target_klaviyo_segments.segment.mapping import mapping_problems
from target_klaviyo_segments.settings import Settings
from target_klaviyo_segments.settings.table import SETTINGS
from target_klaviyo_segments.wiring import Wires, make_client

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_klaviyo_segments.klaviyo.client import KlaviyoClient

_LEDGER = "ledger.sqlite3"
# What runs leave in the work directory, by folder, the ledger's own lock last. Nothing else is touched.
_OURS = {
    "rejects": ("*.jsonl", "*.html", "*.draft"),
    "failed": ("*.jsonl",),
    "reports": ("*.json", "*.html", "*.draft"),
    "": (
        "report.*",
        "plan.*",
        acceptance.FILE,
        memory.FILE,
        tokens.FILE,
        "*.draft",
        "ledger-damaged-*.sqlite3*",
        "ledger.sqlite3-wal",
        "ledger.sqlite3-shm",
        _LEDGER,
        "ledger.lock",
    ),
}


@click.command(name="forget", help="Remove what this connection left on this machine: ledger, reports, rejected rows.")
@click.option("--config", multiple=True, metavar="PATH", help="The config file, or files, of the connection.")
@click.option("--and-empty-list", is_flag=True, help="First take the people whom it put on lists off them.")
@click.option("--yes", is_flag=True, help="Do it; without this it is only told what would be done.")
def forget(config: tuple[str, ...], *, and_empty_list: bool, yes: bool) -> int:
    """The command; to the exit status."""
    values = configuration.read_config(config, os.environ)
    if yes and values.get("dry_run") is True:
        click.echo("`dry_run` is true, so it is only told what would be done")
        yes = False
    for line in carry_out(values, Wires(), and_empty_list=and_empty_list, yes=yes):
        click.echo(in_one_line(line))
    return 0 if yes else 1


def carry_out(values: Mapping[str, Any], wires: Wires, *, and_empty_list: bool, yes: bool) -> Iterable[str]:
    """Do it, or tell what would be done; a line for each thing.

    Raises:
        SettingsError: The settings do not say which account or folder.
        WorkDirError: A run has the ledger, a folder cannot be looked into, or a file cannot be removed.
        KlaviyoError: Klaviyo does not take people off; then nothing here is removed.
    """
    work_dir = Path(values.get("work_dir") or SETTINGS["work_dir"].default)
    settings = Settings.from_config(values, mapping_problems=mapping_problems) if and_empty_list else None
    if settings is not None and (message := refusal(settings, user_name())):
        raise RunStopped(message)
    files = _files(work_dir)
    if not files:
        yield f"{work_dir} holds nothing of ours"
        return
    if work_dir / _LEDGER not in files:
        yield from _files_gone(work_dir, len(files), yes=yes)
        return
    found = glance(work_dir / _LEDGER)
    if settings is not None and found is not None and found.unfinished:
        raise RunStopped(
            "a run broke off, and what became of its last rows is not known yet: nothing was forgotten. Run it once "
            "more, an empty input will do; then all whom it put on lists are known"
        )
    ledger = Ledger.open(work_dir / _LEDGER, now=time.time, warn=click.echo)
    try:
        if settings is not None:
            yield from _empty(ledger, found.lists if found else (), settings, wires, yes=yes)
        yield from _files_gone(work_dir, len(files), yes=yes)
    finally:
        ledger.close()
    if yes:  # closing wrote them once more
        _remove([work_dir / "ledger.lock", *work_dir.glob("ledger.sqlite3*")])
        _folders_gone(work_dir)


def _empty(ledger: Ledger, lists: Sequence[str], settings: Settings, wires: Wires, *, yes: bool) -> Iterable[str]:
    client = make_client(settings, wires, lambda *_: None)
    try:
        account = client.account()
        if settings.expected_account_id not in {None, account.id}:
            raise SettingsError(
                [
                    (
                        f"the key belongs to the account {account.id}, and `expected_account_id` is "
                        f"{settings.expected_account_id}: nothing was forgotten. Put the right key, or the right id"
                    )
                ]
            )
        there = _those_there(client, lists, account.id)
        for list_id in lists:
            count = ledger.count_members(list_id)
            if list_id not in there:
                yield f"list {list_id} is not in {account.name} any more: nobody is on it"
                continue
            if not yes:
                yield f"list {list_id} of {account.name}: {count} people would be taken off"
                continue
            removed = list(Removal(client, ledger).remove(list_id, ledger.members(list_id)))
            off, unknown = (sum(len(getattr(part, name)) for part in removed) for name in ("removed", "not_found"))
            refused = sum(len(part.refused) for part in removed)
            if refused:
                raise RunStopped(
                    f"Klaviyo refuses to take {refused} people off the list {list_id}: nothing was forgotten here. "
                    "Run it again; report it when it stays"
                )
            yield f"list {list_id} of {account.name}: {off} people taken off, {unknown} were gone already"
    finally:
        client.close()


def _those_there(client: KlaviyoClient, lists: Sequence[str], account_id: str) -> set[str]:
    there = set()
    for list_id in lists:
        with suppress(NotFound):
            there.add(client.list(list_id).id)
    if lists and not there:
        raise SettingsError(
            [
                (
                    f"none of the lists of this connection is in the account {account_id} of the key: nothing was "
                    "forgotten. Put the right key; if they were all deleted, leave out `--and-empty-list`"
                )
            ]
        )
    return there


def _files_gone(work_dir: Path, count: int, *, yes: bool) -> Iterable[str]:
    """`count` is of those that were there before the ledger was opened, which makes two."""
    if not yes:
        yield f"{work_dir}: {count} files would be removed; add --yes to do it"
        return
    _remove(_files(work_dir))
    _folders_gone(work_dir)
    yield f"{work_dir}: {count} files removed"


def _files(work_dir: Path) -> list[Path]:
    return [path for folder, patterns in _OURS.items() for path in _those_of(work_dir / folder, patterns)]


def _those_of(folder: Path, patterns: Iterable[str]) -> Iterable[Path]:
    """Its files of ours, each once. What cannot be seen is not gone: `glob` would find nothing, without a word."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file() or entry.is_symlink()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise WorkDirError(
            f"the folder {folder} cannot be looked into: {error.strerror}. Nothing was forgotten; run it as the user "
            "who ran the exports"
        ) from None
    return dict.fromkeys(folder / name for pattern in patterns for name in fnmatch.filter(names, pattern))


def _remove(files: Iterable[Path]) -> None:
    try:
        for path in files:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkDirError(
            f"{error.filename} cannot be removed: {error.strerror}. What came before it is gone. Mend that and run it "
            "again"
        ) from None


def _folders_gone(work_dir: Path) -> None:
    """Those that are empty now: what others keep there stays."""
    for folder in (work_dir / name for name in _OURS):
        with suppress(OSError):
            folder.rmdir()
