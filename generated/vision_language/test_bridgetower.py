# Rendered from templates/vision_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate bridgetower`.
"""bridgetower: smoke tests of BridgeTowerModel.

Family: language model that sees.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="bridgetower",
    architecture="BridgeTowerModel",
    family="vision_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import BridgeTowerModel

    assert type(tiny.model) is BridgeTowerModel
    assert tiny.config.model_type == tiny.model_type == "bridgetower"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    assert outputs.text_features.shape == (batch, length, tiny.config.hidden_size)
    patches = (tiny.config.vision_config.image_size // tiny.config.vision_config.patch_size) ** 2
    assert outputs.image_features.shape == (batch, patches + 1, tiny.config.hidden_size)
    assert outputs.pooler_output.shape == (batch, 2 * tiny.config.hidden_size)  # the text's beside the image's
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
