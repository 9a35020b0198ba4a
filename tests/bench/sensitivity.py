"""The least sensitive parameter of each family: how far, moved by its own size, it moves an output.

`python tests/bench/sensitivity.py [NAME…]`: the names are model types, patterns and families; nothing means everything,
which takes the better part of an hour, and its output is kept as `tests/mutants/faintest.json`. Those are left out of
which a rule or an exception says why they do nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from statistics import quantiles

from hfci.testing.process_setup import prepare

prepare("cpu")

from hfci.catalog import read_row  # noqa: E402
from hfci.checks.inert_parameters import inert_reasons  # noqa: E402
from hfci.checks.sensitivity import ENOUGH, parameter_factors  # noqa: E402
from hfci.errors import StageError  # noqa: E402
from hfci.generation.select import select  # noqa: E402
from hfci.tiny import build_tiny  # noqa: E402


def measured(names: list[str]) -> Iterator[tuple[str, str, str, float]]:
    """Yield family, architecture, parameter and factor of each parameter that is not said to do nothing."""
    for model_type in select(names):
        for architecture in read_row(model_type).architectures:
            try:
                tiny = build_tiny(model_type, architecture.name)
                factors = parameter_factors(tiny)
            except StageError as error:
                print(f"{model_type}: {error}", file=sys.stderr)
                continue
            low = {name for name, factor in factors.items() if factor < ENOUGH}
            for name in factors.keys() - inert_reasons(tiny, low):
                yield architecture.family, architecture.name, name, factors[name]


start = time.process_time()
rows = list(measured(sys.argv[1:]))
deciles = quantiles([min(factor, 1e9) for *_, factor in rows], n=10)
least = (
    min((row for row in rows if row[0] == family), key=lambda row: row[3]) for family in sorted({r[0] for r in rows})
)
keys = ("family", "architecture", "parameter", "factor")
found = {
    "schema": 1,
    "parameters": len(rows),
    "deciles": [round(decile) for decile in deciles],
    "faintest": [dict(zip(keys, (*row[:3], float(f"{row[3]:.2g}")), strict=True)) for row in least],
}
print(f"{time.process_time() - start:.0f} processor-seconds", file=sys.stderr)
print(json.dumps(found, indent=1))
