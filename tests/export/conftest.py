"""Fixtures of the export room."""

from __future__ import annotations

import pytest
from bench import Bench


@pytest.fixture(autouse=True)
def _closed():
    """No bench leaves its ledger open."""
    yield
    Bench.close_all()


@pytest.fixture
def bench(tmp_path):
    """Make a bench: `bench(ModelKlaviyo(...), batch_rows=2)`."""
    return lambda klaviyo=None, **limits: Bench(tmp_path, klaviyo, **limits)
