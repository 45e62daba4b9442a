"""`meltano run` with the meltano.yml of this repository and tap-jsonl."""

from __future__ import annotations

import json

import pytest
from meltano_project import ROOT

pytestmark = pytest.mark.meltano


def write(path, *emails):
    path.write_text("".join(json.dumps({"customer_id": email, "email": email}) + "\n" for email in emails))


def test_a_run_delivers_the_segment_and_keeps_the_state(project):
    """Rows are on the list, the report balances, Meltano has the STATE, and the project file is as it was."""
    assert project.run("tap-jsonl", "target-klaviyo-segments"), project.said
    assert len(project.members()) == project.totals["delivered"] == 5
    assert "newsletter" in json.dumps(project.state("tap-jsonl-to-target-klaviyo-segments"))
    assert (project.cwd / "meltano.yml").read_bytes() == (ROOT / "meltano.yml").read_bytes()


def test_what_meltano_sees_of_a_run(project):
    """Our lines with their levels, numbers and metrics as fields; nothing that its user could not mend, no address."""
    assert project.meltano("--log-format", "json", "run", "tap-jsonl", "target-klaviyo-segments") == 0, project.said
    found = [json.loads(line) for line in project.said.splitlines() if line.startswith("{")]
    ours = [line for line in found if line.get("name") == "target-klaviyo-segments"]
    assert ours[0]["event"].endswith("of connection klaviyo begins")
    assert {line["level"] for line in ours} == {"info"}
    (over,) = [line for line in ours if "export" in line]
    assert (over["stream_name"], over["export"]["delivered"]) == ("newsletter", 5)
    points = {
        point["metric"]: point["value"] for point in (line["metric_info"] for line in ours if "metric_info" in line)
    }
    assert (points["record_count"], points["batch_count"], points["reject_count"]) == (9, 1, 3)
    assert "@" not in json.dumps([line["event"] for line in ours])


def test_a_dry_run_by_meltanos_setting(project):
    """Foretold, not done: nobody is on the list, no STATE is kept, and the next run delivers everybody."""
    assert project.run("tap-jsonl", "target-klaviyo-segments", dry_run=True), project.said
    plan = json.loads((project.folder / "work" / "plan.json").read_text())
    assert (plan["dry_run"], plan["totals"]["delivered"]) == (True, 5)
    assert not project.members()
    assert "newsletter" not in json.dumps(project.state("tap-jsonl-to-target-klaviyo-segments"))
    assert project.run("tap-jsonl", "target-klaviyo-segments"), project.said
    assert len(project.members()) == 5


def test_a_mirror_of_a_tap_that_reads_what_changed_takes_nobody_off(project, tmp_path):
    """An incremental tap, and it says so: who is gone from the file stays, and Meltano's status is not 0."""
    source = tmp_path / "people.jsonl"
    project.environment["TAP_JSONL_PATH"] = str(source)
    people = {"ada@example.com", "bea@example.com"}
    write(source, *people)
    assert project.run("tap-jsonl", "target-klaviyo-segments"), project.said
    write(source, "ada@example.com")
    assert not project.run("tap-jsonl", "target-klaviyo-segments", sync_mode="mirror", mirror_on_end_of_input=True)
    assert "FULL_TABLE" in project.said
    assert set(project.members()) == people


def test_a_failing_target_fails_the_run(project):
    """What the target refuses reaches the exit status of Meltano, with the reason, and nothing is sent."""
    assert not project.run("tap-jsonl", "target-klaviyo-segments", email_field="mail")
    assert "email_field" in project.said
    assert not project.members()
