"""List what the installed transformers offers: a row for every model type."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hfci.commands.options import add_folder, add_imports, add_json, add_names, add_source, print_json
from hfci.errors import NothingToDo, UsageError

if TYPE_CHECKING:
    from hfci.cases.manifest import Manifest
    from hfci.catalog import Catalog, ModelType
    from hfci.catalog.versions import Difference
    from hfci.releases.acceptances import Judgement

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "what exists: model types, architectures, families, tasks"
EXAMPLE = "hfci catalog bert --json"

GENERATED = Path("generated")

# So many of the most used model types are shown; all of them are in the file.
SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_names(parser)
    add_source(parser)
    add_imports(parser)
    add_json(parser)
    parser.add_argument(
        "--against",
        metavar="MANIFEST",
        help="only say what the installed transformers lacks of this manifest's, and has beside it; 1 where a newer or "
        "the same one has lost what is not accepted: a model type, class, family, check or output. A git revision "
        "means the manifest where this checkout has left it",
    )
    parser.add_argument(
        "--tasks",
        action="store_true",
        help="the pipeline tasks of each architecture, and by which rule it serves no other",
    )
    parser.add_argument(
        "--processors",
        action="store_true",
        help="only each class of tokenizer, processor and feature extractor: built here and the same once loaded, "
        "or why not",
    )
    parser.add_argument(
        "--coverage",
        action="store_true",
        help="how many model types and architectures are catalogued, generated, built, … and run on a GPU",
    )
    parser.add_argument(
        "--popularity",
        type=Path,
        metavar="FILE",
        help="only ask the Hub how much each model type is used, and write it here: what a plan and a report put first",
    )
    add_folder(parser, "--generated", "with --coverage, --popularity, --against: the generated tests", GENERATED)
    add_folder(parser, "--results", "with --coverage: the records of what ran")


def run(arguments: Namespace) -> int:
    """Read the rows, print them or their tasks; or count what is covered, or compare with another version."""
    if arguments.coverage:
        return _count_coverage(arguments)
    if arguments.popularity is not None:
        return _fetch_popularity(arguments)
    from hfci.catalog.environment import check_environment
    from hfci.testing.process_setup import prepare

    check_environment()
    prepare("cpu")
    if arguments.against is not None:
        return _compare(arguments)
    if arguments.processors:
        return _survey_processors(arguments.names, as_json=arguments.json)
    from hfci.catalog import read_catalog
    from hfci.generation.progress import track
    from hfci.generation.select import select

    names = select(arguments.names)
    catalog = read_catalog(names, lambda rows: track(rows, total=len(names), label="reading the catalog"))
    if arguments.tasks:
        _show_tasks(catalog, as_json=arguments.json)
    elif arguments.json:
        print_json(catalog.to_json())
    elif arguments.names:
        _print_architectures(catalog)
    else:
        _print_rows(catalog)
    return 1 if any(row.problems if arguments.tasks else row.wrong for row in catalog.model_types) else 0


def _survey_processors(names: Sequence[str], *, as_json: bool) -> int:
    """Print which classes of each kind can be built here and are the same once loaded, and what of the others is.

    With `names`, only the classes of those model types, each built for one of them.
    """
    import contextlib
    import json
    import sys
    from collections import Counter

    import msgspec

    from hfci.checks.processor_survey import ENDINGS, Survey, processor_classes, survey
    from hfci.generation.progress import track
    from hfci.generation.select import select
    from hfci.results.terminal import make_table, print_tables

    classes = processor_classes(select(names) if names else None)
    if not classes:
        raise NothingToDo(f"transformers' tables name no tokenizer or processor for {' '.join(names):.200}")
    with contextlib.redirect_stdout(sys.stderr):  # where transformers says what its docstrings lack
        rows = tuple(track(survey(classes), total=len(classes), label="building processors"))
    if as_json:
        print_json(json.loads(msgspec.json.encode(Survey(classes=rows))))
        return 0
    table = make_table("kind", "class", "keys", "built for", "ending", "why", numbers=False)
    for row in rows:
        table.add_row(row.kind, row.name, str(len(row.keys)), row.built_for or "", row.ending, row.why)
    counted = Counter((row.kind, row.ending) for row in rows)
    counts = make_table("kind", "classes", *ENDINGS, numbers=True)
    for kind, count in Counter(row.kind for row in rows).items():
        counts.add_row(kind, str(count), *(str(counted[kind, ending]) for ending in ENDINGS))
    print_tables(table, counts)
    return 0


def _count_coverage(arguments: Namespace) -> int:
    """Count the rungs; needs neither torch nor transformers."""
    import dataclasses

    from hfci.cases.manifest import MANIFEST, load_manifest
    from hfci.planning.select import select
    from hfci.results import read_results
    from hfci.results.coverage import coverage
    from hfci.results.ladder import MEANING
    from hfci.results.terminal import make_table, print_tables

    manifest = load_manifest(arguments.generated / MANIFEST)
    results = read_results([arguments.results]) if arguments.results else None
    steps = coverage(select(manifest, arguments.names).rows, results)
    if arguments.json:
        print_json({"schema": 1, "transformers": manifest.transformers, "rungs": list(map(dataclasses.asdict, steps))})
        return 0
    table = make_table("rung", "model types", "architectures", "according to")
    for step in steps:
        counts = ("?" if count is None else str(count) for count in (step.model_types, step.architectures))
        table.add_row(step.rung, *counts, step.source or "no records given (--results)")
    print_tables(table, MEANING)
    return 0


def _fetch_popularity(arguments: Namespace) -> int:
    """Ask the Hub; needs neither torch nor transformers. What was asked of other model types before is kept."""
    import json

    from hfci.cases.manifest import MANIFEST, load_manifest
    from hfci.generation.progress import track
    from hfci.planning.popularity import LISTED, fetch_popularity, load_popularity
    from hfci.planning.select import select
    from hfci.results.terminal import make_table, print_tables

    names = [row.model_type for row in select(load_manifest(arguments.generated / MANIFEST), arguments.names).rows]
    path = arguments.popularity
    known = load_popularity(path).model_types if arguments.names and path.exists() else {}
    popularity = fetch_popularity(names, lambda rows: track(rows, total=LISTED, label="asking the Hub"))
    popularity.model_types.update({name: use for name, use in known.items() if name not in popularity.model_types})
    popularity.write(path)
    if arguments.json:
        print_json(json.loads(path.read_text(encoding="utf-8")))
        return 0
    table = make_table("model type", "downloads in 30 days", "likes", "checkpoints", numbers=True)
    for name in sorted(names, key=popularity.priority)[:SHOWN]:
        use = popularity.model_types[name]
        table.add_row(name, f"{use.downloads:,}", f"{use.likes:,}", f"{use.checkpoints:,}")
    print_tables(table, f"{len(popularity.model_types):,} model types: {path}")
    return 0


def _show_tasks(catalog: Catalog, *, as_json: bool) -> None:
    """Print the verdict on each task of each architecture, then what each rule excludes and each task has left."""
    from collections import Counter

    from hfci.catalog.tasks import rules
    from hfci.results.terminal import make_table, print_tables

    judged = [(row, arch) for row in catalog.model_types for arch in row.architectures if arch.verdicts]
    verdicts = [verdict for _, arch in judged for verdict in arch.verdicts]
    excluded = Counter(verdict.rule for verdict in verdicts)
    served = {
        task: sum(verdict.allowed for verdict in verdicts if verdict.task == task)
        for task in sorted({verdict.task for verdict in verdicts})
    }
    if as_json:
        architectures = [
            {
                "model_type": row.model_type,
                "architecture": arch.name,
                "tasks": [vars(verdict) for verdict in arch.verdicts],
            }
            for row, arch in judged
        ]
        named = [{"name": rule.name, "reason": rule.reason, "excluded": excluded[rule.name]} for rule in rules()]
        print_json(
            {
                "schema": 1,
                "transformers": catalog.transformers,
                "architectures": architectures,
                "rules": named,
                "served": served,
            }
        )
        return
    table = make_table("model type", "architecture", "serves", "does not serve (rule: what it lacks)")
    for row, arch in judged:
        others = [verdict for verdict in arch.verdicts if not verdict.allowed]
        why = [verdict.error or f"{verdict.rule}: {', '.join(verdict.lacks)}" for verdict in others]
        refusals = [f"{verdict.task} ({reason})" for verdict, reason in zip(others, why, strict=True)]
        table.add_row(row.model_type, arch.name, ", ".join(arch.tasks), ", ".join(refusals))
    by_rule = make_table("rule", "what it says", "excludes", numbers=True)
    for rule in rules():
        by_rule.add_row(rule.name, rule.reason, str(excluded[rule.name]))
    by_task = make_table("task", "architectures", numbers=True)
    for task, count in served.items():
        by_task.add_row(task, str(count))
    print_tables(table, by_rule, by_task)


def _compare(arguments: Namespace) -> int:
    """Compare the installed model types, and what is asked of their architectures, with a manifest, all of them."""
    import dataclasses

    from hfci.catalog import model_type_names, transformers_version
    from hfci.catalog.versions import difference
    from hfci.releases.earlier import earlier_manifest

    if arguments.names:
        raise UsageError("--against compares every model type: leave the names out")
    manifest = earlier_manifest(arguments.against, arguments.generated)
    others = [row.model_type for row in manifest.model_types]
    changes = difference(transformers_version(), model_type_names(), manifest.transformers, others)
    judged = _judge(manifest, arguments)
    if arguments.json:
        judgement = {"losses": None, "problems": []} if judged is None else judged.to_json()
        print_json({**dataclasses.asdict(changes), **judgement})
    else:
        _print_difference(changes, judged)
    return 1 if judged is not None and judged.is_red else 0


def _judge(old: Manifest, arguments: Namespace) -> Judgement | None:
    """Hold the installed transformers to `old`; None where it is the older one, which need not have what is newer."""
    from hfci.cases.manifest import NOT_ASKED
    from hfci.catalog import transformers_version
    from hfci.releases.acceptances import is_older, judge, read_acceptances
    from hfci.testing.folders import find_tests

    if is_older(transformers_version(), old.transformers):
        return None
    folder, new = find_tests(folder=None if arguments.generated == GENERATED else arguments.generated)
    if any(row.reason == NOT_ASKED for row in new.model_types):
        raise UsageError(f"{folder} has rows that were not asked for yet; `hfci generate --out {folder}` asks for all")
    return judge(old, new, read_acceptances())


def _print_difference(changes: Difference, judged: Judgement | None) -> None:
    from hfci.results.terminal import make_table, print_tables
    from hfci.results.text import clean

    table = make_table(f"transformers {changes.version}", "count", "model types")
    table.add_row(clean(f"lacks of {changes.against}"), str(len(changes.lacks)), clean(", ".join(changes.lacks)))
    table.add_row(clean(f"has beside {changes.against}"), str(len(changes.adds)), clean(", ".join(changes.adds)))
    if judged is None:
        print_tables(table, clean(f"{changes.version} is older than {changes.against}: that it has less is no loss"))
        return
    lost = make_table("lost", "what", "accepted because")
    for loss, reason in sorted(judged.losses, key=lambda pair: pair[1] is not None):  # the red ones first
        lost.add_row(clean(loss.whose), clean(loss.what), clean(reason) if reason else "no: red")
    print_tables(table, *([lost] if judged.losses else []), *map(clean, judged.problems), judged.verdict)


def _print_rows(catalog: Catalog) -> None:
    from hfci.results.terminal import make_table, print_tables

    table = make_table("model type", "base architecture", "families", "architectures", "remark")
    for row in catalog.model_types:
        base = row.base.name if row.base else ""
        table.add_row(row.model_type, base, ", ".join(row.families), str(len(row.architectures)), _remark(row))
    print_tables(table, "The architectures of a model type, with their auto classes and tasks: hfci catalog NAME")


def _print_architectures(catalog: Catalog) -> None:
    from hfci.results.terminal import make_table, print_tables

    table = make_table("model type", "architecture", "family", "auto classes", "tasks")
    remarks = [f"{row.model_type}: {remark}" for row in catalog.model_types if (remark := _remark(row))]
    left_out = [(row, name, reason) for row in catalog.model_types for name, reason in row.left_out.items()]
    remarks += [f"{row.model_type}: {name} is no architecture: {reason}" for row, name, reason in left_out]
    for row in catalog.model_types:
        for arch in row.architectures:
            cells = (arch.name, arch.family, ", ".join(arch.auto_classes), ", ".join(arch.tasks))
            table.add_row(row.model_type, *cells)
    print_tables(*((table,) if table.rows else ()), *remarks)


def _remark(row: ModelType) -> str:
    return row.unavailable or row.error or row.reason or ""
