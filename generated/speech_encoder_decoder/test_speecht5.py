# Rendered from templates/speech_encoder_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate speecht5`.
"""speecht5: smoke tests of SpeechT5Model.

Family: speech encoder-decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="speecht5",
    architecture="SpeechT5Model",
    family="speech_encoder_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import SpeechT5Model

    assert type(tiny.model) is SpeechT5Model
    assert tiny.config.model_type == tiny.model_type == "speecht5"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["decoder_input_values"].shape[:2]
    decoder = tiny.config.get_text_config(decoder=True)
    assert outputs.encoder_last_hidden_state.shape[0] == batch
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
