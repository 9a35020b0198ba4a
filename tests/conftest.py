"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Before torch is imported, here and in what tests start: tiny models gain nothing by a second thread, and workers whose
# threads wait for each other take three times as long. What compares threads sets their number itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No test asserts seconds: a shared machine is slow at times, and the first text that is drawn waits for its tables.
settings.register_profile("hfci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hfci")
