"""Processor-seconds that an architecture takes to be compiled by aot_eager and exported by dynamo.

`python tests/bench/backends.py [PART]`: one of so many architectures of the manifest (default: 64), in one process, red
or green, each with its tiny model built and its own forward run. Exits 1 where the mean is over what is promised.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

from hfci.testing.process_setup import prepare

prepare("cpu")

from hfci.cases.manifest import MANIFEST, load_manifest  # noqa: E402
from hfci.checks import assert_holds  # noqa: E402
from hfci.checks.running import reference  # noqa: E402
from hfci.tiny import build_tiny  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
PART = 64
PROMISED_SECONDS = 12.0
ASKED = ("compiled_equals_eager[backend=aot_eager]", "exported_equals_eager[backend=dynamo]")


def architectures() -> list[tuple[str, str]]:
    """Return model type and architecture of everything that the deep tier exports."""
    rows = load_manifest(ROOT / "generated" / MANIFEST).model_types
    cases = (case for row in rows for case in row.cases_in("deep", "cpu") if str(case.variant) in ASKED)
    return sorted({(case.parent or case.model_type, case.architecture or "") for case in cases})


def main() -> int:
    """Print what was measured."""
    asked = architectures()[:: int(sys.argv[1]) if sys.argv[1:] else PART]
    spent: list[tuple[float, str]] = []
    for model_type, architecture in asked:
        start = time.process_time()
        with contextlib.suppress(Exception):
            tiny = build_tiny(model_type, architecture)
            reference(tiny)
            for check in ASKED:
                with contextlib.suppress(Exception):
                    assert_holds(tiny, check)
        spent.append((time.process_time() - start, f"{model_type}/{architecture}"))
    mean = sum(seconds for seconds, _ in spent) / len(spent)
    most, name = max(spent)
    sys.stdout.write(
        f"{len(spent)} architectures compiled and exported: {mean:.1f} processor-seconds each, promised are at most "
        f"{PROMISED_SECONDS:.0f}; the most {most:.1f}, {name}\n"
    )
    return int(mean > PROMISED_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
