"""How well and how fast plans are made, on the durations of a real run.

`python tests/bench/planning.py [RECORDS…]` (default: results/): records of whole runs of the smoke and functional
tiers. Of the latest of each, it prints, for 2 to 64 shards, the makespan over its lower bound, and over that of
pytest-split's `least_duration` where that is installed (`pip install pytest-split`), with files as its items, as here,
and with single cases, for which it would build models again; what the run before foretells of it; then the time that
100,000 cases onto 256 shards take, in a process that cannot import torch. Exits 1 if a promise is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfci.cases.manifest import MANIFEST, Manifest, ManifestCase, ManifestRow, load_manifest
from hfci.cases.outcome import EXECUTED
from hfci.configuration import Runner as Kind
from hfci.errors import HfciError
from hfci.planning.balance import Work, balance, lower_bound, pack
from hfci.planning.planner import Request, make_plan
from hfci.planning.requirements import Need, Requirements, RunnerNeeds
from hfci.results import read_results

ROOT = Path(__file__).parent.parent.parent
SHARDS = range(2, 65)
PROMISED = 1.03  # of the lower bound
PROMISED_SECONDS = 5.0
CASES = 100_000

# The same command, in an interpreter that says so where it is asked for torch or transformers.
PLAN = """
import sys
sys.modules["torch"] = sys.modules["transformers"] = None
from hfci.cli import main
sys.exit(main(sys.argv[1:]))
"""


Files = Mapping[str, Mapping[str, float]]  # seconds by model type and case


def durations(paths: list[Path]) -> dict[str, list[Files]]:
    """Return what the whole runs of each tier took, oldest first: those with nine tenths of the most cases, or more."""
    runs: dict[str, list[Files]] = defaultdict(list)
    results = read_results(paths)
    for run in results.runs:
        found: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        for record in results.of_run(run):
            if record.duration_s > 0 and record.outcome in EXECUTED:
                found[record.tier][record.model_type][record.case] = record.duration_s
        for tier, files in found.items():
            runs[tier].append(files)
    whole = {tier: 0.9 * max(map(count, found)) for tier, found in runs.items()}
    return {tier: [files for files in found if count(files) >= whole[tier]] for tier, found in runs.items()}


def count(files: Files) -> int:
    return sum(map(len, files.values()))


@dataclass(frozen=True)
class Node:
    """What pytest-split asks of a test."""

    nodeid: str


def split(items: Mapping[str, float], shards: int) -> float | None:
    """Return the makespan of pytest-split's `least_duration`; None where it is not installed."""
    try:
        from pytest_split.algorithms import LeastDurationAlgorithm
    except ImportError:
        return None
    nodes: list[Any] = [Node(name) for name in items]
    return max(group.duration for group in LeastDurationAlgorithm()(shards, nodes, dict(items)))


def quality(tier: str, files: Files) -> bool:
    """Print the ratios; tell whether all are as promised."""
    works = [Work(name, sum(cases.values())) for name, cases in files.items()]
    cases = {case: seconds for own in files.values() for case, seconds in own.items()}
    print(f"{tier}: {len(cases):,} cases, {len(works):,} files, {sum(w.seconds for w in works):,.1f} s")
    kept = True
    for workers in (1, 4):
        to_bound, to_files, to_cases = [], [], []
        for shards in SHARDS:
            took = max(load.seconds for load in balance(works, shards, workers=workers))
            to_bound.append((took / lower_bound(works, shards, workers), shards))
            if workers == 1 and (theirs := split({w.name: w.seconds for w in works}, shards)) is not None:
                to_files.append((took / theirs, shards))
                to_cases.append((took / split(cases, shards), shards))  # type: ignore[operator]
        kept &= max(to_bound)[0] <= PROMISED and max(to_files, default=(0.0, 0))[0] <= 1 + 1e-9
        print(f"  {workers} workers: at most {max(to_bound)[0]:.5f} of the lower bound (at {max(to_bound)[1]} shards)")
        for what, found in (("files", to_files), ("single cases", to_cases)):
            if found:
                (least, _), (most, at) = min(found), max(found)
                over = f"{least:.5f} to {most:.5f} (at {at} shards)"
                print(f"  over pytest-split's least_duration on {what}: {over}")
    return kept


