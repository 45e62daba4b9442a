"""The Hub's definition in a project that has nothing else of ours: added, installed from a wheel, checked, run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from meltano_project import ROOT, MeltanoProject, meltano
from pipeline import KEY, LIST

pytestmark = pytest.mark.meltano

NAME = "target-klaviyo-segments"
SEGMENT = ROOT / "examples" / "demo" / "data" / "newsletter.jsonl"
PROJECT = {
    "project_id": "7d8f3a51-1f0c-4b7e-9f21-0a7c6f0f5d10",
    "send_anonymous_usage_stats": False,
    "default_environment": "sandbox",
    "environments": [{"name": "sandbox"}],
    "plugins": {
        "extractors": [
            {
                "name": "tap-jsonl",
                "namespace": "tap_jsonl",
                "pip_url": "tap-jsonl==0.3.1",
                "capabilities": ["catalog", "discover", "state"],
                "config": {"path": str(SEGMENT), "stream_name": "newsletter", "primary_keys": ["customer_id"]},
            }
        ]
    },
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """What a release would upload."""
    folder = tmp_path_factory.mktemp("wheels")
    uv = Path(meltano()).resolve().with_name("uv")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True, timeout=300)
    return folder


@pytest.fixture
def newcomer(tmp_path, server, wheels):
    """Somebody's own project, where our package comes from a folder of wheels."""
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(PROJECT, sort_keys=False))
    return MeltanoProject(tmp_path, server, cwd=tmp_path, UV_FIND_LINKS=str(wheels))


def test_added_by_its_definition_it_delivers_a_segment(newcomer):
    """`meltano add --from-ref` keeps all of it; secrets go to `.env`, the check is content, the segment arrives."""
    file = ROOT / "hub" / f"{NAME}.yml"
    assert newcomer.meltano("add", "--plugin-type", "loader", "--from-ref", str(file), NAME) == 0, newcomer.said
    (loader,) = yaml.safe_load((newcomer.folder / "meltano.yml").read_text())["plugins"]["loaders"]
    definition = yaml.safe_load(file.read_text())
    for part in ("namespace", "pip_url", "executable", "capabilities", "commands", "settings"):
        assert loader[part] == definition[part], part
    given = {"api_key": KEY, "list_id": LIST, "accept_data_privacy": "true", "subscribe_channels": '["email"]'}
    given["consent_field"] = "newsletter"
    for name, value in given.items():
        assert newcomer.meltano("config", "set", NAME, name, value) == 0, newcomer.said
    assert KEY in (newcomer.folder / ".env").read_text()
    assert KEY not in (newcomer.folder / "meltano.yml").read_text()
    assert newcomer.meltano("invoke", f"{NAME}:check") == 0, newcomer.said
    assert f"list {LIST}" in newcomer.said
    assert newcomer.run("tap-jsonl", NAME), newcomer.said
    assert len(newcomer.members()) == newcomer.totals["delivered"] == 5
    (newcomer.folder / "work" / "report.html").unlink()
    assert newcomer.meltano("invoke", f"{NAME}:report") == 0, newcomer.said
    assert (newcomer.folder / "work" / "report.html").is_file()
    assert newcomer.meltano("invoke", f"{NAME}:forget") == 1, newcomer.said
    assert " files would be removed; add --yes to do it" in newcomer.said
    assert newcomer.meltano("invoke", f"{NAME}:forget", "--yes") == 0, newcomer.said
    assert not (newcomer.folder / "work").exists()
