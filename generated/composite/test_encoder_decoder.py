# Rendered from templates/composite.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate encoder-decoder`.
"""encoder-decoder: smoke tests of EncoderDecoderModel.

Family: model composed of two others.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="encoder-decoder",
    architecture="EncoderDecoderModel",
    family="composite",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import EncoderDecoderModel

    assert type(tiny.model) is EncoderDecoderModel
    assert tiny.config.model_type == tiny.model_type == "encoder-decoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny, use_cache=True)
    batch, length = inputs["decoder_input_ids"].shape
    assert outputs.logits.shape == (batch, length, tiny.config.decoder.vocab_size)
    assert outputs.cache.get_seq_length() == length
    assert outputs.encoder_last_hidden_state.shape[0] == batch
    assert outputs.encoder_last_hidden_state.shape[-1] == tiny.config.encoder.hidden_size
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
