# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate vitpose`.
"""vitpose: smoke tests of VitPoseForPoseEstimation.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="vitpose",
    architecture="VitPoseForPoseEstimation",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import VitPoseForPoseEstimation

    assert type(tiny.model) is VitPoseForPoseEstimation
    assert tiny.config.model_type == tiny.model_type == "vitpose"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, *pixels = inputs["pixel_values"].shape
    patch = tiny.config.backbone_config.patch_size
    size = [tiny.config.scale_factor * (side // length) for side, length in zip(pixels, patch, strict=True)]
    assert outputs.heatmaps.shape == (batch, tiny.config.num_labels, *size)
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
