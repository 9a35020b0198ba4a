# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate bridgetower_vision_model`.
"""bridgetower_vision_model: smoke tests of BridgeTowerVisionModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="bridgetower_vision_model",
    architecture="BridgeTowerVisionModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.bridgetower.modeling_bridgetower import BridgeTowerVisionModel

    assert type(tiny.model) is BridgeTowerVisionModel
    assert tiny.config.model_type == tiny.model_type == "bridgetower_vision_model"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    layers, batch = tiny.config.num_hidden_layers, inputs["image"].shape[0]
    patches = (tiny.config.image_size // tiny.config.patch_size) ** 2
    assert outputs.shape == (layers, batch, patches + 1, tiny.config.hidden_size)
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
