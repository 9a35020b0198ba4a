"""Names and patterns become rows of the manifest and cases. No torch, no files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest, ManifestRow
from hfci.cases.variant import Variant
from hfci.errors import UsageError, nearest

__all__ = ["Selection", "match_names", "select"]

FAMILY = "family:"


@dataclass(frozen=True)
class Selection:
    """The rows that the patterns name, and the cases to run, in the manifest's order.

    `untested` stands in the records for what has no test, whether by design or because none could be made.
    """

    rows: tuple[ManifestRow, ...]
    cases: tuple[Case, ...]
    untested: tuple[Case, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files that hold the cases, each once, relative to the manifest."""
        return tuple(dict.fromkeys(case.file for case in self.cases if case.file is not None))


def select(
    manifest: Manifest,
    patterns: Sequence[str] = (),
    *,
    tier: str = "smoke",
    device: str = "cpu",
    checks: Sequence[str] = (),
) -> Selection:
    """Select what `patterns` name: model types, patterns, `family:NAME`, architectures; none is all.

    An architecture or a family selects its own cases only. A check, or one with its axes (`NAME[dtype=bfloat16]`, and
    then that alone). UsageError for a pattern or check that names nothing.
    """
    chosen = _choose(manifest, patterns)
    rows = tuple(row for row in manifest.model_types if row.model_type in chosen)
    _require_checks(checks, {name for row in manifest.model_types for case in row.cases for name in case.checks})
    cases = (
        case
        for row in rows
        for case in row.cases_in(tier, device)
        if case.architecture in (chosen[row.model_type] or (case.architecture,))
        and (not checks or case.variant.is_among(checks))
    )
    untested = (case for row in rows for case in row.untested(tier, device, chosen[row.model_type]))
    return Selection(rows, tuple(cases), tuple(untested))


def match_names(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names that equal `pattern` or match it as a shell-style pattern."""
    return [name for name in names if name == pattern or fnmatchcase(name, pattern)]


def _choose(manifest: Manifest, patterns: Sequence[str]) -> dict[str, set[str]]:
    """Map each selected model type to the architectures asked for; an empty set is all of them."""
    if not patterns:
        return {row.model_type: set() for row in manifest.model_types}
    chosen: dict[str, set[str]] = {}
    whole: set[str] = set()
    for pattern in patterns:
        for name, architectures in _match(manifest, pattern).items():
            chosen.setdefault(name, set()).update(architectures)
            if not architectures:
                whole.add(name)
    return {name: set() if name in whole else asked for name, asked in chosen.items()}


def _match(manifest: Manifest, pattern: str) -> dict[str, set[str]]:
    """Map the model types that `pattern` names to the architectures of each; UsageError where it names nothing."""
    rows = manifest.model_types
    if pattern.startswith(FAMILY):
        families = {family for row in rows for family in row.families}
        named = match_names(pattern.removeprefix(FAMILY), families)
        if not named:
            raise UsageError(_unknown("family", pattern.removeprefix(FAMILY), families))
        of_rows = {row.model_type: {arch.name for arch in row.architectures if arch.family in named} for row in rows}
        return {name: architectures for name, architectures in of_rows.items() if architectures}
    model_types = [row.model_type for row in rows]
    if found := match_names(pattern, model_types):
        return {name: set() for name in found}
    known = sorted({name for row in rows for name in row.names})
    named = match_names(pattern, known)
    if not named:
        raise UsageError(_unknown("model type or architecture", pattern, [*model_types, *known]))
    return {row.model_type: asked for row in rows if (asked := {*named}.intersection(row.names))}


def _require_checks(names: Iterable[str], variants: Collection[str]) -> None:
    said = [Variant.parse(variant) for variant in variants]
    known = sorted({*variants, *(variant.check for variant in said)})
    for name in names:
        if name not in known and not any(variant.exact == name for variant in said):
            raise UsageError(_unknown("check", name, known))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f"no {kind} matches {name!r}.{nearest(name, known)}"
