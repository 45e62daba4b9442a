"""Property tests that try a few examples with every change, and hundreds under `make test-runs`."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

RUNS_AN_EXAMPLE = 10


def thorough(examples, **others):
    """Try so many examples, or as many as RUNS allows; `others` are hypothesis' settings."""
    many = int(os.environ.get("RUNS", "0")) // RUNS_AN_EXAMPLE
    configure = settings(max_examples=max(examples, many), **others)
    return lambda test: pytest.mark.thorough(configure(test))
