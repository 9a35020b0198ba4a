# Rendered from templates/composite.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate vision-encoder-decoder`.
"""vision-encoder-decoder: smoke tests of VisionEncoderDecoderModel.

Family: model composed of two others.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="vision-encoder-decoder",
    architecture="VisionEncoderDecoderModel",
    family="composite",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import VisionEncoderDecoderModel

    assert type(tiny.model) is VisionEncoderDecoderModel
    assert tiny.config.model_type == tiny.model_type == "vision-encoder-decoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs, use_cache=True)
    batch, length = inputs["decoder_input_ids"].shape
    assert outputs.logits.shape == (batch, length, tiny.config.decoder.vocab_size)
    assert outputs.cache.get_seq_length() == length
    assert outputs.encoder_last_hidden_state.shape[0] == batch
    assert outputs.encoder_last_hidden_state.shape[-1] == tiny.config.encoder.hidden_size
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
