"""Run the generated tests of what is named, and end with a summary."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfci import workflow
from hfci.cases.case import LAYOUTS
from hfci.commands.options import (
    add_backend,
    add_checks,
    add_device,
    add_folder,
    add_imports,
    add_names,
    add_seed,
    add_source,
    add_tier,
    tier_of,
)
from hfci.errors import EnvironmentUnfit, NothingToDo, UsageError
from hfci.imports import options_of
from hfci.interruption import EXIT_INTERRUPTED
from hfci.scratch import SCRATCH
from hfci.testing.folders import GENERATED, find_tests
from hfci.testing.limits import parse_seconds

if TYPE_CHECKING:
    from hfci.cases.case import Case
    from hfci.cases.manifest import Manifest, ManifestRow
    from hfci.cases.records import Record
    from hfci.planning import Selection
    from hfci.planning.plan import Plan, Shard
    from hfci.results import Summary
    from hfci.testing.recorder import Recorder

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "run tests and record every case"
EXAMPLE = "hfci run bert 'qwen*' --tier smoke --device cpu --results out/"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_source(parser)
    add_imports(parser)
    add_tier(parser)
    add_checks(parser)
    add_device(parser)
    add_backend(parser)
    parser.add_argument(
        "--shard", metavar="PLAN:INDEX", help="what a plan gives to one of its shards, and nothing else"
    )
    add_seed(parser)
    parser.add_argument(
        "--timeout",
        type=parse_seconds,
        default=300.0,
        metavar="SECONDS",
        help="what a case may take; 0 is without limit (default: 300)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: as many as cores)")
    parser.add_argument(
        "--layout",
        choices=LAYOUTS,
        default=LAYOUTS[0],
        help="where weights and inputs begin in memory: where torch puts them (default), or beside any alignment",
    )
    parser.add_argument("--threads", type=int, metavar="N", default=1, help="threads of each process (default: 1)")
    add_folder(parser, "--results", "where the records go", Path("results"))
    parser.add_argument(
        "--executed-lines",
        action="store_true",
        help="measure which lines of its modelling files each model type executes; takes longer",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure each architecture's speed too, against a fixed workload, and what torch.compile makes of it: in "
        "some ten processor-seconds each",
    )
    add_folder(parser, "--generated", f"the generated tests (default: {GENERATED}, or rendered into {SCRATCH})")


@dataclass(frozen=True)
class Asked:
    """What a run is to run: what the arguments name, or one shard of a plan, with what records say of that."""

    names: tuple[str, ...]
    checks: tuple[str, ...]
    tier: str
    device: str
    backend: str | None = None
    planned: tuple[Plan, Shard] | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What the header of the records says."""
        own = {"tier": self.tier, "names": self.names, "checks": self.checks, "backend": self.backend}
        if self.planned is None:
            return own
        plan, shard = self.planned
        return {**own, "run": plan.run, "shard": shard.index, "shards": len(plan.shards), "runner": shard.runner}

    @property
    def workers(self) -> int | None:
        """How many processes the plan has memory for; None without a plan."""
        return self.planned[1].workers if self.planned else None

    @property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprints that a plan gives to its cases."""
        return self.planned[1].fingerprints if self.planned else {}

    def select(self, manifest: Manifest) -> Selection:
        """Return the rows and cases of `manifest`."""
        from hfci.planning import select
        from hfci.planning.plan import select_shard

        if self.planned is not None:
            return select_shard(manifest, *self.planned)
        return select(
            manifest, self.names, tier=self.tier, device=self.device, checks=self.checks, backend=self.backend
        )


def run(arguments: Namespace) -> int:
    """Find or render the tests, select, run, summarize."""
    from hfci.backends.registry import require_backend
    from hfci.cases.ledger import read_ledger
    from hfci.catalog.environment import check_environment
    from hfci.checks.own import require_readable
    from hfci.confined import inside
    from hfci.testing.session import run_session

    asked = _asked(arguments)
    if asked.backend is not None:
        require_backend(asked.backend)
    for option in ("workers", "threads"):
        if (count := getattr(arguments, option)) is not None and count < 1:
            raise UsageError(f"--{option} must be at least 1, not {count}")
    check_environment()
    read_ledger()  # what is wrong with it is told now, once, and not by every worker
    require_readable()
    folder, manifest = find_tests(asked.names, arguments.generated)
    selection = asked.select(manifest)
    for file in selection.files:
        inside(folder, file)
    if arguments.measure:
        _require_forwards(selection)
    recorder = _recorder(arguments, asked, manifest, selection)
    status = 0
    if selection.cases:
        status = run_session(
            folder,
            selection.cases,
            recorder,
            device=asked.device,
            backend=asked.backend or "",
            settings=_settings(arguments),
            timeout=arguments.timeout,
            workers=arguments.workers or asked.workers,
            executed_lines=arguments.executed_lines,
            measure=arguments.measure,
        )
    elif recorder.known:  # nothing else to do than to write down why
        recorder.open(asked.device)
    if recorder.unfit:
        return EnvironmentUnfit.exit_code
    if recorder.interrupted and recorder.writer is None:
        return EXIT_INTERRUPTED
    summary = _show(recorder, manifest)
    if recorder.interrupted:
        return EXIT_INTERRUPTED
    if summary.is_red or status:
        return 1
    if not summary.executed:
        raise NothingToDo(f"no case was executed: {_nothing(asked, selection)}")
    return 0


# The tests to run.


def _asked(arguments: Namespace) -> Asked:
    from hfci.imports import imported_here
    from hfci.origin import Origin, find_transformers
    from hfci.planning.plan import parse_shard, require_imports, require_source

    if arguments.shard is None:
        tier = tier_of(arguments.backend, arguments.tier)
        return Asked(tuple(arguments.names), tuple(arguments.check), tier, arguments.device, arguments.backend)
    backend = [f"--backend {arguments.backend}"] if arguments.backend else []
    if arguments.names or arguments.check or backend:
        named = " ".join([*arguments.names, *(f"--check {name}" for name in arguments.check), *backend])
        raise UsageError(f"--shard says what to run, and so does {named}: leave one of them out")
    plan, shard = parse_shard(arguments.shard)
    require_source(plan, Origin.at(find_transformers()))
    require_imports(plan, imported_here())
    return Asked(plan.names, plan.checks, shard.tier, shard.device, plan.backend, (plan, shard))


def _require_forwards(selection: Selection) -> None:
    """Raise UsageError where nothing is asked after which speed is measured."""
    from hfci.testing.speed_meter import AFTER

    if not any(case.check == AFTER for case in selection.cases):
        raise UsageError(
            f"--measure measures what passes {AFTER}, and no case of that is asked: the tiers smoke and "
            "functional have it"
        )


def _settings(arguments: Namespace) -> dict[str, Any]:
    from hfci.cases.case import SETTINGS

    return {name: getattr(arguments, name) for name in SETTINGS}


# Recording them.


def _recorder(arguments: Namespace, asked: Asked, manifest: Manifest, selection: Selection) -> Recorder:
    from hfci.cases.case import run_command
    from hfci.testing.machine import kernel_variables, with_variables
    from hfci.testing.recorder import Recorder

    variables = kernel_variables()
    varied, imports = manifest.varied, options_of(arguments.imports, trusted=arguments.trust_remote_code)

    def reproduce(case: Case) -> str:
        told = {"source": arguments.source, "imports": imports, "backend": asked.backend}
        command = run_command(case, varied=varied, **told, **_settings(arguments))
        return with_variables(command, variables)

    known = [_without_test(manifest[case.model_type], case, imports) for case in selection.untested]
    about = {**asked.about, "attempt": workflow.run_attempt(), "seed": arguments.seed, "layout": arguments.layout}
    return Recorder(
        selection.cases,
        known,
        reproduce,
        Path.cwd() / arguments.results,
        about=about,
        fingerprints=asked.fingerprints,
    )


def _without_test(row: ManifestRow, case: Case, imports: Sequence[str]) -> Record:
    """Return the record of an architecture, or a model type, without a test: by which rule, or what has gone wrong."""
    from hfci.cases.case import run_command
    from hfci.cases.manifest import NOT_ASKED
    from hfci.cases.outcome import Outcome
    from hfci.cases.records import Record
    from hfci.testing.process_setup import missing_packages

    arch = row.architecture(case.architecture)
    if row.reason == NOT_ASKED:
        outcome, reason = Outcome.NOT_RUN, "no test: not rendered yet, `hfci generate` does"
    elif row.reason and not row.error:
        outcome, reason = Outcome.NOT_APPLICABLE, row.reason
    elif absent := missing_packages(arch.requires):
        outcome, reason = Outcome.UNAVAILABLE, absent
    elif arch.requires:
        outcome, reason = Outcome.NOT_RUN, f"no test: rendered where {', '.join(arch.requires)} was absent"
    else:
        error = f"{arch.stage}: {arch.error}" if arch.error else row.error
        outcome, reason = Outcome.NOT_RUN, f"no test: {error}"
    return Record.of(case, outcome, reason=reason, reproduce=run_command(case, imports=imports))


# What came of it.


def _show(recorder: Recorder, manifest: Manifest) -> Summary:
    from hfci.cases.executed_lines import read_executed_lines
    from hfci.results import read_results, summarize
    from hfci.results.executed_lines import reaches
    from hfci.results.markdown import append_summary
    from hfci.results.terminal import print_summary

    if recorder.writer is None:
        raise NothingToDo("no case was selected")
    results, folder = read_results([recorder.writer.path]), recorder.writer.path.parent
    summary = summarize(results, reaches=reaches(read_executed_lines([folder], results.runs)), manifest=manifest)
    print_summary(summary)
    if page := workflow.summary_file():
        append_summary(summary, page)
    return summary


def _nothing(asked: Asked, selection: Selection) -> str:
    names = " ".join(asked.names) or "everything"
    without = {case.model_type for case in selection.untested}
    rows = [row for row in selection.rows if row.model_type in without and row.reason]
    tests = ", ".join(f"{row.model_type}: {row.reason}" for row in rows[:5])
    return tests or f"{names} has no case in the tier {asked.tier} here"
