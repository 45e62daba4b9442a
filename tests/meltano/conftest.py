"""A Meltano project whose plugins are installed, on a sandbox behind a socket."""

from __future__ import annotations

import pytest
from meltano_project import MeltanoProject, copy_project, new_sandbox
from postgres import Postgres

from target_klaviyo_segments.sandbox.server import SandboxServer

PLUGINS = ("tap-jsonl", "tap-postgres", "tap-postgres-pipelinewise", "target-klaviyo-segments")


@pytest.fixture
def server():
    """A sandbox Klaviyo with the list of meltano.yml."""
    with SandboxServer(new_sandbox()) as running:
        yield running


@pytest.fixture(scope="session")
def plugins(tmp_path_factory):
    """A project in which the plugins of meltano.yml are installed."""
    folder = copy_project(tmp_path_factory.mktemp("plugins"))
    with SandboxServer(new_sandbox()) as running:
        project = MeltanoProject(tmp_path_factory.mktemp("install"), running, folder)
        assert project.meltano("install", *PLUGINS) == 0, project.said
    return folder


@pytest.fixture
def project(tmp_path, server, plugins):
    """This repository's own project, as if it had never run."""
    (folder := tmp_path / "project").mkdir()
    return MeltanoProject(tmp_path, server, copy_project(folder, plugins))


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL for all tests of this folder."""
    with Postgres() as running:
        yield running


@pytest.fixture
def shop(project, postgres):
    """The project with a database that has no table yet."""
    postgres.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    project.environment |= postgres.environment
    return project
