from __future__ import annotations

import dataclasses

import msgspec
import pytest

from hfci.cases.case import Case
from hfci.cases.manifest import Manifest, ManifestArchitecture
from hfci.planning import select
from hfci.planning.estimates import EXPONENT, SECONDS, USUAL_MEMORY, Estimate, Estimator
from hfci.planning.requirements import Need, Requirements, RunnerNeeds

from .test_select import MANIFEST

CASES = {(case.model_type, case.check): case for case in select(MANIFEST).cases}


def known(**runners: dict[str, float]) -> Requirements:
    """Return what takes so long, by runner and model type; one check of each."""
    return Requirements(
        runners={
            runner: RunnerNeeds([], {CASES[name, "builds_tiny"].id: [Need(s, 100)] for name, s in seconds.items()})
            for runner, seconds in runners.items()
        }
    )


def seconds_of(
    name: str, requirements: Requirements, check: str = "builds_tiny", manifest: Manifest = MANIFEST
) -> float:
    return Estimator(manifest, requirements, "small", "cpu").estimate(CASES[name, check]).seconds


def test_what_was_measured_is_taken() -> None:
    found = Estimator(MANIFEST, known(small={"bert": 3.0}), "small", "cpu").estimate(CASES["bert", "builds_tiny"])
    assert found == Estimate(3.0, 100, True, True)


def test_without_a_runner_of_that_name_records_of_the_device_count() -> None:
    assert seconds_of("bert", known(cpu={"bert": 3.0}, large={"bert": 9.0})) == 3.0


def test_another_runner_counts_at_the_speed_that_both_show() -> None:
    small = {"bert": 2.0, "qwen2": 6.0}
    large = {"bert": 1.0, "qwen2": 2.0, "qwen3": 4.0}
    assert seconds_of("qwen3", known(small=small, large=large)) == pytest.approx(4.0 * 2.5)
    assert seconds_of("qwen3", known(large=large)) == 4.0


def test_an_unmeasured_case_is_like_its_check_and_family() -> None:
    measured = known(small={"qwen2": 4.0, "bert": 1.0})
    assert seconds_of("qwen3", measured) == pytest.approx(4.0)
    assert seconds_of("vit", measured) == pytest.approx(2.5)
    assert seconds_of("vit", measured, "forward_is_finite") == pytest.approx(2.5)


def test_more_parameters_take_longer() -> None:
    sizes = {"qwen2": 10_000, "qwen3": 1_000_000}
    rows = tuple(
        msgspec.structs.replace(
            row,
            architectures=tuple(
                ManifestArchitecture(found.name, found.family, sizes.get(row.model_type)) for found in row.architectures
            ),
        )
        for row in MANIFEST.model_types
    )
    found = seconds_of("qwen3", known(small={"qwen2": 1.0}), manifest=Manifest("5", rows))
    assert found == pytest.approx(100**EXPONENT)


def test_all_estimates_together_are_what_was_measured() -> None:
    # Two of a family take 1 and 9: by the median 5 each, by themselves; bert is slow alone.
    measured = known(small={"qwen2": 1.0, "qwen3": 9.0, "bert": 20.0, "vit": 0.5})
    fit = Estimator(MANIFEST, measured, "small", "cpu")._fit
    estimated = sum(
        fit.seconds("builds_tiny", MANIFEST[name].architecture(MANIFEST[name].base).family, 1.0)
        for name in ("qwen2", "qwen3", "bert", "vit")
    )
    assert estimated == pytest.approx(30.5)


def test_without_any_measurement_there_are_constants() -> None:
    found = Estimator(MANIFEST, Requirements(), "small", "cpu").estimate(CASES["bert", "builds_tiny"])
    assert found == Estimate(SECONDS["builds_tiny"], USUAL_MEMORY, False, False)


def test_another_device_tells_seconds_but_no_memory() -> None:
    on_gpu = dataclasses.replace(CASES["bert", "builds_tiny"], device="cuda")
    found = Estimator(MANIFEST, known(small={"bert": 3.0}), "gpu", "cuda").estimate(on_gpu)
    assert found == Estimate(pytest.approx(3.0), USUAL_MEMORY, False, False)


def test_what_the_manifest_does_not_know_is_estimated_too() -> None:
    odd = Case("no/such", None, None, None, "smoke", "cpu")
    found = Estimator(MANIFEST, known(small={"bert": 3.0}), "small", "cpu").estimate(odd)
    assert found.seconds > 0
