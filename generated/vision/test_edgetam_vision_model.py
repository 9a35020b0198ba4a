# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate edgetam_vision_model`.
"""edgetam_vision_model: smoke tests of EdgeTamVisionModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="edgetam_vision_model",
    architecture="EdgeTamVisionModel",
    family="vision",
    tier="smoke",
    requires=("timm",),
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import EdgeTamVisionModel

    assert type(tiny.model) is EdgeTamVisionModel
    assert tiny.config.model_type == tiny.model_type == "edgetam_vision_model"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        batch,
        inputs["pixel_values"].shape[2] // 32,
        inputs["pixel_values"].shape[3] // 32,
        config.backbone_channel_list[0],
    )
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
