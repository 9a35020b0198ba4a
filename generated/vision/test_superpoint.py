# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate superpoint`.
"""superpoint: smoke tests of SuperPointForKeypointDetection.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="superpoint",
    architecture="SuperPointForKeypointDetection",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import SuperPointForKeypointDetection

    assert type(tiny.model) is SuperPointForKeypointDetection
    assert tiny.config.model_type == tiny.model_type == "superpoint"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = inputs["pixel_values"].shape[0]
    found = outputs.scores.shape[1]  # as many points as it finds in the image that has most
    assert outputs.scores.shape == outputs.mask.shape == (batch, found)
    assert outputs.keypoints.shape == (batch, found, 2)
    assert outputs.descriptors.shape == (batch, found, tiny.config.descriptor_decoder_dim)
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
