# Rendered from templates/text_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate t5gemma2_decoder`.
"""t5gemma2_decoder: smoke tests of T5Gemma2Decoder.

Family: text decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="t5gemma2_decoder",
    architecture="T5Gemma2Decoder",
    family="text_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers.models.t5gemma2.modeling_t5gemma2 import T5Gemma2Decoder

    assert type(tiny.model) is T5Gemma2Decoder
    assert tiny.config.model_type == tiny.model_type == "t5gemma2_decoder"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, tiny.config.hidden_size)
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
