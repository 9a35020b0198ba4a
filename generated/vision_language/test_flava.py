# Rendered from templates/vision_language.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate flava`.
"""flava: smoke tests of FlavaModel.

Family: language model that sees.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="flava",
    architecture="FlavaModel",
    family="vision_language",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import FlavaModel

    assert type(tiny.model) is FlavaModel
    assert tiny.config.model_type == tiny.model_type == "flava"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    image, text = tiny.config.image_config, tiny.config.text_config
    patches = (image.image_size // image.patch_size) ** 2 + 1
    assert outputs.image_embeddings.shape == (batch, patches, image.hidden_size)
    assert outputs.text_embeddings.shape == (batch, length, text.hidden_size)
    both = (batch, 1 + patches + length, tiny.config.multimodal_config.hidden_size)
    assert outputs.multimodal_embeddings.shape == both
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