def foresight(tier: str, before: Files, after: Files) -> None:
    """Print what one run foretells of the next, and what is foretold where nothing was measured, beside what it took.

    All of the next run is taken to be as much slower or faster as its cases are in the median: the machine had other
    things to do.
    """
    manifest = load_manifest(ROOT / "generated" / MANIFEST)
    earlier, later = ({case: s for own in files.values() for case, s in own.items()} for files in (before, after))
    pace = statistics.median(later[case] / earlier[case] for case in earlier.keys() & later.keys())
    measured = Requirements(runners={"cpu": RunnerNeeds([], {case: [Need(s)] for case, s in earlier.items()})})
    print(f"  a run foretold from another ({pace:.2f} times its pace), two workers, without their start:")
    for what, known in (("measured", measured), ("not measured", Requirements())):
        for shards in (4, 8, 16):
            runner = Kind(name="cpu", runs_on="x", workers=2, shards=shards)
            request = Request(run="x", runners={"cpu": runner}, tiers=(tier,), shards=shards, requirements=known)
            plan = make_plan(manifest, request)
            took = []
            for shard in plan.shards:
                own: dict[str, float] = defaultdict(float)
                for case in shard.cases:
                    own[case.model_type] += later.get(case.id, 0.0) / pace
                took.append(pack([Work(*item) for item in own.items()], shard.workers).seconds)
            predicted = plan.predicted_s - plan.start_up_s
            print(
                f"    {what}, {shards:2} shards: predicted {predicted:5.1f} s, took {max(took):5.1f} s "
                f"({max(took) / predicted:.3f}), the longest {max(took) / statistics.mean(took):.3f} of the mean"
            )


def scale(tiers: Mapping[str, Files], folder: Path) -> bool:
    """Plan as many cases as there may be, by copies of the measured model types; print how long it takes."""
    known = load_manifest(ROOT / "generated" / MANIFEST)
    rows = [row for row in known.model_types if row.cases and row.model_type in tiers["smoke"]]
    copies: list[ManifestRow] = []
    needs: dict[str, list[Need]] = {}
    made = 0
    while made < CASES:
        row = rows[len(copies) % len(rows)]
        name = f"{row.model_type}-{len(copies) // len(rows)}"
        own = tuple(
            ManifestCase(case.architecture, case.tier, case.file.replace(".py", f"_{len(copies)}.py"), case.checks)
            for case in row.cases
        )
        made += sum(len(case.checks) for case in own)
        copies.append(ManifestRow(name, "generated", row.base, row.architectures, own))
        for tier in tiers.values():
            for case, seconds in tier.get(row.model_type, {}).items():
                needs[f"{name}/{case.partition('/')[2]}"] = [Need(seconds, 2**30)] * 3
    (folder / MANIFEST).write_text(json.dumps(Manifest(known.transformers, tuple(copies)).to_json()), encoding="utf-8")
    Requirements(runners={"wide": RunnerNeeds([], needs)}).write(folder / "requirements.json")
    runner = '[tool.hfci.runners.wide]\nruns-on = "ubuntu-24.04"\nshards = 256\n'
    (folder / "pyproject.toml").write_text(runner, encoding="utf-8")
    options = ["plan", "--generated", ".", "--requirements", "requirements.json", "--shards", "256", "--out", "p.json"]
    kept = True
    for kind, more in (("measured", options), ("estimated", [*options[:3], *options[5:]])):
        start, before = time.perf_counter(), os.times()
        subprocess.run([sys.executable, "-c", PLAN, *more], cwd=folder, check=True, capture_output=True)
        wall, after = time.perf_counter() - start, os.times()
        took = after.children_user + after.children_system - before.children_user - before.children_system
        plan = json.loads((folder / "p.json").read_text(encoding="utf-8"))
        planned = sum(len(group["checks"]) for shard in plan["shards"] for group in shard["groups"])
        over = plan["predicted_s"] / plan["bound_s"]
        print(
            f"{planned:,} cases ({kind}) onto {len(plan['shards'])} shards: {took:.2f} s of a processor, {wall:.2f} s "
            f"in all, promised {PROMISED_SECONDS}; {over:.4f} of the lower bound, start-up in both"
        )
        kept &= took <= PROMISED_SECONDS
    return kept


def main() -> int:
    """Measure; print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="*", type=Path, default=[ROOT / "results"])
    try:
        tiers = durations(parser.parse_args().records)
    except HfciError as error:
        sys.exit(f"{error}; `hfci run` makes them")
    kept = []
    for tier, runs in tiers.items():
        kept.append(quality(tier, runs[-1]))
        if len(runs) > 1:
            foresight(tier, runs[-2], runs[-1])
    with tempfile.TemporaryDirectory() as folder:
        kept.append(scale({tier: runs[-1] for tier, runs in tiers.items()}, Path(folder)))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
