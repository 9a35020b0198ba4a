"""Tell what one or several runs recorded: is it safe, what newly broke, what is not covered."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hfci import workflow
from hfci.commands.earlier import Earlier, add_if_readable
from hfci.commands.options import add_folder, add_json, print_json
from hfci.errors import NothingToDo, UsageError

if TYPE_CHECKING:
    from hfci.cases.manifest import Manifest
    from hfci.results import Results, Summary
    from hfci.results.comparison import Baseline, Comparison
    from hfci.results.history import History
    from hfci.results.history.trends import Trends
    from hfci.results.lost import Lost
    from hfci.results.quarantine import Quarantine

__all__ = ["EXAMPLE", "HELP", "OUTPUTS", "add_arguments", "run"]

HELP = "the summary of what ran, against a baseline, with its history"
EXAMPLE = "hfci report results/ --history history.db --baseline branch:main --out coverage-summary/"

GENERATED = Path("generated")
OF_BRANCH = "branch:"


class Output(NamedTuple):
    """A file that a report can be written to: its option, its usual name, what it is."""

    option: str
    usual: str
    purpose: str


OUTPUTS = (
    Output("summary", "summary.md", "the summary as Markdown"),
    Output("comment", "comment.md", "the same, short enough for a comment on a pull request"),
    Output("html", "index.html", "the dashboard, one file that opens from disk"),
    Output("conformance", "conformance.html", "which architectures each backend runs, one file that opens from disk"),
    Output("junit", "junit.xml", "JUnit XML"),
    Output("ctrf", "ctrf.json", "the Common Test Report Format"),
    Output("badge", "badge.json", "an endpoint badge of shields.io"),
    Output("coverage-summary", "coverage-summary.json", "the coverage summary for programs"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    results = Path("results")
    parser.add_argument(
        "results",
        nargs="*",
        type=Path,
        default=[results],
        help=f"files or folders of records (default: {results})",
    )
    known = parser.add_argument_group("what it is held against")
    known.add_argument("--plan", type=Path, metavar="FILE", help="the plan: what no shard recorded is not-run")
    known.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help=f"the manifest (default: that of {GENERATED}/ if it is for the transformers of the run)",
    )
    known.add_argument(
        "--against",
        metavar="MANIFEST",
        help="an earlier manifest, or a git revision's: what an architecture has lost since is red until accepted",
    )
    known.add_argument("--baseline", metavar="RUN", help="earlier records, or of the history a run's ID or branch:NAME")
    known.add_argument("--history", type=Path, metavar="FILE", help="earlier runs, from `hfci history add`")
    known.add_argument(
        "--quarantine",
        type=Path,
        metavar="FILE",
        help="flaky cases, from `hfci history quarantine`: their failures are shown, and not red",
    )
    known.add_argument("--branch", metavar="NAME", help="only the history's runs of this branch (default: baseline's)")
    known.add_argument("--popularity", type=Path, metavar="FILE", help="failures of what is most used come first")
    add_if_readable(known, "--baseline, --history, --quarantine and --popularity")
    outputs = parser.add_argument_group("what it is written to")
    add_folder(outputs, "--out", "everything below, under its usual name, in this folder")
    for output in OUTPUTS:
        outputs.add_argument(f"--{output.option}", type=Path, metavar="FILE", help=f"{output.purpose} ({output.usual})")
    outputs.add_argument("--requirements", type=Path, metavar="FILE", help="merge what was measured into this file")
    outputs.add_argument(
        "--annotations",
        nargs="?",
        const="",
        metavar="REV",
        help="print GitHub's commands that mark what is wrong, in files changed since REV on the line itself",
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Read, complete, compare, summarize, write, show; 0 only if it is green."""
    from datetime import date

    from hfci.cases.executed_lines import read_executed_lines
    from hfci.cases.ledger import read_ledger
    from hfci.planning.popularity import load_popularity
    from hfci.results import summarize
    from hfci.results.annotations import annotate
    from hfci.results.executed_lines import reaches
    from hfci.results.expiring import expiring
    from hfci.results.markdown import append_summary
    from hfci.results.terminal import print_summary

    manifest = _manifest(arguments)
    results = _results(arguments, manifest)
    earlier, used = Earlier(arguments.if_readable), arguments.popularity
    quarantine = earlier.read(lambda: _quarantine(arguments), None)
    results, comparison, trends, quarantine = _earlier(arguments, results, quarantine, earlier)
    popularity = earlier.read(lambda: load_popularity(used) if used else None, None)
    summary = summarize(
        results,
        comparison,
        trends,
        expiring=expiring(read_ledger(), date.today()),
        lost=_lost(arguments, manifest),
        unread=earlier.unread,
        quarantine=len({entry.case for entry in quarantine.entries}) if quarantine is not None else 0,
        reaches=reaches(read_executed_lines(arguments.results, results.runs)),
        manifest=manifest[1] if manifest is not None else None,
    )
    if popularity is not None:
        summary = summary.in_order(popularity.priority)
    _write(arguments, results, summary, comparison, trends)
    if page := workflow.summary_file():
        append_summary(summary, page)
    if arguments.annotations is not None:
        print("\n".join(annotate(summary, _changed_files(arguments.annotations))))  # noqa: T201
    if arguments.json:
        print_json(summary.to_json())
    else:
        print_summary(summary)
    return 0 if summary.is_green else 1 if summary.is_red else NothingToDo.exit_code


