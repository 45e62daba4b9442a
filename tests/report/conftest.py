"""Runs whose report has something of everything."""

from __future__ import annotations

import json

import pytest
from pipeline import Pipeline, record, schema, state

PROPERTIES = {"email": {"type": ["string", "null"]}, "phone_number": {"type": ["string", "null"]}}


def eventful(folder, **last):
    """Two good runs and one whose mirror is refused: rejects, dropped phones, several exports, a stream left out."""
    pipeline = Pipeline(folder, job_seconds=4.0)
    pipeline.sandbox.add_list("NEWS01", "News & <b>more</b>")
    pipeline.sandbox.add_list("VIPS02", "VIP")

    def run(news, vips, **options):
        lines = [schema("news", **PROPERTIES)]
        lines += [record(f"p{n}@example.com", "news", phone_number="0660 1" if n % 9 == 0 else None) for n in news]
        lines += [record(None, "news"), record("nobody", "news"), record("nothing", "news")]
        lines += [schema("vip"), *(record(f"v{n}@example.com", "vip") for n in vips)]
        lines += [schema("staff"), record("s@example.com", "staff"), state({"done": 1})]
        segments = {"news": {"list_id": "NEWS01"}, "vip": {"list_id": "VIPS02", "sync_mode": "mirror"}}
        more = {"batch_size_rows": 10, "max_profiles_per_export": 100, "mirror_on_end_of_input": True}
        more |= options
        pipeline.run(lines, segments=segments, **more)
        pipeline.clock.sleep(86_400)

    run(range(60), range(40))
    run(range(70), range(39))
    run(range(130), range(4), **last)
    return pipeline


@pytest.fixture(scope="session")
def run_of_everything(tmp_path_factory):
    """Its pipeline; nobody changes it."""
    return eventful(tmp_path_factory.mktemp("eventful"))


@pytest.fixture(scope="session")
def plan_of_everything(tmp_path_factory):
    """The folder of a dry run whose mirror is refused, with new people, rejects, several exports."""
    pipeline = eventful(tmp_path_factory.mktemp("rehearsed"), dry_run=True)
    return pipeline.work_dir


@pytest.fixture
def document(run_of_everything):
    """Its report, to be changed at will."""
    return json.loads(json.dumps(run_of_everything.report))
