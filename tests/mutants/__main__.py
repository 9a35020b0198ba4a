"""`python -m tests.mutants [NAME…]`: try mutants of model types, and say which checks see them."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from hfci.cases.manifest import MANIFEST, load_manifest

from .results import Result, Results, summary
from .trials import ROOT, Changed, Trial, in_forks

RESULTS = Path(".hfci") / "mutants.jsonl"

# A mutant takes too long that takes so much longer than the unchanged model; it may have made a loop endless.
SLOWER, GRACE_S = 5.0, 20.0


def main() -> int:
    """Try what is asked for; 0 where every model type was green to begin with, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="model types (default: some, drawn at random)")
    parser.add_argument("--types", type=int, default=20, help="how many model types are drawn (default: 20)")
    parser.add_argument("--each", type=int, default=20, help="how many mutants of each (default: 20)")
    parser.add_argument("--seed", type=int, default=14, help="of what is drawn (default: 14)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"what is in it is not tried again ({RESULTS})")
    arguments = parser.parse_args()

    from hfci.testing.process_setup import prepare

    prepare("cpu")
    _import_what_tests_need()
    from .drawing import Target, drawn, targets

    generated = ROOT / "generated"
    known = targets(load_manifest(generated / MANIFEST), generated)
    names = arguments.names or random.Random(arguments.seed).sample(sorted(known), arguments.types)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no functional tests, or no modelling module of its own: {', '.join(unknown)}")
    results = Results(arguments.results)

    whole = {}
    unchanged = (Trial(known[name], known[name].files, measured=known[name].folder) for name in names)
    for trial, ended in in_forks(unchanged, arguments.workers):
        target: Target = trial.about
        if ended.red or ended.broken or not ended.asked:
            print(f"{target.model_type} is not green without any: {ended.broken or ended.red or 'nothing ran'}")
        else:
            whole[target.model_type] = ended

    def trials() -> Iterator[Trial]:
        for name in names:
            for path, mutant in drawn(known[name], arguments.each, arguments.seed) if name in whole else ():
                if results.has(name, path, mutant):
                    continue
                if mutant.line not in whole[name].lines.get(str(path), ()):
                    results.add(Result.of(name, path, mutant, None))
                    continue
                module = ".".join(("transformers", *path.relative_to(path.parents[2]).with_suffix("").parts))
                changed = Changed(module, mutant.applied(path.read_text(encoding="utf-8")))
                limit = whole[name].seconds * SLOWER + GRACE_S
                yield Trial((name, path, mutant), known[name].files, changed, limit_s=limit)

    for trial, ended in in_forks(trials(), arguments.workers):
        results.add(Result.of(*trial.about, ended))
    print(summary(results.every))
    return 0 if len(whole) == len(names) else 1


def _import_what_tests_need() -> None:
    """Import, before any fork, what is no model's."""
    import importlib

    import transformers.generation.utils
    import transformers.modeling_utils  # noqa: F401

    from hfci.checks import CHECKS

    for check in CHECKS.values():
        importlib.import_module(check.module)


if __name__ == "__main__":
    sys.exit(main())