# What ran, and what should have.


def _manifest(arguments: Namespace) -> tuple[Path, Manifest] | None:
    from hfci.cases.manifest import MANIFEST, load_manifest
    from hfci.testing.folders import usual_manifest

    if arguments.manifest is not None:
        return arguments.manifest, load_manifest(arguments.manifest)
    usual = usual_manifest()
    return None if usual is None else (GENERATED / MANIFEST, usual)


def _results(arguments: Namespace, manifest: tuple[Path, Manifest] | None) -> Results:
    from dataclasses import replace

    from hfci.planning.plan import load_plan, require_imports, require_source
    from hfci.results import read_results
    from hfci.results.completeness import (
        absent_from_manifest,
        absent_from_plan,
        absent_shards,
        left_out_by_plan,
        require_one_transformers,
        settled_by_plan,
    )

    plan = load_plan(arguments.plan) if arguments.plan else None
    results = read_results(arguments.results, run=plan.run if plan else None)
    require_one_transformers(results)
    if plan is not None:
        for head in results.headers:
            if head.source is not None:
                require_source(plan, head.source, f"in shard {head.shard}")
                require_imports(plan, head.imports, f"in shard {head.shard}")
        results = replace(results, left_out=left_out_by_plan(plan))
        return results.lacking(absent_from_plan(results, plan)).settled(settled_by_plan(plan))
    for run, shards in absent_shards(results).items():
        named = ", ".join(map(str, shards))
        message = f"run {run} left no records of shard {named}: each counts as a case that did not run"
        print(f"hfci: {message}", file=sys.stderr)  # noqa: T201
        results = results.announcing(len(shards))
    if manifest is None:
        return results
    path, known = manifest
    versions = {head.versions.get("transformers") for head in results.headers}
    if arguments.manifest is not None and known.transformers not in versions:
        tested = ", ".join(sorted(version or "an unknown one" for version in versions))
        raise UsageError(f"{path} is for transformers {known.transformers}, the records are of {tested}")
    return results.lacking(absent_from_manifest(results, known))


def _lost(arguments: Namespace, manifest: tuple[Path, Manifest] | None) -> tuple[Lost, ...]:
    """Return what the manifest lacks of an earlier one, and what is wrong with its acceptances; older ones lack it."""
    from hfci.releases.acceptances import is_older, judge, read_acceptances
    from hfci.releases.earlier import earlier_manifest
    from hfci.results.lost import Lost

    if arguments.against is None:
        return ()
    if manifest is None:
        raise UsageError("--against compares manifests, and there is none of the run's transformers: --manifest FILE")
    _, new = manifest
    old = earlier_manifest(arguments.against, GENERATED)
    if is_older(new.transformers, old.transformers):
        return ()
    judged = judge(old, new, read_acceptances())
    losses = (Lost(loss.whose, loss.what, reason) for loss, reason in judged.losses)
    return (*losses, *(Lost(problem, "an acceptance that is wrong") for problem in judged.problems))


def _changed_files(revision: str) -> frozenset[str]:
    """Return the paths, in the repository here, of what changed since a revision; none where git does not know it."""
    from hfci.git import git

    if not revision:
        return frozenset()
    names = git(Path.cwd(), "diff", "--name-only", "-z", "--no-ext-diff", "--end-of-options", revision, "--") or b""
    return frozenset(os.fsdecode(name) for name in names.split(b"\0") if name)


