"""Names and patterns become rows of the manifest and cases. No torch, no files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from hfci.backends.registry import asked_by
from hfci.cases.case import Case
from hfci.cases.manifest import Manifest, ManifestRow
from hfci.cases.selector import Known, choose
from hfci.cases.variant import Variant
from hfci.checks.table import asked_with
from hfci.errors import UsageError, nearest

__all__ = ["Selection", "known_of", "select"]


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


def known_of(manifest: Manifest) -> Known:
    """Return what there is to choose from in a manifest."""
    rows = manifest.model_types
    return Known(
        [row.model_type for row in rows],
        # A part is tried within an architecture that is not its own.
        lambda: {row.model_type: () if any(case.parent for case in row.cases) else row.names for row in rows},
        lambda: {row.model_type: {arch.name: arch.family for arch in row.architectures} for row in rows},
        lambda: {row.model_type: row.imported for row in rows if row.imported},
    )


def select(
    manifest: Manifest,
    patterns: Sequence[str] = (),
    *,
    tier: str = "smoke",
    device: str = "cpu",
    checks: Sequence[str] = (),
    backend: str | None = None,
) -> Selection:
    """Select what `patterns` name: model types, patterns, `family:NAME`, architectures; none is all.

    An architecture or a family selects its own cases only. A check, or one with its axes (`NAME[dtype=bfloat16]`, and
    then that alone). With a `backend` the cases that ask about it, and no others. UsageError for a pattern or check
    that names nothing.
    """
    chosen = choose(patterns, known_of(manifest))
    rows = tuple(row for row in manifest.model_types if row.model_type in chosen)
    _require_checks(checks, {name for row in manifest.model_types for case in row.cases for name in case.checks})
    asked = asked_by(backend) if backend else ""
    cases = (
        asked_with(case, backend)
        for row in rows
        for case in row.cases_in(tier, device)
        if case.architecture in (chosen[row.model_type] or (case.architecture,))
        and (not asked or case.check == asked)
        and (not checks or case.variant.is_among(checks))
    )
    untested = (case for row in rows for case in row.untested(tier, device, chosen[row.model_type]))
    return Selection(rows, tuple({case.id: case for case in cases}.values()), tuple(untested))


def _require_checks(names: Iterable[str], variants: Collection[str]) -> None:
    parsed = [Variant.parse(variant) for variant in variants]
    known = sorted({*variants, *(variant.check for variant in parsed)})
    for name in names:
        if name not in known and not any(variant.exact == name for variant in parsed):
            raise UsageError(f"no check matches {name!r}.{nearest(name, known)}")
