# Rendered from templates/image_to_text.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate pix2struct`.
"""pix2struct: smoke tests of Pix2StructForConditionalGeneration.

Family: image to text model.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="pix2struct",
    architecture="Pix2StructForConditionalGeneration",
    family="image_to_text",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Pix2StructForConditionalGeneration

    assert type(tiny.model) is Pix2StructForConditionalGeneration
    assert tiny.config.model_type == tiny.model_type == "pix2struct"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny, use_cache=True)
    text = tiny.config.get_text_config(decoder=True)
    batch, length = inputs["decoder_input_ids"].shape
    assert outputs.logits.shape == (batch, length, text.vocab_size)
    assert outputs.cache.get_seq_length() == length
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
