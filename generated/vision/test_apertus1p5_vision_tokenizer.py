# Rendered from templates/vision.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate apertus1p5_vision_tokenizer`.
"""apertus1p5_vision_tokenizer: smoke tests of Apertus1p5VisionTokenizerModel.

Family: image model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="apertus1p5_vision_tokenizer",
    architecture="Apertus1p5VisionTokenizerModel",
    family="vision",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Apertus1p5VisionTokenizerModel

    assert type(tiny.model) is Apertus1p5VisionTokenizerModel
    assert tiny.config.model_type == tiny.model_type == "apertus1p5_vision_tokenizer"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, _, height, width = inputs["pixel_values"].shape
    factor = tiny.config.spatial_scale_factor
    assert outputs.image_tokens.shape == (batch, height // factor, width // factor)
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
