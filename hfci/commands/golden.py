"""Show what architectures compute on fixed inputs, in a few numbers, or accept it as what they are to compute."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from hfci.commands.options import add_folder, add_imports, add_json, add_names, print_json
from hfci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hfci.checks.goldens import Golden, GoldenFile
    from hfci.checks.noise import Summaries

__all__ = ["EXAMPLE", "HELP", "add_arguments", "run"]

HELP = "golden outputs: what each architecture computes, and taking a change over"
EXAMPLE = "hfci golden accept bert 'qwen*'"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action",
        choices=("show", "accept"),
        help="show the summaries as computed here, or measure their float error, tell what changed and write it down",
    )
    add_names(parser)
    add_imports(parser)
    add_folder(parser, "--folder", "the golden outputs (default: hfci's own)")
    parser.add_argument(
        "--threads", type=int, action="append", metavar="N", help="show what so many compute (default: 1), or several"
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Compute, then print or write; 1 where an architecture could not be built or run."""
    from hfci.catalog.environment import check_environment
    from hfci.testing.process_setup import prepare

    if wrong := [number for number in arguments.threads or () if number < 1]:
        raise UsageError(f"--threads must be at least 1, not {wrong[0]}")
    if arguments.threads and arguments.action != "show":
        raise UsageError("--threads is for `show`; `accept` measures with one and with two")
    check_environment()
    prepare("cpu")
    from hfci.generation.select import select

    names = [name for name in select(arguments.names) if _has_classes(name)]
    return (_show if arguments.action == "show" else _accept)(names, arguments)


def _has_classes(model_type: str) -> bool:
    from hfci.catalog import read_row

    return bool(read_row(model_type).architectures)


def _show(names: list[str], arguments: Namespace) -> int:
    import msgspec

    from hfci.checks.noise import summaries
    from hfci.generation.progress import track

    threads = tuple(dict.fromkeys(arguments.threads or (1,)))
    by_threads: dict[int, dict[str, Summaries]] = {number: {} for number in threads}
    failed: dict[str, str] = {}
    for name in track(names, total=len(names), label="computing"):
        results, failures = summaries(name, threads)
        failed.update(failures)
        for number in threads:
            by_threads[number][name] = results[number]
    if arguments.json:
        print_json({"schema": 2, "threads": msgspec.to_builtins(by_threads, str_keys=True), "failed": failed})
        return 1 if failed else 0
    for number, computed in by_threads.items():
        beside = f" with {number} threads" if number > 1 else ""
        for model_type, architectures in computed.items():
            for architecture, fields in architectures.items():
                sys.stdout.write(f"{model_type} {architecture}{beside}\n")
                for field, summary in fields.items():
                    numbers = ", ".join(f"{value:.7g}" for value in summary.values) or summary.digest
                    sys.stdout.write(f"  {field} {summary.dtype} {summary.shape}: {numbers}\n")
    return _tell_failed(failed)


def _accept(names: list[str], arguments: Namespace) -> int:
    """Write the files of `names`; what is as before, up to float error, stays as it stands."""
    from hfci.catalog import transformers_version
    from hfci.catalog.kept import require_kept
    from hfci.checks.goldens import FOLDER, GoldenFile, read_golden
    from hfci.checks.noise import measure
    from hfci.generation.progress import track

    folders = {name: require_kept("golden", name, FOLDER, arguments.folder) for name in names}
    old = {name: read_golden(name, folder) for name, folder in folders.items()}
    lines: list[str] = []
    failed: dict[str, str] = {}
    known = {name: {} if file is None else file.architectures for name, file in old.items()}
    measured = track(measure(known), total=len(names), label="measuring")
    for model_type, architectures, failures in measured:
        failed.update(failures)
        accepted, kept = _merged(old[model_type], architectures)
        lines += [f"{model_type} {line}" for line in accepted]
        new = GoldenFile(transformers=transformers_version(), model_type=model_type, architectures=kept)
        if new != old[model_type]:
            new.write(folders[model_type])
    unchanged = "" if lines else "nothing has changed by more than float error\n"
    sys.stdout.write("".join(f"{line}\n" for line in lines) + unchanged)
    return _tell_failed(failed)


def _merged(
    old: GoldenFile | None, measured: Mapping[str, Mapping[str, Golden]]
) -> tuple[list[str], dict[str, dict[str, Golden]]]:
    """Return what is accepted, a line each, and the golden outputs to keep, by architecture."""
    from hfci.checks.golden import differences

    known = {} if old is None else old.architectures
    lines = [f"{name}: is gone" for name in known if name not in measured]
    kept: dict[str, dict[str, Golden]] = {}
    for name, fields in measured.items():
        if name in known:
            changed = differences(known[name], fields)
            lines += [f"{name}: {field} {change}" for field, change in changed.items()]
        else:
            changed = dict.fromkeys(fields, "is new")
            lines.append(f"{name}: is new, with {len(fields)} fields")
        lines += [
            f"{name}: {field} is unsteady: float error alone moves it by {golden.unsteady:.1e}"
            for field, golden in fields.items()
            if golden.unsteady is not None and field in changed
        ]
        kept[name] = {field: golden if field in changed else known[name][field] for field, golden in fields.items()}
    return lines, kept


def _tell_failed(failed: Mapping[str, str]) -> int:
    from hfci.results.text import clean

    for name, error in failed.items():
        sys.stderr.write(f"hfci: {name} has no golden output: {clean(error)}\n")
    return 1 if failed else 0
