# Rendered from templates/audio_text_dual.py.jinja for transformers 5.24.0. Do not edit:
# change the template, then run `hfci generate moss_transcribe_diarize`.
"""moss_transcribe_diarize: smoke tests of MossTranscribeDiarizeModel.

Family: audio and text encoder pair.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(
    model_type="moss_transcribe_diarize",
    architecture="MossTranscribeDiarizeModel",
    family="audio_text_dual",
    tier="smoke",
)


def test_builds_tiny(tiny: TinyModel) -> None:
    from transformers import MossTranscribeDiarizeModel

    assert type(tiny.model) is MossTranscribeDiarizeModel
    assert tiny.config.model_type == tiny.model_type == "moss_transcribe_diarize"
    assert tiny.parameters <= tiny.recipe.budget
    checks.builds_tiny(tiny)


def test_forward_is_finite(tiny: TinyModel) -> None:
    inputs = tiny.inputs()
    outputs = checks.reference_forward(tiny)
    text = tiny.config.get_text_config(decoder=True)
    batch, length = inputs["input_ids"].shape
    assert outputs.last_hidden_state.shape == (batch, length, text.hidden_size)
    heard = int((inputs["input_ids"] == tiny.config.audio_token_id).sum())  # those of all sounds, one after the other
    assert outputs.audio_hidden_states.shape == (heard, text.hidden_size)
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
