"""`python -m tests.mutants [NAME…]`: put faults into transformers, and say which checks see them.

Mutants, drawn at random, or with `--fixes` real faults: the fixes of fixes.toml, undone one at a time.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import msgspec

from hfci.cases.manifest import MANIFEST, load_manifest
from hfci.checks import CHECKS
from hfci.testing.process_setup import prepare

from .drawing import Target, drawn, targets
from .faults import PACKAGE, Fault
from .fixes import read_fixes, with_tests
from .page import PAGE, families, written
from .results import Result, Results, summary
from .trials import GENERATED, Ended, Trial, in_forks

RESULTS = Path(".hfci") / "mutants.jsonl"

# A fault takes too long with which a model type takes so much longer; it may have made a loop endless.
SLOWER, GRACE_S = 5.0, 30.0


def main() -> int:
    """Try what is asked for, and say what became of it."""
    parser = argparse.ArgumentParser(
        prog="nox -s mutants --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="model types (default: some, drawn; of fixes all)")
    parser.add_argument("--fixes", action="store_true", help="undo fixes")
    parser.add_argument("--types", type=int, default=20, help="of how many model types mutants are drawn (default: 20)")
    parser.add_argument("--each", type=int, default=20, help="how many mutants of each (default: 20)")
    parser.add_argument("--seed", type=int, default=14, help="of what is drawn (default: 14)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--check", action="append", default=[], dest="checks", metavar="CHECK", help="ask no other")
    parser.add_argument("--page", action="store_true", help="render docs/sight.md of what is written down, and end")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"what is in it is not tried again ({RESULTS})")
    arguments = parser.parse_args()

    manifest = load_manifest(GENERATED / MANIFEST)
    if arguments.page:
        PAGE.write_text(written(families(manifest)), encoding="utf-8")
        return 0
    # By another process: it imports transformers, and what is imported before a fork cannot be changed in it.
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        known = other.submit(targets, GENERATED).result()
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"no model type that has tests and runs here: {', '.join(unknown)}")
    if unknown := [name for name in arguments.checks if name not in CHECKS]:
        parser.error(f"no check: {', '.join(unknown)}")
    checks = frozenset(arguments.checks)
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

    for is_shared in (True, False):
        some = [fault for fault in left if fault.is_shared == is_shared]
        if some and not is_shared:
            prepare("cpu")
            _import_what_tests_need()
        whole = _unchanged(some, known, checks, arguments.workers)
        for trial, ended in in_forks(_trials(some, known, checks, whole, results), arguments.workers):
            results.add(Result.of(trial.about, _by_the_fault(ended, whole.get(trial.about.model_type))))
    print(summary(results.every))
    return 0


def _unchanged(
    faults: Sequence[Fault], known: Mapping[str, Target], checks: frozenset[str], workers: int
) -> dict[str, Ended]:
    """Try the model types of faults of one line as they are, to know which lines they run, and in what time.

    One that does not come to its end says neither: then every fault of it is tried.
    """
    names = dict.fromkeys(fault.model_type for fault in faults if fault.line)
    trials = (Trial(name, known[name].files, measured=known[name].folder, checks=checks) for name in names)
    tried = {trial.about: ended for trial, ended in in_forks(trials, workers)}
    for name, ended in tried.items():
        if ended.broken:
            print(f"{name} as it is: {ended.broken}", flush=True)
    return {name: ended for name, ended in tried.items() if not ended.broken}


def _trials(
    faults: Iterable[Fault],
    known: Mapping[str, Target],
    checks: frozenset[str],
    whole: Mapping[str, Ended],
    results: Results,
) -> Iterator[Trial]:
    """Yield what is to be tried, a fix until one of its model types sees it undone.

    Of a line that no test runs it is known what becomes of it.
    """
    for fault in faults:
        if not fault.line and results.sees(fault):
            continue
        trial = Trial(fault, known[fault.model_type].files, fault.changed(), checks=checks)
        if (unchanged := whole.get(fault.model_type)) is not None:
            if fault.line not in unchanged.lines.get(str(PACKAGE / fault.file), ()):
                results.add(Result.of(fault, None))
                continue
            trial = replace(trial, limit_s=unchanged.seconds * SLOWER + GRACE_S)
        yield trial


def _by_the_fault(ended: Ended, unchanged: Ended | None) -> Ended:
    """Return how a trial ended, without the checks that are red without its fault too."""
    if unchanged is None:
        trials = [Trial(None, [GENERATED / test for test in ended.tests])] if ended.tests else []
        unchanged = next((clean for _, clean in in_forks(iter(trials), 1)), Ended())
    red = {check: message for check, message in ended.red.items() if check not in unchanged.red}
    return msgspec.structs.replace(ended, red=red)


def _import_what_tests_need() -> None:
    """Import, before any fork, what is no model's."""
    import transformers.generation.utils
    import transformers.modeling_utils  # noqa: F401

    for check in CHECKS.values():
        importlib.import_module(check.module)


if __name__ == "__main__":
    sys.exit(main())
