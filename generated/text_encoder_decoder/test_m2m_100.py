# Rendered from templates/text_encoder_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate m2m_100`.
"""m2m_100: smoke tests of M2M100Model.

Family: text encoder-decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="m2m_100",
    architecture="M2M100Model",
    family="text_encoder_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import M2M100Model

    assert type(tiny.model) is M2M100Model
    assert tiny.config.model_type == tiny.model_type == "m2m_100"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny, use_cache=True)
    batch, length = inputs["decoder_input_ids"].shape
    encoder = tiny.config
    assert outputs.encoder_last_hidden_state.shape == (*inputs["input_ids"].shape, encoder.hidden_size)
    decoder = tiny.config
    assert outputs.last_hidden_state.shape == (batch, length, decoder.hidden_size)
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
