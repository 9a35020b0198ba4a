# Rendered from templates/vision_text_dual.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate altclip`.
"""altclip: smoke tests of AltCLIPModel.

Family: image and text encoder pair.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="altclip",
    architecture="AltCLIPModel",
    family="vision_text_dual",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import AltCLIPModel

    assert type(tiny.model) is AltCLIPModel
    assert tiny.config.model_type == tiny.model_type == "altclip"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    images, texts = next(iter(inputs.values())).shape[0], inputs["input_ids"].shape[0]
    assert outputs.logits_per_image.shape == (images, texts)
    assert outputs.logits_per_text.shape == (texts, images)
    assert outputs.image_embeds.shape[0] == images
    assert outputs.text_embeds.shape[0] == texts
    assert outputs.image_embeds.shape[-1] == outputs.text_embeds.shape[-1] == tiny.config.projection_dim
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
