"""Whom each check with a rule is asked of is whom it should be: counted by what classes can be seen to be."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec
import pytest

from hfci.cases.manifest import Manifest, ManifestRow, load_manifest
from hfci.catalog import transformers_version
from hfci.checks.table import CHECKS

from . import seen
from .breaking import ROOT
from .counting import COUNTED, asked, is_seen
from .seen import DIFFERENCES, Difference

RULED = [name for name, check in CHECKS.items() if check.excluded]
LOST = "is not asked it, though it can be seen to be meant"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    found = load_manifest(ROOT / "generated" / "manifest.json")
    assert found.transformers == transformers_version()
    return found


def unexplained(manifest: Manifest, check: str, rows: Iterable[Difference] = DIFFERENCES) -> list[str]:
    """Return where manifest and sight differ about `check` and no row says why, and which patterns explain nothing."""
    differences = {
        name: is_asked for name, is_asked in asked(manifest, check).items() if is_asked != is_seen(name, check)
    }
    told = []
    for row in rows:
        for pattern in row.names if row.check == check else ():
            explained = [name for name, was in differences.items() if was == row.asked and fnmatchcase(name, pattern)]
            if not explained:
                told.append(f"{pattern} differs no longer: {row.why}")
            for name in explained:
                del differences[name]
    said = {True: "is asked it, though it cannot be seen to be meant", False: LOST}
    return [*told, *(f"{name} {said[is_asked]}" for name, is_asked in differences.items())]


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_is_counted_independently_where_it_has_a_rule(check: str) -> None:
    assert check in COUNTED or check not in RULED, (
        f"{check} has a rule and nobody counts independently whom it applies to: a function {check} in {seen.__file__}"
    )


def test_nobody_counts_for_a_check_without_a_rule() -> None:
    assert set(COUNTED) <= set(RULED)
    assert {row.check for row in DIFFERENCES} <= set(RULED)


@pytest.mark.parametrize("check", sorted(COUNTED))
def test_a_rule_asks_whom_the_class_shows_to_be_meant(check: str, manifest: Manifest) -> None:
    assert any(asked(manifest, check).values())
    assert unexplained(manifest, check) == []


def narrowed(manifest: Manifest, check: str, family: str) -> Manifest:
    """Return it as it would be rendered if the rule of `check` left out a family."""

    def without(row: ManifestRow) -> ManifestRow:
        of_base = CHECKS[check].subject in ("model_type", "base")
        names = {row.base} if of_base else {one.name for one in row.architectures}
        left_out = {one.name for one in row.architectures if one.family == family and one.name in names}
        cases = tuple(
            msgspec.structs.replace(case, checks=tuple(name for name in case.checks if name != check))
            if (case.architecture or row.base) in left_out
            else case
            for case in row.cases
        )
        architectures = tuple(
            msgspec.structs.replace(one, excluded=(*one.excluded, check)) if one.name in left_out else one
            for one in row.architectures
        )
        return msgspec.structs.replace(row, cases=cases, architectures=architectures)

    return msgspec.structs.replace(manifest, model_types=tuple(map(without, manifest.model_types)))


@pytest.mark.parametrize("check", sorted(COUNTED))
def test_a_rule_narrowed_by_a_family_is_red_and_names_whom_it_lost(check: str, manifest: Manifest) -> None:
    before = asked(manifest, check)
    first = next(name for name, is_asked in before.items() if is_asked)
    model_type, _, architecture = first.partition("/")
    family = manifest[model_type].architecture(architecture).family
    assert family is not None
    less = narrowed(manifest, check, family)
    lost = {name for name, is_asked in asked(less, check).items() if before.get(name) and not is_asked}
    assert first in lost
    told = {line for line in unexplained(less, check) if line.endswith(LOST)}
    assert {line.partition(" ")[0] for line in told} == {name for name in lost if is_seen(name, check)}


def test_a_row_that_explains_nothing_is_told(manifest: Manifest) -> None:
    row = Difference("eager_equals_sdpa", False, ("llama/*",), "for the test")
    assert unexplained(manifest, "eager_equals_sdpa", [row]) == ["llama/* differs no longer: for the test"]
