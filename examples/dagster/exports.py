"""What `accounts.yaml` lists, as values: one export is one segment of one account."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Export:
    """One segment of one account: the command that prints it, and the configuration of the target."""

    account: str
    segment: str
    source: list[str]
    target: dict[str, Any]


def all_exports() -> list[Export]:
    """Every segment of every account, in the order of the file."""
    path = Path(os.environ.get("ACCOUNTS", HERE / "accounts.yaml"))
    accounts = yaml.safe_load(os.path.expandvars(path.read_text(encoding="utf-8")))["accounts"]
    return [
        Export(account, segment, _tap(account, segment, own), _target(account, what["target"], own["target"]))
        for account, what in accounts.items()
        for segment, own in what["segments"].items()
    ]


def run(export: Export, source: list[str] | None = None) -> dict[str, Any]:
    """Pipe the tap into the target; to the report of the run.

    Raises:
        RuntimeError: The tap or the target failed. What was delivered stands, and the next run goes on from there.
    """
    config = _written(export.target, export.account, f"{export.segment}.target")
    target = [shutil.which("target-klaviyo-segments") or "target-klaviyo-segments", "--config", str(config)]
    state = config.with_suffix(".state")
    with subprocess.Popen(source or export.source, stdout=subprocess.PIPE) as tap:
        done = subprocess.run(target, stdin=tap.stdout, capture_output=True, check=False)
    sys.stderr.buffer.write(done.stderr)
    if done.stdout:
        state.write_bytes(done.stdout.splitlines()[-1])
    if done.returncode or tap.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"tap exit {tap.returncode}, target exit {done.returncode}: {''.join(last)}")
    return dict(json.loads((Path(export.target["work_dir"]) / "report.json").read_text(encoding="utf-8")))


def _tap(account: str, segment: str, own: dict[str, Any]) -> list[str]:
    config = _written(own["tap_config"], account, f"{segment}.tap")
    return [shutil.which(own["tap"]) or own["tap"], "--config", str(config)]


def _target(account: str, general: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """One `work_dir` an account: its ledger knows who is in which of the account's segments."""
    return general | own | {"connection_name": account, "work_dir": str(_home(account) / "work")}


def _written(config: dict[str, Any], account: str, name: str) -> Path:
    path = _home(account) / f"{name}.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def _home(account: str) -> Path:
    home = Path(os.environ.get("EXPORTS_HOME", ".exports")) / account
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home
