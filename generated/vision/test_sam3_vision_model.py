# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate sam3_vision_model`.
"""sam3_vision_model: smoke tests of Sam3VisionModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="sam3_vision_model",
    architecture="Sam3VisionModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Sam3VisionModel

    assert type(tiny.model) is Sam3VisionModel
    assert tiny.config.model_type == tiny.model_type == "sam3_vision_model"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch = next(value.shape[0] for value in inputs.values() if hasattr(value, "shape"))
    config = tiny.config
    assert outputs.last_hidden_state.shape == (
        batch,
        (config.backbone_config.image_size // config.backbone_config.patch_size) ** 2,
        config.backbone_config.hidden_size,
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
