"""What is wrong with the entries of the ledger: `hfci ledger check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from hfci.cases.ledger import Entry, Ledger
from hfci.checks.table import CHECKS
from hfci.errors import nearest
from hfci.testing.reproducer import Ending, Reproducers, faults

__all__ = ["Installed", "check_entries", "matches_nothing", "problems_of", "supported", "unknown"]


@dataclass(frozen=True)
class Installed:
    """The installed transformers: its version, its model types and tasks, and the architectures of a model type."""

    version: str
    model_types: tuple[str, ...]
    tasks: tuple[str, ...]
    architectures: Callable[[str], Iterable[str]]


def check_entries(ledger: Ledger, installed: Installed, today: date, workers: int) -> Iterator[tuple[Entry, list[str]]]:
    """Yield each entry with what is wrong with it; `workers` reproducers run at a time."""
    with Reproducers(workers) as reproducers, ThreadPoolExecutor(workers) as pool:
        endings = {
            entry.name: pool.submit(reproducers.run, entry.reproducer)
            for entry in ledger
            if entry.is_for(installed.version) and not any(faults(entry.reproducer))
        }
        try:
            for entry in ledger:
                yield entry, list(problems_of(entry, installed, today, lambda _: endings[entry.name].result()))  # noqa: B023
        finally:  # one that has not begun need not, where nobody waits for it
            pool.shutdown(wait=False, cancel_futures=True)


def problems_of(entry: Entry, installed: Installed, today: date, run: Callable[[str], Ending]) -> Iterator[str]:
    """Yield what is wrong with an entry, whose reproducer `run` runs.

    What an entry says of other versions than the installed one cannot be tried here: neither are its names looked up
    nor its reproducer run.
    """
    if entry.is_expired(today):
        yield f"it expired on {entry.expires}"
    if matches_nothing(entry.transformers, installed.version):
        yield f"its versions, {entry.transformers}, match no transformers that hfci supports"
    yield from unknown(entry.checks, CHECKS, "check")
    static = list(faults(entry.reproducer))
    yield from static
    if not entry.is_for(installed.version):
        return
    yield from unknown(entry.model_types, installed.model_types, "model type")
    yield from unknown(entry.tasks, installed.tasks, "task")
    known = [name for name in entry.model_types if name in installed.model_types]
    if entry.architectures and known:
        classes = {name for own in known for name in installed.architectures(own)}
        yield from unknown(entry.architectures, classes, "class of theirs")
    if not static:
        ending = run(entry.reproducer)
        if ending.error is None:
            yield f"its reproducer passes on transformers {installed.version}: the entry must go"
        elif not ending.is_as(entry.error):
            wanted = f"{entry.error.type}: {entry.error.message}"
            yield f"its reproducer ends otherwise than with {wanted}; it ended with {ending}"


def unknown(names: Iterable[str], known: Iterable[str], kind: str) -> Iterator[str]:
    """Yield of each of `names` that is not known what it is not, and the nearest that is."""
    known = list(known)
    for name in names:
        if name not in known:
            yield f"there is no {kind} {name!r}.{nearest(name, known)}"


def supported() -> SpecifierSet:
    """Return the versions of transformers that hfci says it runs on."""
    try:
        needed = [Requirement(text) for text in requires("hfci") or ()]
    except PackageNotFoundError:  # run from a folder that is on the path
        return SpecifierSet()
    return next((need.specifier for need in needed if need.name == "transformers"), SpecifierSet())


def matches_nothing(specifiers: SpecifierSet, installed: str) -> bool:
    """Tell whether no version can be both supported by hfci and one of `specifiers`.

    If there is one, there is one at a bound of either, just above it, or far above all of them.
    """
    both = [*supported(), *specifiers]
    bounds = [Version(each.version.removesuffix(".*")) for each in both if each.operator != "==="]
    candidates = [Version(installed), Version("9999")]
    for bound in bounds:
        *head, last = bound.release
        above = ".".join(map(str, (*head, last + 1)))
        candidates += [bound, Version(above), Version(f"{bound.public}.post1" if not bound.is_devrelease else above)]
        candidates.append(Version(f"{bound.base_version}.1"))
    return not any(all(each.contains(version, prereleases=True) for each in both) for version in candidates)
