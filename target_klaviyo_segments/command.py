"""The command line of the target: what one call of it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any, cast

import click

from target_klaviyo_segments import config as configuration
from target_klaviyo_segments.alerts.refusal import tell_of_refused
from target_klaviyo_segments.errors import SettingsError
from target_klaviyo_segments.options import options
from target_klaviyo_segments.retry import Retry, changes_rows, config_of
from target_klaviyo_segments.settings.table import SETTINGS
from target_klaviyo_segments.target import TargetKlaviyoSegments
from target_klaviyo_segments.wiring import Once, Wires

_OTHERS = "Other commands, with a --help of their own: report, the page of a run; forget, a connection and its data."


class Command(TargetKlaviyoSegments):
    """The target as singer-sdk's command line makes it: by class methods."""

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> tuple[str, ...]:  # type: ignore[override]  # noqa: ARG003  # paths; `invoke` reads them
        """Take `--config` as it is."""
        return value

    @classmethod
    def invoke(  # type: ignore[override]  # takes paths of config files
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: tuple[str, ...] = (),
        file_input: IO[str] | None = None,
        full: bool = False,
        allow_removals: int | None = None,
        retry: str | None = None,
        check: bool = False,
        dry_run: bool = False,
        as_json: bool = False,
    ) -> int:
        """The command line's one action; to the exit status."""
        if about:
            cls.print_about(about_format)
            return 0
        if as_json and not check:
            raise click.UsageError("--json goes with --check")
        values = cls._read(config, is_run=not (check or dry_run))
        for path in configuration.exposed(config, os.environ):
            cls.logger.warning("the config file %s holds a secret and others can read it: chmod 600 %s", path, path)
        if key_file := configuration.exposed_key(values):
            cls.logger.warning("the key file %s can be read by others: chmod 600 %s", key_file, key_file)
        if dry_run:
            values["dry_run"] = True
        if check:
            return _check(values, as_json=as_json)
        if full:
            values["unchanged_profiles"] = "send"
        if retry is not None:
            cls._retry(values, retry)
            return 0
        target = cls._made(values, Once(allow_removals=allow_removals))
        if file_input is None and sys.stdin.isatty():
            target.logger.warning("reading from the terminal: pipe a tap into this target, or give a file by --input")
        target.export(file_input)
        return 0

    @classmethod
    def _read(cls, paths: tuple[str, ...], *, is_run: bool) -> dict[str, Any]:
        """The configuration; one that cannot be read is a run that is refused."""
        try:
            return configuration.read_config(paths, os.environ)
        except SettingsError as error:
            if is_run:
                tell_of_refused(configuration.readable_config(paths, os.environ), error, cls.logger)
            raise

    @classmethod
    def _made(cls, config: dict[str, Any], once: Once) -> Command:
        """The target; settings that are refused are a run that is."""
        try:
            return cls(config=config, once=once)
        except SettingsError as error:
            tell_of_refused(config, error, cls.logger)
            raise

    @classmethod
    def _retry(cls, config: dict[str, Any], run_id: str) -> None:
        """Send the rows of a run again that were rejected or failed."""
        target = cls._made(config_of(config), Once(retry_of=run_id))

        def tell(words: str) -> None:
            target.run.warn(words)  # opened when the export begins

        needed = target.settings.needed_by
        source = Retry(Path(target.settings.work_dir), run_id, needed, tell if changes_rows(config) else None)
        target.export(cast("IO[str]", source))

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's options, and ours."""
        command = super().get_singer_command()
        command.params += options()
        command.epilog = _OTHERS
        return command


def _check(values: dict[str, Any], *, as_json: bool) -> int:
    """Print what is found; 1 when something must be mended."""
    from target_klaviyo_segments.check import document, in_order, inspect  # noqa: PLC0415  # an export saves a moment

    findings = []
    for finding in inspect(values, Wires()):
        findings.append(finding)
        if not as_json:
            sys.stdout.write(finding.line + "\n")
            sys.stdout.flush()
    if as_json:
        sys.stdout.write(document(values.get("connection_name") or SETTINGS["connection_name"].default, findings))
    return 0 if in_order(findings) else 1


# `--about` shows the docstring of the class that it is asked of.
Command.__doc__ = TargetKlaviyoSegments.__doc__
