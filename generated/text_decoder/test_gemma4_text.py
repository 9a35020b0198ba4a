# Rendered from templates/text_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate gemma4_text`.
"""gemma4_text: smoke tests of Gemma4TextModel.

Family: text decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="gemma4_text",
    architecture="Gemma4TextModel",
    family="text_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import Gemma4TextModel

    assert type(tiny.model) is Gemma4TextModel
    assert tiny.config.model_type == tiny.model_type == "gemma4_text"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = tiny.forward(inputs, use_cache=True)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)
    assert outputs.cache.get_seq_length() == length
    checks.forward_is_finite(tiny)


def test_forward_is_deterministic(tiny: TinyModel) -> None:
    checks.forward_is_deterministic(tiny)


def test_batch_is_independent(tiny: TinyModel) -> None:
    checks.batch_is_independent(tiny)


def test_save_load_roundtrip(tiny: TinyModel) -> None:
    checks.save_load_roundtrip(tiny)


def test_gradients_reach_every_parameter(tiny: TinyModel) -> None:
    checks.gradients_reach_every_parameter(tiny)
