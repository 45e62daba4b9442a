"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# A shared machine is slow at times; what is slow is measured in benchmarks, not here.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")
