"""Preflight: will one checkpoint run, with exactly this configuration? Asked before the expensive evaluation starts.

from hfci.preflight import Request, preflight

result = preflight(Request(model="gpt2", model_args=("dtype=float16",)), until="keys")
for failure in result.failures:
    print(failure.code, failure.cause, failure.remedy)
"""

from hfci.preflight.configuration import Request
from hfci.preflight.diagnosis import Diagnosis
from hfci.preflight.result import Result, StageResult
from hfci.preflight.running import Interrupted, preflight

__all__ = ["Diagnosis", "Interrupted", "Request", "Result", "StageResult", "preflight"]
