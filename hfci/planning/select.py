"""Names and patterns become rows of the manifest and cases. No torch, no files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hfci.errors import UsageError, nearest
from hfci.testing.cases import Case
from hfci.testing.manifest import Manifest, ManifestRow

__all__ = ["Selection", "match_names", "select"]

FAMILY = "family:"


@dataclass(frozen=True)
class Selection:
    """The rows that the patterns name, and the cases to run, in the manifest's order."""

    rows: tuple[ManifestRow, ...]
    cases: tuple[Case, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that hold the cases, each once, relative to the manifest."""
        return tuple(dict.fromkeys(case.file for case in self.cases if case.file is not None))

    @property
    def untested(self) -> tuple[ManifestRow, ...]:
        """The rows without a generated test."""
        return tuple(row for row in self.rows if row.file is None)


def select(
    manifest: Manifest,
    patterns: Sequence[str] = (),
    *,
    tier: str = "smoke",
    device: str = "cpu",
    checks: Sequence[str] = (),
) -> Selection:
    """Select what `patterns` name: model types, patterns, `family:NAME`, architectures; none is all.

    An architecture selects its own cases only. UsageError for a pattern or check that names nothing.
    """
    chosen = _choose(manifest, patterns)
    rows = tuple(row for row in manifest.model_types if row.model_type in chosen)
    _require_checks(checks, (check for row in manifest.model_types for case in row.cases for check in case.checks))
    cases = (
        Case(
            row.model_type,
            tested.architecture,
            row.family,
            check,
            tier,
            device,
            file=row.file,
            requires=row.requires,
        )
        for row in rows
        for tested in row.cases
        for check in tested.checks
        if tested.tier == tier
        and tested.architecture in (chosen[row.model_type] or (tested.architecture,))
        and (not checks or check in checks)
    )
    return Selection(rows, tuple(cases))


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
        model_types, architectures = _match(manifest, pattern)
        whole.update(model_types)
        for row in manifest.model_types:
            asked = architectures.intersection(row.architectures)
            if row.model_type in model_types or asked:
                chosen.setdefault(row.model_type, set()).update(asked)
    return {name: set() if name in whole else asked for name, asked in chosen.items()}


def _match(manifest: Manifest, pattern: str) -> tuple[set[str], set[str]]:
    """Return the model types, or else the architectures, that `pattern` names; UsageError without any."""
    rows = manifest.model_types
    if pattern.startswith(FAMILY):
        families = {family for row in rows for family in row.families}
        named = set(match_names(pattern.removeprefix(FAMILY), families))
        if not named:
            raise UsageError(_unknown("family", pattern.removeprefix(FAMILY), families))
        return {row.model_type for row in rows if named.intersection(row.families)}, set()
    model_types = [row.model_type for row in rows]
    found = match_names(pattern, model_types)
    if found:
        return set(found), set()
    known = sorted({name for row in rows for name in row.architectures})
    architectures = match_names(pattern, known)
    if not architectures:
        raise UsageError(_unknown("model type or architecture", pattern, [*model_types, *known]))
    return set(), set(architectures)


def _require_checks(names: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(set(known))
    for name in names:
        if name not in known:
            raise UsageError(_unknown("check", name, known))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f"no {kind} matches {name!r}.{nearest(name, known)}"
