"""Every check is red on models broken on purpose, of two families at least, and green on the same models whole."""

from __future__ import annotations

from collections import defaultdict

import pytest
from transformers.pipelines import SUPPORTED_TASKS

from hfci.cases.manifest import load_manifest
from hfci.catalog import read_row
from hfci.checks.exceptions import FOLDER, read_exceptions
from hfci.checks.table import CHECKS, TIERS
from hfci.errors import StageError

from .breakages import BREAKAGES, Breakage
from .breaking import ROOT, of_packages_that_are_here
from .output_patches import output, silenced

# Those that a check was green on here, which it is not asked of again for another breakage.
WHOLE: set[tuple[str, str, str | None, str | None]] = set()


@pytest.mark.parametrize("breakage", BREAKAGES, ids=str)
def test_the_check_is_red_where_it_is_broken_and_green_where_it_is_whole(breakage: Breakage) -> None:
    tiny = breakage.build()
    if (model := (breakage.check, breakage.model_type, breakage.architecture, breakage.task)) not in WHOLE:
        with of_packages_that_are_here():
            breakage.ask(tiny)
        WHOLE.add(model)
    breakage.apply(tiny)
    with pytest.raises((AssertionError, StageError)) as told:  # what stops where it must run is red too
        breakage.ask(tiny)
    assert str(told.value), "a check says what is wrong"


def family_of(breakage: Breakage) -> str:
    """Return the family of what is broken; a part is of none but that of parts."""
    row = read_row(breakage.model_type)
    name = breakage.architecture or (row.base.name if row.base else None)
    return "component" if breakage.is_of_part else next(arch.family for arch in row.architectures if arch.name == name)


def test_every_check_has_breakages_of_two_families_or_of_two_architectures_of_its_only_one() -> None:
    broken: dict[str, set[str]] = defaultdict(set)
    subjects: dict[str, set[str]] = defaultdict(set)
    for breakage in BREAKAGES:
        broken[breakage.check].add(family_of(breakage))
        subjects[breakage.check].add(breakage.model_type)
    asked: dict[str, set[str]] = defaultdict(set)
    for row in load_manifest(ROOT / "generated" / "manifest.json").model_types:
        for tier in TIERS:
            for case in row.cases_in(tier, "cpu"):
                asked[case.check or ""].add(case.family or "")
    assert broken.keys() == CHECKS.keys() == asked.keys()
    for check, families in broken.items():
        assert families <= asked[check] | {"component"}, check
        assert len(families) >= 2 or (len(asked[check]) == 1 and len(subjects[check]) >= 2), check


# Why a task has breakages of one architecture, though others serve it.
ALONE = {
    "keypoint-matching": "of random weights this one alone is as sure of two points as its threshold asks",
    "text-to-audio": "VibeVoice, which serves it too, wants diffusers",
}


def test_every_task_has_breakages_of_two_families_or_of_as_many_as_serve_it() -> None:
    unserved = [row for row in read_exceptions(FOLDER)["pipeline_runs"] if row.kind == "unserved"]
    serving: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in load_manifest(ROOT / "generated" / "manifest.json").model_types:
        for case in row.cases_in("functional", "cpu"):
            excepted = (one for one in unserved if one.covers(row.model_type, case.architecture))
            if case.check == "pipeline_runs" and not any(case.task in one.names for one in excepted):
                serving[case.task or ""][case.family or ""].add(case.architecture or "")
    broken: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for breakage in BREAKAGES:
        broken[breakage.task or ""][family_of(breakage)].add(breakage.architecture or "")
    assert serving.keys() == SUPPORTED_TASKS.keys() == broken.keys() - {""}
    for task, families in serving.items():
        most = 1 if task in ALONE else 2
        assert len(broken[task]) >= min(most, len(families)), (task, families, broken[task])
        architectures = set().union(*families.values())
        assert len(set().union(*broken[task].values())) >= min(most, len(architectures)), (task, architectures)


def test_a_breakage_whose_patch_no_longer_applies_is_an_error() -> None:
    gone = Breakage("forward_is_finite", "bert", "encoder.layer.9.output", output(silenced))
    with pytest.raises(AttributeError, match="9"):
        gone.apply(gone.build())
