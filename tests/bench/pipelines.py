"""Pairs of an architecture and a pipeline task that a processor-second is enough for.

`python tests/bench/pipelines.py [PART]`: one of so many pairs of the manifest (default: 16, spread over all tasks), in
one process: the tiny model, its processors, its checkpoint, and both checks of its pipeline. What is not served here
for want of a package takes its time and does not count. Exits 1 if all pairs would take two cores over 20 minutes.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

from hfci.testing.process_setup import prepare

prepare("cpu")

from hfci.cases.manifest import MANIFEST, load_manifest  # noqa: E402
from hfci.catalog.requirements import absent_packages  # noqa: E402
from hfci.checks import CHECKS, load_check  # noqa: E402
from hfci.tiny import build_tiny  # noqa: E402
from hfci.tiny.processors import VOCABULARY  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
PART = 16
PROMISED_SECONDS, CORES = 20 * 60, 2
NAMES = ("pipeline_runs", "pipeline_runs_in_bfloat16", "pipeline_follows_its_parameters")


def pairs() -> list[tuple[str, str, str]]:
    """Return model type, architecture and task of every pair, those of a task one after the other."""
    rows = load_manifest(ROOT / "generated" / MANIFEST).model_types
    cases = (case for row in rows for case in row.cases_in("functional", "cpu"))
    every = {(case.model_type, case.architecture or "", case.task or "") for case in cases if case.check == NAMES[0]}
    return sorted(every, key=lambda pair: (pair[2], *pair))


def serve(model_type: str, architecture: str, task: str) -> bool:
    """Ask what is asked of a pair, red or green; say whether the packages of its pipeline are here."""
    tiny = build_tiny(model_type, architecture, vocabulary=VOCABULARY)
    for name in NAMES:
        if task in CHECKS[name].axes["task"] or CHECKS[name].axes["task"] == ("*",):
            try:
                load_check(name)(tiny, task)
            except Exception as error:
                if absent_packages(error):
                    return False
    return True


def main() -> int:
    """Print what was measured."""
    every = pairs()
    asked = every[:: int(sys.argv[1]) if sys.argv[1:] else PART]
    start, served = time.process_time(), 0
    for pair in asked:
        with contextlib.suppress(Exception):
            served += serve(*pair)
    spent = time.process_time() - start
    minutes = len(every) * spent / len(asked) / CORES / 60
    sys.stdout.write(
        f"{served} of {len(asked)} pairs served in {spent:.0f} processor-seconds: {served / spent:.2f} a second; "
        f"all {len(every)} would take {CORES} cores {minutes:.1f} minutes\n"
    )
    return int(minutes > PROMISED_SECONDS / 60)


if __name__ == "__main__":
    sys.exit(main())
