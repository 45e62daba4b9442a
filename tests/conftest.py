"""Settings of all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A shared machine is slow at times; what is slow is measured in benchmarks, not here.
# Fixtures that property tests use are factories: each example makes its own sandbox with them.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("shared")
