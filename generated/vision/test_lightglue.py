# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate lightglue`.
"""lightglue: smoke tests of LightGlueForKeypointMatching.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="lightglue",
    architecture="LightGlueForKeypointMatching",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import LightGlueForKeypointMatching

    assert type(tiny.model) is LightGlueForKeypointMatching
    assert tiny.config.model_type == tiny.model_type == "lightglue"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    pairs, images = inputs["pixel_values"].shape[:2]
    found = outputs.matches.shape[2]  # as many points as it finds in the image that has most
    assert outputs.matches.shape == outputs.matching_scores.shape == (pairs, images, found)
    assert outputs.keypoints.shape == (pairs, images, found, 2)
    checks.forward_is_finite(tiny)


@pytest.mark.parametrize(
    "check",
    [
        "forward_is_deterministic",
        "batch_is_independent",
        "save_load_roundtrip",
        "gradients_reach_every_parameter",
        "golden_output",
    ],
)
def test_invariant(tiny: TinyModel, check: str) -> None:
    checks.assert_holds(tiny, check)
