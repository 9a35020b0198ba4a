# Rendered from templates/speech_encoder_decoder.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate parakeet_tdt`.
"""parakeet_tdt: smoke tests of ParakeetForTDT.

Family: speech encoder-decoder.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="parakeet_tdt",
    architecture="ParakeetForTDT",
    family="speech_encoder_decoder",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import ParakeetForTDT

    assert type(tiny.model) is ParakeetForTDT
    assert tiny.config.model_type == tiny.model_type == "parakeet_tdt"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    batch, length = inputs["decoder_input_ids"].shape[:2]
    frames = outputs.last_hidden_state.shape[1]
    classes = tiny.config.vocab_size + len(tiny.config.durations)
    assert outputs.logits.shape == (batch, frames, length, classes)
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