# What was before.


Compared = tuple["Results", "Comparison | None", "Trends | None", "Quarantine | None"]


def _quarantine(arguments: Namespace) -> Quarantine | None:
    from datetime import date

    from hfci.results.quarantine import load_quarantine

    return load_quarantine(arguments.quarantine).in_force(date.today()) if arguments.quarantine else None


def _earlier(arguments: Namespace, results: Results, quarantine: Quarantine | None, earlier: Earlier) -> Compared:
    """Return the results, without what was lost since the baseline, and what they are against what is known.

    That is how they compare, what the history says, and which entries of the quarantine it still proves.
    """
    unknown: Compared = (_quarantined(results, quarantine), None, None, quarantine)
    return earlier.read(lambda: _compared(arguments, results, quarantine), unknown)


def _compared(arguments: Namespace, results: Results, quarantine: Quarantine | None) -> Compared:
    from datetime import date

    from hfci.results.history import History

    if arguments.history is None:
        results = _quarantined(results, quarantine)
        return *_against(results, _baseline(arguments.baseline, results, None)), None, quarantine
    named = (arguments.baseline or "").startswith(OF_BRANCH)
    branch = arguments.branch or (arguments.baseline.removeprefix(OF_BRANCH) if named else None)
    with History.open(arguments.history) as history:
        trends = history.trends(branch, newest=results)
        quarantine = quarantine and quarantine.in_force(date.today(), trends.flaky)
        results = _quarantined(results, quarantine)
        return *_against(results, _baseline(arguments.baseline, results, history)), trends, quarantine


def _quarantined(results: Results, quarantine: Quarantine | None) -> Results:
    from hfci.results.quarantine import quarantined

    return results if quarantine is None else results.quarantining(quarantined(results, quarantine))


def _against(results: Results, baseline: Baseline | None) -> tuple[Results, Comparison | None]:
    from hfci.results.comparison import compare_results, lost

    if baseline is None:
        return results, None
    results = results.losing(lost(results, baseline))
    return results, compare_results(results, baseline)


def _baseline(name: str | None, results: Results, history: History | None) -> Baseline | None:
    from hfci.results import read_results
    from hfci.results.comparison import baseline_of
    from hfci.results.history import NoBaseline

    if name is None:
        return None
    if Path(name).exists():
        return baseline_of(read_results([Path(name)]))
    if history is None:
        raise UsageError(f"no baseline {name!r}: it is no file or folder; for a run of a history, --history is needed")
    try:
        return history.baseline(name, like=results)
    except NoBaseline as error:
        # The first runs of a branch have none; that is told, and no reason to say nothing of the run.
        print(f"hfci: {error}: without a baseline, nothing is newly broken", file=sys.stderr)  # noqa: T201
        return None


# What is made of it.


def _write(
    arguments: Namespace, results: Results, summary: Summary, comparison: Comparison | None, trends: Trends | None
) -> None:
    from hfci.planning.requirements import merge_into
    from hfci.results.conformance import FILE as CONFORMANCE
    from hfci.results.conformance import write_conformance
    from hfci.results.dashboard import write_dashboard
    from hfci.results.formats import FORMATS
    from hfci.results.markdown import COMMENT_LIMIT, STEP_SUMMARY_LIMIT, write_summary

    writers: dict[str, Callable[[Path], None]] = {
        "summary": lambda path: write_summary(path, summary, STEP_SUMMARY_LIMIT),
        "comment": lambda path: write_summary(path, summary, COMMENT_LIMIT, workflow.run_address()),
        "html": lambda path: write_dashboard(
            path, results, summary, comparison, trends, conformance=CONFORMANCE if arguments.out else ""
        ),
        "conformance": lambda path: write_conformance(path, results, comparison.baseline if comparison else None),
    }
    for output in OUTPUTS:
        path = getattr(arguments, output.option.replace("-", "_")) or (
            arguments.out / output.usual if arguments.out else None
        )
        if path is None:
            continue
        if output.option in writers:
            writers[output.option](path)
        else:
            FORMATS[output.option].write(path, results, summary)
    if arguments.requirements is not None:
        merge_into(arguments.requirements, results.parts())
