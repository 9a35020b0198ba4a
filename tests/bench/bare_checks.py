"""The floor of a tier, without pytest: one process that makes the calls of the cases it reads, one by one.

Standard input: a JSON list of [model type, architecture, [check, …]]. Prints the seconds and the processor-seconds that
they took, without the start of the process. What is red takes its time too.
"""

import contextlib
import json
import sys
import time

from hfci.testing.process_setup import prepare

prepare("cpu")

from hfci.checks import CHECKS, load_check  # noqa: E402
from hfci.tiny import build_tiny  # noqa: E402
from hfci.tiny.parts import host_of  # noqa: E402

cases: list[tuple[str, str, list[str]]] = json.load(sys.stdin)
functions = {name: load_check(name) for *_, names in cases for name in names}
hosts = {name: host_of(name) for name, _, (first, *_) in cases if CHECKS[first].subject == "part"}
start, spent = time.perf_counter(), time.process_time()
for model_type, architecture, names in cases:
    with contextlib.suppress(Exception):
        tiny = build_tiny(*(hosts.get(model_type) or (model_type, architecture)))
        for name in names:
            with contextlib.suppress(Exception):
                functions[name](tiny, *([model_type] if model_type in hosts else []))
print(time.perf_counter() - start, time.process_time() - spent)
