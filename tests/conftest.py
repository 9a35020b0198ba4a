"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test asserts seconds: a shared machine is slow at times, and the first text that is drawn waits for its tables.
settings.register_profile("hfci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hfci")
