"""How the cases of a tier end on both sides: `hfci run` in each environment, and what newly fails and is fixed."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from hfci.errors import EnvironmentUnfit
from hfci.releases.changes import CaseChange
from hfci.releases.environments import Environment
from hfci.releases.processes import link_hfci
from hfci.results import read_results
from hfci.results.comparison import Change, baseline_of, compare_results
from hfci.results.reading import Results

__all__ = ["changed_cases", "compare_cases", "run_cases"]


def compare_cases(
    first: Environment, second: Environment, names: Sequence[str], tier: str
) -> tuple[tuple[CaseChange, ...], tuple[CaseChange, ...]]:
    """Return the cases that newly fail on the second side, and those that are fixed there."""
    with tempfile.TemporaryDirectory(prefix="hfci-") as folder:
        options = (*names, "--tier", tier)
        before = run_cases(first, options, Path(folder) / "before")
        after = run_cases(second, options, Path(folder) / "after")
        return changed_cases(before, after)


def changed_cases(before: Results, after: Results) -> tuple[tuple[CaseChange, ...], tuple[CaseChange, ...]]:
    """Return the cases that fail in `after` and did not in `before`, and those that are fixed."""
    found = compare_results(after, baseline_of(before))
    return tuple(map(_told, found.failing)), tuple(map(_told, found.fixed))


def run_cases(environment: Environment, options: Iterable[str], folder: Path) -> Results:
    """Run `hfci run` with these options on a side, in `folder`, and return its records.

    What it says goes to standard error. Raises EnvironmentUnfit where it records nothing.
    """
    folder.mkdir(parents=True)
    alone = link_hfci(folder)
    command = [str(environment.python), "-P", "-m", "hfci", "run", *options, "--results", str(folder / "results")]
    done = subprocess.run(  # noqa: S603 -- the interpreter that was named, and names as arguments
        command, cwd=folder, env=environment.variables(alone), stdout=subprocess.PIPE, text=True, check=False
    )
    if not list((folder / "results").glob("*.jsonl")):
        raise EnvironmentUnfit(f"{environment.side}: `hfci run {' '.join(options)}` ended with {done.returncode}")
    return read_results([folder / "results"])


def _told(change: Change) -> CaseChange:
    record = change.record
    reason = "" if record is None else record.reason or (record.error.message if record.error else "")
    return CaseChange(
        case=change.case,
        before=str(change.before or "absent"),
        after=str(change.after or "absent"),
        reason=reason,
        reproduce=(record.reproduce if record is not None else None) or "",
    )
