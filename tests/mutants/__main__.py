"""`python -m tests.mutants [NAME…]`: put faults into transformers, and say which checks see them.

Mutants, drawn at random, or with `--fixes` real faults: the fixes of fixes.toml, undone one at a time.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hfci.cases.manifest import MANIFEST, load_manifest
from hfci.testing.process_setup import prepare

from .drawing import Target, drawn, targets
from .faults import PACKAGE, Fault
from .fixes import read_fixes, with_tests
from .results import Result, Results, summary
from .trials import ROOT, Ended, Trial, in_forks

RESULTS = Path(".hfci") / "mutants.jsonl"
GENERATED = ROOT / "generated"

# A fault takes too long with which a model type takes so much longer; it may have made a loop endless.
SLOWER, GRACE_S = 5.0, 30.0


def main() -> int:
    """Try what is asked for; 0 where every model type was green to begin with, 1 otherwise."""
    parser = argparse.ArgumentParser(
        prog="nox -s mutants --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="model types (default: some, drawn; of fixes all)")
    parser.add_argument("--fixes", action="store_true", help="undo fixes")
    parser.add_argument("--types", type=int, default=20, help="of how many model types mutants are drawn (default: 20)")
    parser.add_argument("--each", type=int, default=20, help="how many mutants of each (default: 20)")
    parser.add_argument("--seed", type=int, default=14, help="of what is drawn (default: 14)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"what is in it is not tried again ({RESULTS})")
    arguments = parser.parse_args()

    manifest = load_manifest(GENERATED / MANIFEST)
    known = targets(manifest, GENERATED)
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"no model type that has tests and runs here: {', '.join(unknown)}")
    results = Results(arguments.results)
    if arguments.fixes:
        names = arguments.names or known
        fixes = read_fixes(with_tests(manifest))
        faults = [fault for fix in fixes for fault in fix.faults() if fault.model_type in names]
    else:
        own = sorted(name for name, target in known.items() if target.has_modules)
        names = arguments.names or random.Random(arguments.seed).sample(own, arguments.types)
        faults = [fault for name in names for fault in drawn(known[name], arguments.each, arguments.seed)]
    left = [fault for fault in faults if not results.has(fault)]

    whole: dict[str, Ended] = {}
    # What is imported before a fork cannot be changed in it.
    for is_shared in (True, False):
        some = [fault for fault in left if fault.is_shared == is_shared]
        if some and not is_shared:
            prepare("cpu")
            _import_what_tests_need()
        _unchanged({fault.model_type for fault in some} - whole.keys(), known, whole, arguments.workers)
        for trial, ended in in_forks(_trials(some, known, whole, results), arguments.workers):
            results.add(Result.of(trial.about, ended))
    print(summary(results.every))
    return 0 if {fault.model_type for fault in left} <= whole.keys() else 1


def _unchanged(names: Iterable[str], known: Mapping[str, Target], whole: dict[str, Ended], workers: int) -> None:
    """Try model types as they are, which those must be green as that are tried with faults."""
    trials = (Trial(name, known[name].files, measured=known[name].folder) for name in sorted(names))
    for trial, ended in in_forks(trials, workers):
        if ended.red or ended.broken or not ended.asked:
            print(
                f"{trial.about} is not green without a fault: {ended.broken or ended.red or 'nothing ran'}", flush=True
            )
        else:
            whole[trial.about] = ended


def _trials(
    faults: Iterable[Fault], known: Mapping[str, Target], whole: Mapping[str, Ended], results: Results
) -> Iterator[Trial]:
    """Yield what is to be tried; of a line that no test runs it is known what becomes of it."""
    for fault in faults:
        if (unchanged := whole.get(fault.model_type)) is None:
            continue
        if fault.line and fault.line not in unchanged.lines.get(str(PACKAGE / fault.file), ()):
            results.add(Result.of(fault, None))
            continue
        limit = unchanged.seconds * SLOWER + GRACE_S
        yield Trial(fault, known[fault.model_type].files, fault.changed(), limit_s=limit)


def _import_what_tests_need() -> None:
    """Import, before any fork, what is no model's."""
    import transformers.generation.utils
    import transformers.modeling_utils  # noqa: F401

    from hfci.checks import CHECKS

    for check in CHECKS.values():
        importlib.import_module(check.module)


if __name__ == "__main__":
    sys.exit(main())
